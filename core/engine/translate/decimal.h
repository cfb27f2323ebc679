// Arithmetic and order of Kusto's decimals in their canonical text: 34 significant digits, results
// rounded half to even. Used by the functions that run inside DuckDB. Thread promise: pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kc::engine {

// All arguments are canonical; nullopt where the result does not fit or divides by zero.
std::optional<std::string> decimal_plus(std::string_view a, std::string_view b);
std::optional<std::string> decimal_minus(std::string_view a, std::string_view b);
std::optional<std::string> decimal_times(std::string_view a, std::string_view b);
std::optional<std::string> decimal_over(std::string_view a, std::string_view b);
std::optional<std::string> decimal_sum(std::string_view joined);  // by commas; `0` of nothing

// Sorts byte by byte as the decimals do by value.
std::string decimal_sort_key(std::string_view value);

}  // namespace kc::engine
