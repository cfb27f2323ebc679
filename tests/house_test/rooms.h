// The rooms of the house and who may include whom, as data: changed only together with a decision
// note in docs/decisions. Used by the include rules. Thread promise: constant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace house_test {

struct Room {
  std::string_view folder;
  std::vector<std::string_view>
      may_include;  // folders; the room itself and core/base are always allowed
};

// A header that costs seconds in each file that includes it. A room's own header may include it
// only while no other room includes that header, directly or through another.
struct HeavyHeader {
  std::string_view header;               // as included, or the beginning of it
  std::vector<std::string_view> places;  // folders or files where it may be included
  bool handed_on = false;                // the places are headers of ours, with rules of their own
};

struct Exception {
  std::string_view file;         // the beginning of a path
  std::string_view may_include;  // the beginning of what is included
};

std::span<const Room> rooms();
std::span<const HeavyHeader> heavy_headers();
std::span<const Exception> exceptions();

// The folder of the room that `path` (of a file, or as included) lies in; empty if it is in none.
std::string_view room_of(std::string_view path);

}  // namespace house_test
