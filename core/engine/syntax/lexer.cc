#include "core/engine/syntax/lexer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

struct Unit {
  std::string_view suffix;
  double ticks;
};
constexpr double kSecond = 1e7;
constexpr std::array<Unit, 33> kUnits{{
    {"d", 864 * 1e9},
    {"day", 864 * 1e9},
    {"days", 864 * 1e9},
    {"h", 3600 * kSecond},
    {"hr", 3600 * kSecond},
    {"hrs", 3600 * kSecond},
    {"hour", 3600 * kSecond},
    {"hours", 3600 * kSecond},
    {"m", 60 * kSecond},
    {"min", 60 * kSecond},
    {"minute", 60 * kSecond},
    {"minutes", 60 * kSecond},
    {"s", kSecond},
    {"sec", kSecond},
    {"second", kSecond},
    {"seconds", kSecond},
    {"ms", 1e4},
    {"milli", 1e4},
    {"millis", 1e4},
    {"millisec", 1e4},
    {"millisecond", 1e4},
    {"milliseconds", 1e4},
    {"micro", 10},
    {"micros", 10},
    {"microsec", 10},
    {"microsecond", 10},
    {"microseconds", 10},
    {"nano", 0.01},
    {"nanos", 0.01},
    {"nanosec", 0.01},
    {"nanosecond", 0.01},
    {"nanoseconds", 0.01},
    {"tick", 1},
}};

const double* unit_ticks(std::string_view suffix) {
  static constexpr double kTick = 1;
  if (suffix == "ticks") return &kTick;
  for (const Unit& unit : kUnits) {
    if (unit.suffix == suffix) return &unit.ticks;
  }
  return nullptr;
}

std::optional<std::int64_t> span_ticks(std::string_view digits, bool fraction, double unit) {
  std::int64_t whole = 0;
  if (!fraction && unit >= 1) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    std::int64_t ticks = 0;
    if (error != std::errc{} ||
        __builtin_mul_overflow(whole, static_cast<std::int64_t>(unit), &ticks)) {
      return std::nullopt;
    }
    return ticks;
  }
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const double ticks = std::round(value * unit);
  if (!(ticks < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(ticks);
}

// The words that start a typed literal when a parenthesis follows.
std::optional<ScalarType> literal_type(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, ScalarType>, 16> kTypes{{
      {"bool", ScalarType::bool_},
      {"boolean", ScalarType::bool_},
      {"int", ScalarType::int_},
      {"int32", ScalarType::int_},
      {"long", ScalarType::long_},
      {"int64", ScalarType::long_},
      {"real", ScalarType::real_},
      {"double", ScalarType::real_},
      {"decimal", ScalarType::decimal_},
      {"datetime", ScalarType::datetime_},
      {"timespan", ScalarType::timespan_},
      {"time", ScalarType::timespan_},
      {"guid", ScalarType::guid_},
      {"uuid", ScalarType::guid_},
      {"uniqueid", ScalarType::guid_},
      {"dynamic", ScalarType::dynamic_},
  }};
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

bool guid_at(std::string_view text, std::size_t at) {
  constexpr std::size_t kLength = 36;
  if (text.size() - at < kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[at + i] != '-' : !is_hex(text[at + i])) return false;
  }
  return at + kLength == text.size() || !is_word(text[at + kLength]);
}

// Bytes of the blank character at `at`: ASCII blanks and the Unicode ones of the official scanner.
std::size_t blank_length(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') return 1;
  static constexpr std::array<std::string_view, 19> kBlanks{
      "\u00A0", "\u1680", "\u180E", "\u2000", "\u2001", "\u2002", "\u2003",
      "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200A",
      "\u200B", "\u202F", "\u205F", "\u3000", "\uFEFF"};
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  for (const std::string_view blank : kBlanks) {
    if (text.substr(at, blank.size()) == blank) return blank.size();
  }
  return 0;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

Error placed(std::string_view text, std::size_t offset, std::string_view family,
             std::string_view code, std::string_view service_code, std::string_view what) {
  const Position at = position_of(text, offset);
  return {.kind = ErrorKind::invalid,
          .code = std::string(code),
          .message = std::string(family) + " error: " + std::string(service_code) + ": " +
                     std::string(what) + " [line:position=" + std::to_string(at.line) + ":" +
                     std::to_string(at.column) + "]",
          .service_code = std::string(service_code)};
}

}  // namespace

Position position_of(std::string_view text, std::size_t offset) {
  Position at;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    ++at.column;
    if (text[i] == '\n') at = {at.line + 1, 1};
  }
  return at;
}

Error syntax_error(std::string_view text, std::size_t offset, std::string_view service_code,
                   std::string_view what) {
  return placed(text, offset, "Syntax", "query.syntax", service_code, what);
}

Error semantic_error(std::string_view text, std::size_t offset, std::string_view service_code,
                     std::string_view what) {
  return placed(text, offset, "Semantic", "query.semantic", service_code, what);
}

Token Lexer::make(TokenKind kind, std::size_t start) const {
  Token token;
  token.kind = kind;
  token.offset = start;
  token.raw = text_.substr(start, at_ - start);
  return token;
}

Result<void> Lexer::skip_blank() {
  while (at_ < text_.size()) {
    const std::size_t blank = blank_length(text_, at_);
    if (blank > 0) {
      at_ += blank;
    } else if (peek() == '#' || (peek() == '/' && peek(1) == '/')) {
      while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::next() {
  KC_CHECK_OK(skip_blank());
  const std::size_t start = at_;
  if (at_ == text_.size()) return make(TokenKind::end, start);
  if (string_starts_at(at_)) return string_token(start);
  const char c = peek();
  if (is_hex(c) && guid_at(text_, at_)) {
    at_ += 36;
    Token token = make(TokenKind::guid, start);
    for (const char digit : token.raw) {
      token.text.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(digit))));
    }
    return token;
  }
  if (is_digit(c)) return number_token(start);
  if (is_letter(c) || c == '$') return word_token(start);
  return punctuation_token(start);
}

bool Lexer::string_starts_at(std::size_t at) const {
  const auto get = [&](std::size_t i) { return i < text_.size() ? text_[i] : '\0'; };
  if (get(at) == 'h' || get(at) == 'H') ++at;
  if (get(at) == '@') return get(at + 1) == '"' || get(at + 1) == '\'';
  if (get(at) == '"' || get(at) == '\'') return true;
  const std::string_view three = at < text_.size() ? text_.substr(at, 3) : "";
  return three == "```" || three == "~~~";
}

Result<Token> Lexer::string_token(std::size_t start) {
  Token joined;
  std::size_t end = at_;
  do {
    KC_CHECK_OK(scan_string(joined));
    end = at_;
    KC_CHECK_OK(skip_blank());
  } while (string_starts_at(at_));
  at_ = end;
  Token token = make(TokenKind::string, start);
  token.text = std::move(joined.text);
  token.obfuscated = joined.obfuscated;
  return token;
}

Result<void> Lexer::scan_string(Token& token) {
  const std::size_t start = at_;
  const auto unterminated = [&] {
    return fail(syntax_error(text_, start, "SYN0003", "The string literal is not terminated"));
  };
  if (peek() == 'h' || peek() == 'H') {
    token.obfuscated = true;
    ++at_;
  }
  if (const std::string_view three = text_.substr(at_, 3); three == "```" || three == "~~~") {
    const std::size_t end = text_.find(three, at_ + 3);
    if (end == std::string_view::npos) return unterminated();
    token.text.append(text_.substr(at_ + 3, end - at_ - 3));
    at_ = end + 3;
    return {};
  }
  const bool verbatim = peek() == '@';
  if (verbatim) ++at_;
  const char quote = text_[at_++];
  while (true) {
    if (at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r') return unterminated();
    const char c = text_[at_++];
    if (c == quote) {
      if (!verbatim || peek() != quote) return {};
      ++at_;
      token.text.push_back(quote);
    } else if (c == '\\' && !verbatim) {
      KC_CHECK_OK(scan_escape(token.text));
    } else {
      token.text.push_back(c);
    }
  }
}

// Stands behind the backslash.
Result<void> Lexer::scan_escape(std::string& out) {
  const std::size_t start = at_ - 1;
  const auto bad = [&] {
    return fail(
        syntax_error(text_, start, "SYN0003", "The string literal holds an unknown escape"));
  };
  const auto hex = [&](std::size_t digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    if (text_.size() - at_ < digits) return std::nullopt;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + at_ + digits, value, 16);
    if (error != std::errc{} || end != text_.data() + at_ + digits) return std::nullopt;
    at_ += digits;
    return value;
  };
  const char c = peek();
  static constexpr std::string_view kPlain = "\\'\"abfnrtv";
  static constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
  if (const std::size_t plain = kPlain.find(c); c != '\0' && plain != std::string_view::npos) {
    out.push_back(kValues[plain]);
    ++at_;
    return {};
  }
  if (c >= '0' && c <= '7') {
    std::uint32_t value = 0;
    for (int i = 0; i < 3 && peek() >= '0' && peek() <= '7' && value * 8 < 256; ++i) {
      value = value * 8 + static_cast<std::uint32_t>(text_[at_++] - '0');
    }
    append_utf8(out, value);
    return {};
  }
  if (c != 'u' && c != 'U' && c != 'x') return bad();
  ++at_;
  auto code = hex(c == 'u' ? 4 : c == 'U' ? 8 : 2);
  if (!code) return bad();
  if (*code >= 0xD800 && *code < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
    const std::size_t back = at_;
    at_ += 2;
    const auto low = hex(4);
    if (low && *low >= 0xDC00 && *low <= 0xDFFF) {
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    } else {
      at_ = back;
    }
  }
  append_utf8(out, *code);
  return {};
}

Result<Token> Lexer::number_token(std::size_t start) {
  const auto too_large = [&] {
    return fail(syntax_error(text_, start, "SYN0004", "The number does not fit its type"));
  };
  if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && is_hex(peek(2))) {
    at_ += 2;
    while (is_hex(peek())) ++at_;
    Token token = make(TokenKind::long_, start);
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(token.raw.data() + 2, token.raw.data() + token.raw.size(), value, 16);
    if (error != std::errc{}) return too_large();
    token.integer = static_cast<std::int64_t>(value);
    return token;
  }
  while (is_digit(peek())) ++at_;
  bool fraction = false;
  if (peek() == '.' && (is_digit(peek(1)) || (peek(1) != '.' && !is_letter(peek(1))))) {
    fraction = true;
    ++at_;
    while (is_digit(peek())) ++at_;
  }
  const std::size_t digits_end = at_;
  if (peek() == 'e' || peek() == 'E') {
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
    std::size_t ahead = sign;
    while (is_digit(peek(ahead))) ++ahead;
    if (ahead > sign && !is_letter(peek(ahead))) {
      at_ += ahead;
      fraction = true;
    }
  }
  if (at_ == digits_end && is_letter(peek())) {
    while (is_word(peek())) ++at_;
    const std::string_view digits = text_.substr(start, digits_end - start);
    if (const double* unit = unit_ticks(text_.substr(digits_end, at_ - digits_end))) {
      Token token = make(TokenKind::timespan, start);
      const auto ticks = span_ticks(digits, fraction, *unit);
      if (!ticks) return too_large();
      token.integer = *ticks;
      return token;
    }
    if (fraction)
      return fail(syntax_error(text_, start, "SYN0004", "The number ends in an unknown unit"));
    Token token = make(TokenKind::identifier, start);
    token.text = token.raw;
    return token;
  }
  Token token = make(fraction ? TokenKind::real : TokenKind::long_, start);
  const char* const begin = token.raw.data();
  const char* const end = begin + token.raw.size();
  const auto outcome = fraction ? std::from_chars(begin, end, token.number)
                                : std::from_chars(begin, end, token.integer);
  if (outcome.ec != std::errc{}) return too_large();
  if (!fraction) token.number = static_cast<double>(token.integer);
  return token;
}

Result<Token> Lexer::word_token(std::size_t start) {
  ++at_;
  while (is_word(peek())) ++at_;
  const std::string_view word = text_.substr(start, at_ - start);
  if ((word == "in" || word == "has_any") && peek() == '~') {
    ++at_;
    Token token = make(TokenKind::punctuation, start);
    token.text = token.raw;
    return token;
  }
  if (const auto type = literal_type(word)) {
    const std::size_t end = at_;
    KC_CHECK_OK(skip_blank());
    if (peek() == '(') return typed_token(start, *type, at_);
    at_ = end;
  }
  Token token = make(TokenKind::identifier, start);
  token.text = word;
  return token;
}

// The content ends at the first `)` outside a string; inside `dynamic` at the one that matches.
Result<Token> Lexer::typed_token(std::size_t start, ScalarType type, std::size_t open) {
  std::size_t depth = 0;
  at_ = open;
  while (at_ < text_.size()) {
    if (string_starts_at(at_)) {
      Token ignored;
      KC_CHECK_OK(scan_string(ignored));
      continue;
    }
    const char c = text_[at_++];
    if (c == '(') ++depth;
    if (c == ')' && (--depth == 0 || type != ScalarType::dynamic_)) {
      Token token = make(TokenKind::typed, start);
      token.type = type;
      token.text = trimmed(text_.substr(open + 1, at_ - open - 2));
      return token;
    }
  }
  return fail(
      syntax_error(text_, start, "SYN0003", "The literal's closing parenthesis is missing"));
}

Result<Token> Lexer::punctuation_token(std::size_t start) {
  if (peek() == '!' && is_letter(peek(1))) {
    ++at_;
    while (is_word(peek())) ++at_;
    if (text_.substr(start, at_ - start) == "!in" && peek() == '~') ++at_;
  } else {
    static constexpr std::array<std::string_view, 11> kTwo{"<|", "<=", "<>", ">=", "==", "=>",
                                                           "=~", "!=", "!~", "..", "::"};
    static constexpr std::string_view kOne = "()[]{}|.+-*/%<>=:;,@?!";
    const std::string_view two = text_.substr(at_, 2);
    bool found = false;
    for (const std::string_view known : kTwo) found = found || known == two;
    if (found) {
      at_ += 2;
    } else if (text_[at_] != '\0' && kOne.find(text_[at_]) != std::string_view::npos) {
      ++at_;
    } else {
      return fail(syntax_error(text_, start, "SYN0001", "A character that KQL does not know here"));
    }
  }
  Token token = make(TokenKind::punctuation, start);
  token.text = token.raw;
  return token;
}

}  // namespace kc::engine
