// Functions of texts and of formats that run inside DuckDB. Positions and lengths count code
// points.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/base/ticks.h"
#include "core/engine/translate/functions.h"
#include "core/engine/translate/json_parts.h"
#include "core/engine/translate/vectorised.h"

namespace kc::engine {
namespace {

using vectorised::add;
using Text = std::string_view;
using Long = std::int64_t;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::vector<std::string_view> code_points(std::string_view text) {
  std::vector<std::string_view> points;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && continues(text[end])) ++end;
    points.push_back(text.substr(at, end - at));
    at = end;
  }
  return points;
}

Long count_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); });
}

std::size_t byte_of(std::string_view text, Long point) {
  std::size_t at = 0;
  for (; point > 0 && at < text.size(); --point) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
  }
  return at;
}

// Where the occurrence begins, or -1; a negative start counts from the end, a negative length means
// to the end.
std::optional<Long> index_of(Text text, Text wanted, Long start, Long length, Long occurrence) {
  if (occurrence < 1) return std::nullopt;
  const Long size = count_points(text);
  if (start < 0) start = std::max<Long>(0, start + size);
  if (start > size) return -1;
  const std::size_t from = byte_of(text, start);
  Text part = text.substr(from);
  if (length >= 0) part = part.substr(0, byte_of(part, length));
  std::size_t at = part.find(wanted);
  while (at != Text::npos && --occurrence > 0) at = part.find(wanted, at + 1);
  return at == Text::npos ? -1 : start + count_points(part.substr(0, at));
}

// Occurrences may overlap.
Long count_of(Text text, Text wanted) {
  if (wanted.empty()) return 0;
  Long count = 0;
  for (std::size_t at = text.find(wanted); at != Text::npos; at = text.find(wanted, at + 1))
    ++count;
  return count;
}

// Characters of the first list become those of the second at the same place; a shorter second list
// is filled up with its last character, or deletes where it is empty.
std::string translated(Text from, Text to, Text text) {
  const auto wanted = code_points(from), instead = code_points(to);
  std::string out;
  for (const auto point : code_points(text)) {
    const auto found = std::find(wanted.begin(), wanted.end(), point);
    if (found == wanted.end()) {
      out += point;
    } else if (!instead.empty()) {
      out +=
          instead[std::min(static_cast<std::size_t>(found - wanted.begin()), instead.size() - 1)];
    }
  }
  return out;
}

std::string hex(Long value, Long width) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (auto left = static_cast<std::uint64_t>(value); left != 0 || out.empty(); left >>= 4)
    out.insert(out.begin(), kDigits[left & 15]);
  if (width > static_cast<Long>(out.size()) && width <= 16)
    out.insert(0, static_cast<std::size_t>(width) - out.size(), '0');
  return out;
}

// One line of CSV as a JSON array of strings.
std::string csv_fields(Text text) {
  std::vector<std::string> fields;
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.push_back(json_string(field));
      field.clear();
    } else if (c == '\n' || c == '\r') {
      break;  // the first record only
    } else {
      field += c;
    }
  }
  fields.push_back(json_string(field));
  return json_array(fields);
}

std::string query_members(Text text) {
  std::vector<std::pair<std::string, std::string>> members;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const Text pair = text.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) {
      members.emplace_back(json_string(pair.substr(0, equals)),
                           json_string(pair.substr(std::min(equals + 1, pair.size()))));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return json_object(members);
}

// Scheme, Host, Port, Path, Username, Password, Query Parameters, Fragment.
std::string url_parts(Text url) {
  std::string_view scheme, user, password, host, port, path, query, fragment;
  if (const auto at = url.find("://"); at != Text::npos) {
    scheme = url.substr(0, at);
    url.remove_prefix(at + 3);
  }
  const auto cut = [&](char c) {
    Text rest;
    if (const auto at = url.find(c); at != Text::npos) {
      rest = url.substr(at + 1);
      url = url.substr(0, at);
    }
    return rest;
  };
  fragment = cut('#');
  query = cut('?');
  const auto slash = url.find('/');
  if (slash != Text::npos) path = url.substr(slash);
  Text authority = url.substr(0, slash);
  if (const auto at = authority.rfind('@'); at != Text::npos) {
    user = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    if (const auto colon = user.find(':'); colon != Text::npos) {
      password = user.substr(colon + 1);
      user = user.substr(0, colon);
    }
  }
  host = authority;
  if (const auto colon = authority.rfind(':'); colon != Text::npos && !authority.ends_with(']')) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  return json_object({{"\"Scheme\"", json_string(scheme)},
                      {"\"Host\"", json_string(host)},
                      {"\"Port\"", json_string(port)},
                      {"\"Path\"", json_string(path)},
                      {"\"Username\"", json_string(user)},
                      {"\"Password\"", json_string(password)},
                      {"\"Query Parameters\"", query_members(query)},
                      {"\"Fragment\"", json_string(fragment)}});
}

std::string query_parts(Text query) {
  return json_object({{"\"Query Parameters\"", query_members(query)}});
}

// Pieces of a span or a moment, by the letter that asks for them.
struct Moment {
  Long year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0;
};

std::string padded(Long value, std::size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

std::string piece(const Moment& at, char letter, std::size_t run, bool span) {
  switch (letter) {
    case 'y':
      return run > 2 ? padded(at.year, run) : padded(at.year % 100, run);
    case 'M':
      return padded(at.month, run);
    case 'd':
      return padded(at.day, run);
    case 'H':
      return padded(at.hour, run);
    case 'h':
      return padded(span ? at.hour : (at.hour + 11) % 12 + 1, run);
    case 'm':
      return padded(at.minute, run);
    case 's':
      return padded(at.second, run);
    case 't':
      return at.hour < 12 ? "AM" : "PM";
    default: {
      std::string text = padded(at.fraction, 7).substr(0, run);
      if (letter == 'F') {  // only what is not zero
        while (!text.empty() && text.back() == '0') text.pop_back();
      }
      return text;
    }
  }
}

std::string formatted(const Moment& at, Text format, bool span) {
  std::string out;
  for (std::size_t i = 0; i < format.size();) {
    std::size_t run = 1;
    while (i + run < format.size() && format[i + run] == format[i]) ++run;
    const bool letter = std::string_view("yMdHhmstfF").find(format[i]) != std::string_view::npos;
    out += letter ? piece(at, format[i], run, span) : std::string(format.substr(i, run));
    i += run;
  }
  return out;
}

constexpr Long kSecond = 10'000'000, kDay = 86'400 * kSecond;

Moment clock_of(Long ticks) {
  return {.hour = ticks / (3600 * kSecond) % 24,
          .minute = ticks / (60 * kSecond) % 60,
          .second = ticks / kSecond % 60,
          .fraction = ticks % kSecond};
}

std::string format_span(Long ticks, Text format) {
  if (ticks == std::numeric_limits<Long>::min()) ++ticks;  // its text has no eighth digit
  Moment at = clock_of(std::abs(ticks));
  at.day = std::abs(ticks) / kDay;
  return (ticks < 0 ? "-" : "") + formatted(at, format, true);
}

std::string format_moment(Long ticks, Text format) {
  const std::string text = format_datetime({ticks});
  Moment at = clock_of(ticks % kDay);
  at.year = std::stol(text.substr(0, 4));
  at.month = std::stol(text.substr(5, 2));
  at.day = std::stol(text.substr(8, 2));
  return formatted(at, format, false);
}

std::string format_size(double size, Long precision) {
  static constexpr std::array<std::string_view, 7> kUnits{"Bytes", "KB", "MB", "GB",
                                                          "TB",    "PB", "EB"};
  std::size_t unit = 0;
  while (std::abs(size) >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f",
                static_cast<int>(std::clamp<Long>(precision, 0, 15)), size);
  std::string out = text.data();
  if (out.find('.') != std::string::npos) {
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
  }
  return out + " " + std::string(kUnits[unit]);
}

bool is_ascii(Text text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// RE2 has no look-around, so a text to be found as it is only needs its marks escaped.
std::string escaped_pattern(Text text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Long compare_texts(Text a, Text b) {
  const int order = a.compare(b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace

Result<void> register_text_functions(duckdb_connection connection) {
  using Out = std::string;
  KC_CHECK_OK((add<index_of, Long, Text, Text, Long, Long, Long>(connection, "kc_index_of")));
  KC_CHECK_OK((add<count_of, Long, Text, Text>(connection, "kc_count_of")));
  KC_CHECK_OK((add<translated, Out, Text, Text, Text>(connection, "kc_translate")));
  KC_CHECK_OK((add<hex, Out, Long, Long>(connection, "kc_hex")));
  KC_CHECK_OK((add<csv_fields, Out, Text>(connection, "kc_csv_fields")));
  KC_CHECK_OK((add<url_parts, Out, Text>(connection, "kc_url_parts")));
  KC_CHECK_OK((add<query_parts, Out, Text>(connection, "kc_query_parts")));
  KC_CHECK_OK((add<format_span, Out, Long, Text>(connection, "kc_format_span")));
  KC_CHECK_OK((add<format_moment, Out, Long, Text>(connection, "kc_format_moment")));
  KC_CHECK_OK((add<format_size, Out, double, Long>(connection, "kc_format_size")));
  KC_CHECK_OK((add<is_ascii, bool, Text>(connection, "kc_is_ascii")));
  KC_CHECK_OK((add<escaped_pattern, Out, Text>(connection, "kc_escaped_pattern")));
  return add<compare_texts, Long, Text, Text>(connection, "kc_compare_texts");
}

}  // namespace kc::engine
