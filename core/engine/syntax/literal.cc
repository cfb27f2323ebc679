#include "core/engine/syntax/literal.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/ids.h"
#include "core/base/ticks.h"
#include "core/engine/syntax/lexer.h"

namespace kc::engine {
namespace {

Failure bad(std::string_view type, std::string_view content) {
  return fail(ErrorKind::invalid, "query.literal",
              "'" + std::string(content.substr(0, 40)) + "' is no " + std::string(type));
}

bool same_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[i])) != lower[i]) return false;
  }
  return true;
}

// `datetime("2020-01-01")`: the content may itself be a string literal.
Result<std::string> unquoted(std::string_view content) {
  if (content.empty() || (content[0] != '"' && content[0] != '\'' && content[0] != '@'))
    return std::string(content);
  TokenStream tokens(content);
  auto value = tokens.string();
  if (!value) return value;
  if (!tokens.at_end()) return bad("literal", content);
  return value;
}

template <class Integer>
Result<Literal> integer_literal(Literal literal, std::string_view content) {
  std::string_view digits = content;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (hex) digits.remove_prefix(2);
  Integer value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    return bad(to_string(literal.type), content);
  }
  literal.integer = value;
  return literal;
}

Result<Literal> real_literal(Literal literal, std::string_view content) {
  std::string_view digits = content;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (same_word(digits, "nan")) {
    literal.number = std::numeric_limits<double>::quiet_NaN();
  } else if (same_word(digits, "inf") || same_word(digits, "infinity")) {
    literal.number = std::numeric_limits<double>::infinity();
  } else if (same_word(digits, "-inf") || same_word(digits, "-infinity")) {
    literal.number = -std::numeric_limits<double>::infinity();
  } else {
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), literal.number);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
      return bad("real", content);
  }
  return literal;
}

// A bare number is a count of days; a number and a unit may stand apart (`15 seconds`).
Result<Literal> timespan_literal(Literal literal, std::string_view content) {
  const bool negative = content.starts_with('-');
  const std::string_view magnitude = negative ? content.substr(1) : content;
  double days = 0;
  const auto [end, error] =
      std::from_chars(magnitude.data(), magnitude.data() + magnitude.size(), days);
  if (error == std::errc{} && end == magnitude.data() + magnitude.size() && std::abs(days) < 1e7) {
    literal.integer = static_cast<std::int64_t>(std::round((negative ? -days : days) * 864e9));
    return literal;
  }
  std::string joined;
  for (const char c : magnitude) {
    if (c != ' ') joined.push_back(c);
  }
  Lexer lexer(joined);
  if (const auto token = lexer.next();
      token && token->kind == TokenKind::timespan && lexer.offset() == joined.size()) {
    literal.integer = negative ? -token->integer : token->integer;
    return literal;
  }
  const auto span = parse_duration(content);
  if (!span) return bad("timespan", content);
  literal.integer = span->ticks;
  return literal;
}

}  // namespace

Result<Literal> parse_typed_literal(ScalarType type, std::string_view content) {
  Literal literal;
  literal.type = type;
  if (content == "null") {
    literal.is_null = true;
    return literal;
  }
  if (type == ScalarType::dynamic_) {
    auto json = compact_json(content, true);
    if (!json) return bad("dynamic", content);
    literal.text = std::move(*json);
    return literal;
  }
  KC_TRY(const std::string text, unquoted(content));
  switch (type) {
    case ScalarType::bool_:
      if (same_word(text, "true") || text == "1") {
        literal.integer = 1;
      } else if (!same_word(text, "false") && text != "0") {
        return bad("bool", text);
      }
      return literal;
    case ScalarType::int_:
      return integer_literal<std::int32_t>(literal, text);
    case ScalarType::long_:
      return integer_literal<std::int64_t>(literal, text);
    case ScalarType::real_:
      return real_literal(literal, text);
    case ScalarType::decimal_: {
      auto decimal = parse_decimal(text);
      if (!decimal) return bad("decimal", text);
      literal.text = std::move(*decimal);
      return literal;
    }
    case ScalarType::datetime_: {
      if (text.empty() || text == "now") {
        literal.text = "now";
        return literal;
      }
      const auto ticks = parse_datetime(text);
      if (!ticks) return bad("datetime", text);
      literal.integer = ticks->value;
      return literal;
    }
    case ScalarType::timespan_:
      return timespan_literal(literal, text);
    case ScalarType::guid_: {
      const auto uuid = Uuid::parse(text);
      if (!uuid) return bad("guid", text);
      literal.text = uuid->text();
      return literal;
    }
    case ScalarType::string_:
    case ScalarType::dynamic_:
      break;
  }
  literal.text = text;
  return literal;
}

std::optional<std::string> parse_decimal(std::string_view text) {
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) ++at;
  std::string digits;
  std::int64_t scale = 0;  // digits behind the point
  bool point = false, any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      any = true;
      if (!digits.empty() || c != '0') digits.push_back(c);
      if (point) ++scale;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return std::nullopt;
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int exponent = 0;
    const auto [end, error] =
        std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    scale -= exponent;
  }
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    --scale;
  }
  if (digits.empty()) return "0";
  if (digits.size() > kDecimalDigitsMax || scale > 2 * kDecimalDigitsMax ||
      scale < -kDecimalDigitsMax) {
    return std::nullopt;
  }
  if (scale <= 0) {
    digits.append(static_cast<std::size_t>(-scale), '0');
    if (digits.size() > kDecimalDigitsMax) return std::nullopt;
  } else {
    const auto fraction = static_cast<std::size_t>(scale);
    if (digits.size() <= fraction) digits.insert(0, fraction - digits.size() + 1, '0');
    digits.insert(digits.size() - fraction, 1, '.');
  }
  return negative ? "-" + digits : digits;
}

int compare_decimals(std::string_view a, std::string_view b) {
  const bool a_negative = a.starts_with('-'), b_negative = b.starts_with('-');
  if (a_negative != b_negative) return a_negative ? -1 : 1;
  if (a_negative) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  const int sign = a_negative ? -1 : 1;
  const std::string_view a_whole = a.substr(0, a.find('.')), b_whole = b.substr(0, b.find('.'));
  if (a_whole.size() != b_whole.size()) return a_whole.size() < b_whole.size() ? -sign : sign;
  const int order =
      a.compare(b);  // canonical texts: digit by digit, the shorter fraction is the smaller one
  return order == 0 ? 0 : order < 0 ? -sign : sign;
}

std::string kql_string(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string kql_name(std::string_view name) { return "[" + kql_string(name) + "]"; }

std::string real_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 64> buffer;
  const double magnitude = std::abs(value);
  const bool plain = value == 0 || (magnitude >= 1e-5 && magnitude < 1e15);
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  if (!plain) text[text.find('e')] = 'E';
  return text;
}

}  // namespace kc::engine
