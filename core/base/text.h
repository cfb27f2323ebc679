// Small changes of text that every room needs. ASCII only: the names of protocols (headers, scopes,
// properties, formats) are ASCII, and other bytes stay as they came, whatever the locale says.
// Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace kc {

std::string lower(std::string_view text);
std::string_view trim(std::string_view text);  // without spaces, tabs and line ends around it

}  // namespace kc
