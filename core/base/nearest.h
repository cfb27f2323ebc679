// Which known name a mistyped one was meant to be: for the hint beside "unknown field" and "unknown
// option". Used by the API's codec and the command line. Thread promise: a pure function.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kc {

// The known name that is closest to `given` by letters and digits alone (`tables_include`,
// `--tables-include` and `TablesInclude` are one slip); empty where none is within three edits.
std::string nearest(std::string_view given, std::span<const std::string_view> known);

}  // namespace kc
