// Tokens of KQL and of management commands: what the lexer makes and what both parsers read.
// Positions count from 1, lines by `\n`, positions in bytes of the line. Thread promise: values; a
// Token's `raw` views the text it came from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/model/schema.h"

namespace kc::engine {

struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
};

// Where byte `offset` of `text` is.
Position position_of(std::string_view text, std::size_t offset);

enum class TokenKind {
  end,
  identifier,  // unquoted; `text` is the name. `['quoted name']` stays `[` string `]`: see
               // TokenStream::name
  string,      // any quoting form, adjacent literals already joined; `text` is the value
  long_,       // `integer`
  real,        // `number`
  timespan,    // `5m`, `1.5h`: `integer` in ticks
  guid,        // a bare 8-4-4-4-12; `text` in lower case
  typed,  // `datetime(…)`, `dynamic(…)`, `int(…)`: `type`, and `text` is what the parentheses hold,
          // trimmed
  punctuation,  // `|`, `<=`, `..`, and keyword operators with a sign: `!in`, `in~`, `!has_cs`
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view raw;    // the whole token as written
  std::size_t offset = 0;  // of its first byte
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
  ScalarType type = ScalarType::string_;
  bool obfuscated = false;  // an h-string: never to be shown
};

}  // namespace kc::engine
