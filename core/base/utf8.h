// Whether bytes are well-formed UTF-8. Used wherever a text from outside is written into JSON: the
// log and the journal. Thread promise: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace kc {

// The length of the well-formed character at the start of a text that is not empty; 0 where there
// is none.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace kc
