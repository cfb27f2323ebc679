#include <algorithm>

#include "core/engine/syntax/lexer.h"

namespace kc::engine {

const Token& TokenStream::peek(std::size_t ahead) {
  while (tokens_.size() <= at_ + ahead) {
    if (!tokens_.empty() && tokens_.back().kind == TokenKind::end) return tokens_.back();
    auto token = lexer_.next();
    if (!token) {
      if (!failure_) failure_ = token.error();
      Token end;
      end.offset = lexer_.offset();
      token = end;
    }
    tokens_.push_back(std::move(*token));
    ends_.push_back(lexer_.offset());
  }
  return tokens_[at_ + ahead];
}

Token TokenStream::take() {
  Token token = peek();
  if (token.kind != TokenKind::end) {
    last_end_ = ends_[at_];
    ++at_;
  }
  return token;
}

void TokenStream::reset(std::size_t mark) {
  at_ = mark;
  last_end_ = mark == 0 ? 0 : ends_[mark - 1];
}

bool TokenStream::is(std::string_view punctuation, std::size_t ahead) {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::punctuation && token.text == punctuation;
}

bool TokenStream::is_word(std::string_view word, std::size_t ahead) {
  const Token& token = peek(ahead);
  return token.kind == TokenKind::identifier && token.text == word;
}

bool TokenStream::accept(std::string_view punctuation) {
  if (!is(punctuation)) return false;
  take();
  return true;
}

bool TokenStream::accept_word(std::string_view word) {
  if (!is_word(word)) return false;
  take();
  return true;
}

std::string TokenStream::peek_hyphenated(std::size_t* tokens) {
  std::string joined;
  std::size_t count = 0;
  if (peek().kind == TokenKind::identifier) {
    joined = peek().text;
    count = 1;
    std::size_t end = peek().offset + peek().raw.size();
    while (is("-", count) && peek(count).offset == end &&
           peek(count + 1).kind == TokenKind::identifier && peek(count + 1).offset == end + 1) {
      const Token& next = peek(count + 1);
      joined += "-" + next.text;
      end = next.offset + next.raw.size();
      count += 2;
    }
  }
  if (tokens != nullptr) *tokens = count;
  return joined;
}

std::string TokenStream::take_hyphenated() {
  std::size_t count = 0;
  std::string joined = peek_hyphenated(&count);
  for (; count > 0; --count) take();
  return joined;
}

bool TokenStream::accept_words(std::string_view words) {
  const std::size_t start = mark();
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (peek_hyphenated() != words.substr(0, end)) {
      reset(start);
      return false;
    }
    take_hyphenated();
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return true;
}

Result<void> TokenStream::expect(std::string_view punctuation) {
  if (accept(punctuation)) return {};
  return fail(error("Expected '" + std::string(punctuation) + "'"));
}

Result<void> TokenStream::expect_word(std::string_view word) {
  if (accept_word(word)) return {};
  return fail(error("Expected '" + std::string(word) + "'"));
}

bool TokenStream::is_name() {
  if (peek().kind == TokenKind::identifier) return true;
  return is("[") && peek(1).kind == TokenKind::string && is("]", 2);
}

Result<std::string> TokenStream::name() {
  if (peek().kind == TokenKind::identifier) return take().text;
  if (!is_name()) return fail(error("Expected a name"));
  take();
  std::string name = take().text;
  take();
  return name;
}

Result<std::string> TokenStream::string() {
  if (peek().kind == TokenKind::string) return take().text;
  return fail(error("Expected a string literal"));
}

Error TokenStream::error(std::string_view what, std::string_view service_code) {
  const Token& token = peek();
  if (failure_ && token.kind == TokenKind::end) return *failure_;
  constexpr std::size_t kShown = 40;
  std::string found = "the end of the text";
  if (token.obfuscated) {
    found = "a hidden string";
  } else if (token.kind != TokenKind::end) {
    found = "'" + std::string(token.raw.substr(0, kShown)) + "'";
  }
  return error_at(token.offset, std::string(what) + ", found " + found, service_code);
}

Error TokenStream::error_at(std::size_t offset, std::string_view what,
                            std::string_view service_code) {
  return syntax_error(text_, offset, service_code, what);
}

}  // namespace kc::engine
