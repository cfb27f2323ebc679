// A field of text into a column: what each of Kusto's types accepts at ingestion.
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "core/base/ticks.h"
#include "core/base/utf8.h"
#include "core/engine/formats/text_reader.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

bool is_ascii(std::string_view text) {
  std::uint64_t high = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    high |= word;
  }
  for (; at < text.size(); ++at) high |= static_cast<unsigned char>(text[at]);
  return (high & 0x8080808080808080ULL) == 0;
}

// Invalid bytes become U+FFFD, as at Kusto's ingestion.
std::string_view valid_utf8(std::string_view text, std::string& scratch) {
  if (is_ascii(text)) return text;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto length = utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  if (at == text.size()) return text;
  scratch.assign(text.substr(0, at));
  while (at < text.size()) {
    const auto length = utf8_length(text.substr(at));
    if (length == 0)
      scratch += "\xEF\xBF\xBD";
    else
      scratch.append(text.substr(at, length));
    at += std::max<std::size_t>(length, 1);
  }
  return scratch;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                   [](char a, char b) { return (a | 0x20) == b; });
}

template <class T>
bool put_number(duckdb_vector vector, idx_t row, std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return false;
  put(vector, row, value);
  return true;
}

bool put_real(duckdb_vector vector, idx_t row, std::string_view text) {
  if (same_word(text, "nan"))
    put(vector, row, std::nan(""));
  else if (same_word(text, "infinity") || same_word(text, "inf") || text == "+Infinity")
    put(vector, row, HUGE_VAL);
  else if (same_word(text, "-infinity") || same_word(text, "-inf"))
    put(vector, row, -HUGE_VAL);
  else
    return put_number<double>(vector, row, text);
  return true;
}

bool put_bool(duckdb_vector vector, idx_t row, std::string_view text) {
  const bool yes = same_word(text, "true") || text == "1";
  if (!yes && !same_word(text, "false") && text != "0") return false;
  put(vector, row, yes);
  return true;
}

std::int64_t digits(const char* at, int count) {
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) {
    if (at[i] < '0' || at[i] > '9') return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

// The form that exports write, without the general parser.
std::optional<std::int64_t> full_datetime(std::string_view text) {
  if (text.size() != 28 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != '.' || text[27] != 'Z') {
    return std::nullopt;
  }
  const auto year = digits(text.data(), 4), month = digits(text.data() + 5, 2),
             day = digits(text.data() + 8, 2);
  const auto hour = digits(text.data() + 11, 2), minute = digits(text.data() + 14, 2);
  const auto second = digits(text.data() + 17, 2), ticks = digits(text.data() + 20, 7);
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (year < 1 || month < 1 || day < 1 || !date.ok() || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 59 || ticks < 0) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 86'400) + hour * 3600 + minute * 60 + second) * kTicksPerSecond + ticks +
         kTicksAtUnixEpoch;
}

bool put_datetime(duckdb_vector vector, idx_t row, std::string_view text) {
  if (const auto fast = full_datetime(text)) {
    put(vector, row, *fast);
    return true;
  }
  const auto at = parse_datetime(text);
  if (at) put(vector, row, at->value);
  return at.has_value();
}

bool put_dynamic(duckdb_vector vector, idx_t row, std::string_view text, std::string& scratch,
                 std::size_t limit) {
  if (text.empty() || text.size() > limit) return false;
  const auto valid = valid_utf8(text, scratch);
  const auto json = compact_json(valid);
  if (json && *json == "null") return false;
  put_text(vector, row, json ? *json : json_string(valid));
  return true;
}

bool put_typed(duckdb_vector vector, idx_t row, ScalarType type, std::string_view text,
               std::string& scratch, std::size_t limit) {
  if (type == ScalarType::dynamic_) return put_dynamic(vector, row, text, scratch, limit);
  text = trimmed(text);
  if (text.empty()) return false;
  switch (type) {
    case ScalarType::bool_:
      return put_bool(vector, row, text);
    case ScalarType::int_:
      return put_number<std::int32_t>(vector, row, text);
    case ScalarType::long_:
      return put_number<std::int64_t>(vector, row, text);
    case ScalarType::real_:
      return put_real(vector, row, text);
    case ScalarType::datetime_:
      return put_datetime(vector, row, text);
    case ScalarType::timespan_: {
      const auto span = parse_duration(text);
      if (span) put(vector, row, span->ticks);
      return span.has_value();
    }
    case ScalarType::guid_: {
      const auto id = Uuid::parse(text);
      if (id) put_guid(vector, row, *id);
      return id.has_value();
    }
    default: {
      const auto decimal = parse_decimal(text);
      if (decimal) put_text(vector, row, *decimal);
      return decimal.has_value();
    }
  }
}

}  // namespace

void put_field(duckdb_vector vector, idx_t row, ScalarType type, std::string_view text,
               std::string& scratch, std::size_t limit) {
  if (type != ScalarType::string_) {
    if (!put_typed(vector, row, type, text, scratch, limit)) put_null(vector, row);
    return;
  }
  if (text.size() > limit) {
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  put_text(vector, row, valid_utf8(text, scratch));
}

}  // namespace kc::engine
