// Bugs, not errors: KC_ASSERT is on in every build and never reachable from input. It ends the
// process, unless the thread is inside an AssertScope (a pure core), where it ends that core only
// by throwing AssertionFailed. Thread promise: safe from any thread; an AssertScope belongs to its
// thread.
#pragma once

#include <stdexcept>
#include <string>

namespace kc {

struct AssertionFailed : std::logic_error {
  using std::logic_error::logic_error;
};

// While one is alive on this thread, a failed assertion throws AssertionFailed instead of aborting.
class AssertScope {
 public:
  AssertScope();
  ~AssertScope();
  AssertScope(const AssertScope&) = delete;
  AssertScope& operator=(const AssertScope&) = delete;

 private:
  bool outer_;
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line,
                                   const std::string& note);

}  // namespace kc

#define KC_ASSERT(expression, ...)                                                         \
  do {                                                                                     \
    if (!(expression))                                                                     \
      ::kc::assertion_failed(#expression, __FILE__, __LINE__, ::std::string{__VA_ARGS__}); \
  } while (false)
#define KC_UNREACHABLE() ::kc::assertion_failed("unreachable", __FILE__, __LINE__, {})
