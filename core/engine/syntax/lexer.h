// The lexer of KQL and of management commands (official scanner's rules), and TokenStream, the
// window both parsers read through. Lexing is lazy, so that what follows `<|` may be any text. Used
// by the query parser and by the command parser. Thread promise: one owner at a time; the text must
// outlive them.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/engine/syntax/token.h"

namespace kc::engine {

// A syntax error: kind invalid, code `query.syntax`, service_code e.g. SYN0002, message
// `Syntax error: SYN0002: … [line:position=1:14]`.
// A KQL feature that exists but not here is a semantic one: service_code SEM0100, `Semantic error:
// SEM0100: …`.
Error semantic_error(std::string_view text, std::size_t offset, std::string_view service_code,
                     std::string_view what);
Error syntax_error(std::string_view text, std::size_t offset, std::string_view service_code,
                   std::string_view what);

class Lexer {
 public:
  explicit Lexer(std::string_view text, std::size_t offset = 0) : text_(text), at_(offset) {}

  Result<Token> next();  // kind end at the end, again and again
  std::size_t offset() const { return at_; }

 private:
  Result<void> skip_blank();
  Result<Token> string_token(std::size_t start);
  Result<Token> number_token(std::size_t start);
  Result<Token> word_token(std::size_t start);
  Result<Token> typed_token(std::size_t start, ScalarType type, std::size_t open);
  Result<Token> punctuation_token(std::size_t start);
  bool string_starts_at(std::size_t at) const;
  Result<void> scan_string(Token& token);
  Result<void> scan_escape(std::string& out);
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  Token make(TokenKind kind, std::size_t start) const;

  std::string_view text_;
  std::size_t at_ = 0;
};

// A window on the tokens with look-ahead and backtracking. A lexical error is met when its token is
// reached: the stream then stands at kind end and `failure()` tells; every `expect_*` returns that
// failure.
class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : text_(text), lexer_(text) {}

  std::string_view text() const { return text_; }
  const Token& peek(std::size_t ahead = 0);
  Token take();  // the current token; the stream moves on
  bool at_end() { return peek().kind == TokenKind::end && !failure_; }
  const std::optional<Error>& failure() const { return failure_; }

  bool is(std::string_view punctuation, std::size_t ahead = 0);
  bool is_word(std::string_view word, std::size_t ahead = 0);  // an identifier, by exact case
  bool accept(std::string_view punctuation);
  bool accept_word(std::string_view word);
  // `project-away`, `create-merge`: words joined by `-` with nothing between, as one; empty if no
  // identifier is here.
  std::string peek_hyphenated(std::size_t* tokens = nullptr);
  std::string take_hyphenated();
  bool accept_words(std::string_view words);  // all of `create-merge table`, or none

  Result<void> expect(std::string_view punctuation);
  Result<void> expect_word(std::string_view word);
  Result<std::string> name();    // identifier, or `['…']` / `["…"]`
  bool is_name();                // would `name()` succeed?
  Result<std::string> string();  // a string literal

  // Everything after the current point (used after `<|`): from the byte that follows the last taken
  // token.
  std::string_view rest() const { return text_.substr(last_end_); }
  std::size_t offset() { return peek().offset; }
  std::size_t last_end() const { return last_end_; }

  std::size_t mark() const { return at_; }
  void reset(std::size_t mark);

  // An error at the current token: "expected …, found …", or the lexical failure that stopped the
  // stream.
  Error error(std::string_view what, std::string_view service_code = "SYN0002");
  Error error_at(std::size_t offset, std::string_view what,
                 std::string_view service_code = "SYN0002");

 private:
  std::string_view text_;
  Lexer lexer_;
  std::deque<Token> tokens_;  // references handed out stay good while it grows
  std::deque<std::size_t> ends_;
  std::size_t at_ = 0;
  std::size_t last_end_ = 0;
  std::optional<Error> failure_;
};

}  // namespace kc::engine
