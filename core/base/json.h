// JSON for every room: the one header that includes nlohmann/json.hpp. Its parser and its writer
// are compiled once, in json.cc, and not in each object (docs/decisions/0013). Who uses it: whoever
// reads or writes JSON. Thread promise: that of the library, plain values.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace nlohmann::detail {

// What the library reads a text from: a std::string, or a view or literal.
using OfString = decltype(input_adapter(std::declval<const std::string&>()));
using OfView = decltype(input_adapter(std::declval<const std::string_view&>()));

extern template class lexer<json, OfString>;
extern template class lexer<json, OfView>;
extern template class json_sax_dom_parser<json>;
extern template class json_sax_dom_callback_parser<json>;
extern template class parser<json, OfString>;
extern template class parser<json, OfView>;
extern template class serializer<json>;

extern template class lexer<ordered_json, OfString>;
extern template class lexer<ordered_json, OfView>;
extern template class json_sax_dom_parser<ordered_json>;
extern template class json_sax_dom_callback_parser<ordered_json>;
extern template class parser<ordered_json, OfString>;
extern template class parser<ordered_json, OfView>;
extern template class serializer<ordered_json>;

}  // namespace nlohmann::detail
