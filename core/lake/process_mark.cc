#include "core/lake/process_mark.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <optional>

#include "core/base/text.h"

namespace kc {
namespace {

// What all marks of one machine and namespace begin with.
std::string here() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::array<char, 64> name{};
  const auto size = ::readlink("/proc/self/ns/pid", name.data(), name.size() - 1);
  if (boot.empty() || size <= 0) return {};
  return std::string(trim(boot)) + "/" + std::string(name.data(), static_cast<std::size_t>(size));
}

// The start of a process that still runs, in ticks since the boot.
std::optional<std::string> start_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The program's name stands in brackets and may hold anything; the state follows it, and the
  // start is the twentieth word from there.
  auto at = line.rfind(')');
  if (at == std::string::npos || at + 2 >= line.size()) return std::nullopt;
  at += 2;
  // Dead, but its parent has not asked yet.
  if (line[at] == 'Z' || line[at] == 'X') return std::nullopt;
  for (int word = 0; word < 19 && at != std::string::npos; ++word) {
    at = line.find(' ', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return std::nullopt;
  return line.substr(at, line.find(' ', at) - at);
}

}  // namespace

std::string process_mark() { return process_mark(::getpid()); }

std::string process_mark(int pid) {
  const auto place = here();
  const auto start = start_of(pid);
  if (place.empty() || !start) return {};
  return place + "/" + std::to_string(pid) + "/" + *start;
}

Seen look_for(std::string_view mark) {
  const auto place = here() + "/";
  if (place.size() == 1 || !mark.starts_with(place)) return Seen::unknown;
  mark.remove_prefix(place.size());
  int pid = 0;
  const auto [end, error] = std::from_chars(mark.data(), mark.data() + mark.size(), pid);
  if (error != std::errc() || pid <= 0 || end == mark.data() + mark.size() || *end != '/')
    return Seen::unknown;
  mark.remove_prefix(static_cast<std::size_t>(end - mark.data()) + 1);
  const auto start = start_of(pid);
  return start && *start == mark ? Seen::alive : Seen::gone;
}

}  // namespace kc
