// Which names a lake takes, and how they look inside a URI. Used by every implementation of the
// Lake door. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc {

inline constexpr std::size_t kLakeNameMax = 1024;  // what blob stores take

// Relative, `/`-separated parts, each at most 200 bytes, none empty, none beginning with a dot
// (those are the lake's own). Kind invalid, code lake.name otherwise.
Result<> check_lake_name(std::string_view name);
// As a name, but may be empty or end anywhere: "", "checkpoint/", "checkpoint/snap".
Result<> check_lake_prefix(std::string_view prefix);

// Everything but unreserved characters and `/` becomes %XX.
std::string encode_path(std::string_view path);
// Kind invalid, code lake.unsupported, for a broken escape or an encoded NUL.
Result<std::string> decode_path(std::string_view text);

}  // namespace kc
