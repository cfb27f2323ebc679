#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kc {
namespace {
thread_local bool inside_core = false;
}

AssertScope::AssertScope() : outer_(inside_core) { inside_core = true; }
AssertScope::~AssertScope() { inside_core = outer_; }

void assertion_failed(const char* expression, const char* file, int line, const std::string& note) {
  std::string text =
      std::string(file) + ":" + std::to_string(line) + ": assertion failed: " + expression;
  if (!note.empty()) text += " (" + note + ")";
  if (inside_core) throw AssertionFailed(text);
  std::fprintf(stderr, "%s\n", text.c_str());
  std::abort();
}

}  // namespace kc
