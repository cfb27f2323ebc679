// Literals of KQL as values, and the text forms that literals, functions and ingestion share:
// decimal's canonical text and compact JSON. Used by the parser, the translator's functions and
// storage. Thread promise: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/engine/syntax/ast.h"

namespace kc::engine {

inline constexpr int kDecimalDigitsMax = 34;
inline constexpr std::size_t kJsonNestingMax = 200;

// What stands in `typename( … )`: `content` is trimmed. Kind invalid with a plain message; the
// caller adds the place. datetime() without content is `now`: is_null false, text "now", resolved
// by the translator.
Result<Literal> parse_typed_literal(ScalarType type, std::string_view content);

// Canonical: no exponent, no leading or trailing zeros, `0` never negative; nullopt where it is no
// decimal or needs more than kDecimalDigitsMax digits.
std::optional<std::string> parse_decimal(std::string_view text);
int compare_decimals(std::string_view a, std::string_view b);  // both canonical: -1, 0, 1

// A JSON string with its quotes; control characters are escaped, everything else is as it came.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view value);
// JSON made compact; nullopt where it is none. With `kusto_literals` also what `dynamic(…)` takes:
// single quotes and nested literals such as datetime(2020-01-01).
std::optional<std::string> compact_json(std::string_view text, bool kusto_literals = false);
// The value of a JSON string, with its quotes; nullopt where it is none.
std::optional<std::string> json_string_value(std::string_view text);

// A string literal of KQL with that value, and a name that may be anything, `["…"]`.
std::string kql_string(std::string_view value);
std::string kql_name(std::string_view name);

// Shortest decimal that reads back as the same double, always with a fraction or an exponent; NaN,
// Infinity, -Infinity.
std::string real_text(double value);

}  // namespace kc::engine
