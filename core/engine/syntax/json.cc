// Compact JSON out of JSON or out of Kusto's dynamic literals, in one pass and without a tree: a
// value of a million elements costs its text only.
#include <charconv>
#include <cmath>

#include "core/base/ticks.h"
#include "core/engine/syntax/lexer.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, at - plain));
    plain = at + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text.substr(plain));
  out += '"';
}

namespace {

class JsonScanner {
 public:
  JsonScanner(std::string_view text, bool kusto) : text_(text), kusto_(kusto) {}

  std::optional<std::string> run() {
    if (!value(0)) return std::nullopt;
    blank();
    if (at_ != text_.size()) return std::nullopt;
    return std::move(out_);
  }

 private:
  void blank() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    blank();
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    const std::size_t end = at_ + expected.size();
    if (end < text_.size() && std::isalnum(static_cast<unsigned char>(text_[end]))) return false;
    at_ = end;
    out_ += expected;
    return true;
  }

  bool value(std::size_t depth) {
    if (depth > kJsonNestingMax) return false;
    blank();
    const char c = peek();
    if (c == '{') return bag(depth);
    if (c == '[') return array(depth);
    if (c == '"') return string();
    if (c == '-' || (c >= '0' && c <= '9')) return number();
    if (word("true") || word("false") || word("null")) return true;
    return kusto_ && kusto_value();
  }

  bool array(std::size_t depth) {
    ++at_;
    out_.push_back('[');
    if (!take(']')) {
      do {
        if (!value(depth + 1)) return false;
        out_.push_back(',');
      } while (take(','));
      out_.pop_back();
      if (!take(']')) return false;
    }
    out_.push_back(']');
    return true;
  }

  bool bag(std::size_t depth) {
    ++at_;
    out_.push_back('{');
    if (!take('}')) {
      do {
        blank();
        if (peek() == '"' ? !string() : !(kusto_ && kusto_string())) return false;
        if (!take(':')) return false;
        out_.push_back(':');
        if (!value(depth + 1)) return false;
        out_.push_back(',');
      } while (take(','));
      out_.pop_back();
      if (!take('}')) return false;
    }
    out_.push_back('}');
    return true;
  }

  bool string() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] == '\\' && !escape()) return false;
      ++at_;
    }
    if (at_ == text_.size()) return false;
    ++at_;
    out_ += text_.substr(start, at_ - start);
    return true;
  }
  // Leaves the place on the escape's last character.
  bool escape() {
    ++at_;
    if (peek() != 'u')
      return peek() != '\0' &&
             std::string_view("\"\\/bfnrt").find(peek()) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      ++at_;
      if (!std::isxdigit(static_cast<unsigned char>(peek()))) return false;
    }
    return true;
  }

  bool digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }
  bool number() {
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    out_ += text_.substr(start, at_ - start);
    return true;
  }

  bool kusto_string() {
    Lexer lexer(text_, at_);
    const auto token = lexer.next();
    if (!token || token->kind != TokenKind::string) return false;
    at_ = lexer.offset();
    append_json_string(out_, token->text);
    return true;
  }
  bool kusto_value() {
    if (kusto_string()) return true;
    Lexer lexer(text_, at_);
    const auto token = lexer.next();
    if (!token || token->kind != TokenKind::typed || token->type == ScalarType::dynamic_)
      return false;
    const auto literal = parse_typed_literal(token->type, token->text);
    if (!literal) return false;
    at_ = lexer.offset();
    return append_literal(*literal);
  }
  bool append_literal(const Literal& literal) {
    if (literal.is_null) {
      out_ += "null";
      return true;
    }
    switch (literal.type) {
      case ScalarType::bool_:
        out_ += literal.integer != 0 ? "true" : "false";
        return true;
      case ScalarType::int_:
      case ScalarType::long_:
        out_ += std::to_string(literal.integer);
        return true;
      case ScalarType::real_:
        if (std::isfinite(literal.number)) {
          out_ += real_text(literal.number);
        } else {
          append_json_string(out_, real_text(literal.number));
        }
        return true;
      case ScalarType::datetime_:
        if (literal.text == "now") return false;
        append_json_string(out_, format_datetime({literal.integer}));
        return true;
      case ScalarType::timespan_:
        append_json_string(out_, format_timespan({literal.integer}));
        return true;
      case ScalarType::guid_:
        append_json_string(out_, literal.text);
        return true;
      case ScalarType::dynamic_:
        out_ += literal.text;
        return true;
      case ScalarType::decimal_:
      case ScalarType::string_:
        break;
    }
    return false;  // decimal is no inner type of dynamic
  }

  std::string_view text_;
  bool kusto_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string json_string(std::string_view value) {
  std::string out;
  out.reserve(value.size() + 2);
  append_json_string(out, value);
  return out;
}

std::optional<std::string> compact_json(std::string_view text, bool kusto_literals) {
  return JsonScanner(text, kusto_literals).run();
}

std::optional<std::string> json_string_value(std::string_view text) {
  const auto valid = compact_json(text);
  if (!valid || !valid->starts_with('"')) return std::nullopt;
  if (valid->find('\\') == std::string::npos) return valid->substr(1, valid->size() - 2);
  std::string kql;  // JSON's escapes are a subset of KQL's but for `\/`
  for (std::size_t i = 0; i < valid->size(); ++i) {
    if ((*valid)[i] == '\\' && (*valid)[i + 1] == '/') continue;
    kql.push_back((*valid)[i]);
    if ((*valid)[i] == '\\') kql.push_back((*valid)[++i]);
  }
  Lexer lexer(kql);
  const auto token = lexer.next();
  if (!token || token->kind != TokenKind::string) return std::nullopt;
  return token->text;
}

}  // namespace kc::engine
