// The parser of KQL: text in, tree out. It knows the grammar only; names, types and what is
// supported are the translator's. Used by core/engine/translate and by the command parser (for the
// query after `<|`). Thread promise: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/engine/syntax/ast.h"
#include "core/engine/syntax/lexer.h"

namespace kc::engine {

inline constexpr std::size_t kQueryTextMax = 4u << 20;  // bytes of one query
inline constexpr std::size_t kNestingMax = 200;         // depth of the tree
inline constexpr std::size_t kOperatorsMax = 500;       // operators of one pipeline

// A whole query: statements separated by `;`, at least one of them tabular. Errors: kind invalid,
// service_code SYN0001 to SYN0005, line and position in the message.
Result<Query> parse_query(std::string_view text);

// `| op | op …` (with the first bar) to the end of the text: what follows a management command.
Result<Pipeline> parse_operators(std::string_view text);

}  // namespace kc::engine
