#include "core/engine/translate/functions.h"

#include <cmath>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/ticks.h"
#include "core/engine/translate/decimal.h"
#include "core/engine/translate/vectorised.h"

namespace kc::engine {
namespace {

using vectorised::add;
using vectorised::Guid;

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Is there an occurrence whose asked sides are borders of a term?
bool has_bordered(std::string_view text, std::string_view term, bool left, bool right) {
  if (term.empty()) return true;
  for (std::size_t at = text.find(term); at != std::string_view::npos;
       at = text.find(term, at + 1)) {
    const std::size_t end = at + term.size();
    const bool left_free = !left || at == 0 || !is_word(term.front()) || !is_word(text[at - 1]);
    const bool right_free =
        !right || end == text.size() || !is_word(term.back()) || !is_word(text[end]);
    if (left_free && right_free) return true;
  }
  return false;
}

std::int64_t hash_text(std::string_view text) { return static_cast<std::int64_t>(xxh64(text)); }
std::int64_t hash_ticks(std::int64_t ticks) {
  return static_cast<std::int64_t>(xxh64({reinterpret_cast<const char*>(&ticks), sizeof ticks}));
}
std::string datetime_text(std::int64_t ticks) { return format_datetime({ticks}); }
std::string timespan_text(std::int64_t ticks) { return format_timespan({ticks}); }
std::string guid_text(Guid guid) {
  Uuid uuid;
  const std::uint64_t high = static_cast<std::uint64_t>(guid.high) ^ (std::uint64_t{1} << 63);
  for (std::size_t i = 0; i < 8; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    uuid.bytes[8 + i] = static_cast<std::uint8_t>(guid.low >> (56 - 8 * i));
  }
  return uuid.text();
}
std::optional<Guid> guid_value(std::string_view text) {
  const auto uuid = Uuid::parse(trim(text));
  if (!uuid) return std::nullopt;
  std::uint64_t high = 0, low = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    high = high << 8 | uuid->bytes[i];
    low = low << 8 | uuid->bytes[8 + i];
  }
  return Guid{low, static_cast<std::int64_t>(high ^ (std::uint64_t{1} << 63))};
}
std::optional<std::int64_t> datetime_value(std::string_view text) {
  const auto ticks = parse_datetime(trim(text));
  return ticks ? std::optional(ticks->value) : std::nullopt;
}
std::optional<std::int64_t> timespan_value(std::string_view text) {
  const auto span = parse_duration(trim(text));
  return span ? std::optional(span->ticks) : std::nullopt;
}
std::optional<std::string> decimal_value(std::string_view text) {
  return parse_decimal(trim(text));
}
std::optional<double> real_value(std::string_view text) {
  const auto literal = parse_typed_literal(ScalarType::real_, trim(text));
  if (!literal || literal->is_null) return std::nullopt;
  return literal->number;
}
std::optional<std::int64_t> long_value_of(std::string_view text) {
  const auto literal = parse_typed_literal(ScalarType::long_, trim(text));
  if (literal) return literal->is_null ? std::nullopt : std::optional(literal->integer);
  const auto real = real_value(text);
  if (!real || !(std::abs(*real) < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(*real);
}
std::optional<bool> bool_value(std::string_view text) {
  const std::string_view word = trim(text);
  if (const auto literal = parse_typed_literal(ScalarType::bool_, word);
      literal && !literal->is_null) {
    return literal->integer != 0;
  }
  const auto number = long_value_of(word);
  return number ? std::optional(*number != 0) : std::nullopt;
}
std::int32_t decimal_order(std::string_view a, std::string_view b) {
  return compare_decimals(a, b);
}
std::string dynamic_text(std::string_view json) {
  if (!json.starts_with('"')) return std::string(json);
  auto value = json_string_value(json);
  return value ? std::move(*value) : std::string(json);
}
std::optional<std::string> json_value(std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto json = compact_json(text);
  if (!json) return json_string(text);
  if (*json == "null") return std::nullopt;
  return json;
}
bool has_prefix(std::string_view text, std::string_view term) {
  return has_bordered(text, term, true, false);
}
bool has_suffix(std::string_view text, std::string_view term) {
  return has_bordered(text, term, false, true);
}

// The longest beginning that has no more bytes than that and ends with a whole character.
std::string cut_text(std::string_view text, std::int64_t bytes) {
  auto end = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 0));
  if (text.size() <= end) return std::string(text);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

std::string tags_json(std::string_view tags) {
  std::string json = "[";
  while (!tags.empty()) {
    const std::size_t end = std::min(tags.find("\r\n"), tags.size());
    if (end > 0) json += (json.size() > 1 ? "," : "") + json_string(tags.substr(0, end));
    tags.remove_prefix(std::min(end + 2, tags.size()));
  }
  return json + "]";
}

}  // namespace

bool has_term(std::string_view text, std::string_view term) {
  return has_bordered(text, term, true, true);
}

Result<void> register_functions(duckdb_connection connection) {
  using Text = std::string_view;
  using Out = std::string;
  using Long = std::int64_t;
  KC_CHECK_OK(add<hash_text, Long, Text>(connection, "kc_xxh64"));
  KC_CHECK_OK(add<hash_ticks, Long, Long>(connection, "kc_xxh64_ticks"));
  KC_CHECK_OK(add<datetime_text, Out, Long>(connection, "kc_datetime_text"));
  KC_CHECK_OK(add<timespan_text, Out, Long>(connection, "kc_timespan_text"));
  KC_CHECK_OK(add<real_text, Out, double>(connection, "kc_real_text"));
  KC_CHECK_OK(add<guid_text, Out, Guid>(connection, "kc_guid_text"));
  KC_CHECK_OK(add<datetime_value, Long, Text>(connection, "kc_parse_datetime"));
  KC_CHECK_OK(add<timespan_value, Long, Text>(connection, "kc_parse_timespan"));
  KC_CHECK_OK(add<decimal_value, Out, Text>(connection, "kc_parse_decimal"));
  KC_CHECK_OK(add<long_value_of, Long, Text>(connection, "kc_parse_long"));
  KC_CHECK_OK(add<real_value, double, Text>(connection, "kc_parse_real"));
  KC_CHECK_OK(add<bool_value, bool, Text>(connection, "kc_parse_bool"));
  KC_CHECK_OK(add<guid_value, Guid, Text>(connection, "kc_parse_guid"));
  KC_CHECK_OK(add<decimal_order, std::int32_t, Text, Text>(connection, "kc_decimal_compare"));
  KC_CHECK_OK(add<dynamic_text, Out, Text>(connection, "kc_dynamic_text"));
  KC_CHECK_OK(add<json_string, Out, Text>(connection, "kc_json_string"));
  KC_CHECK_OK(add<json_value, Out, Text>(connection, "kc_parse_json"));
  KC_CHECK_OK(add<has_term, bool, Text, Text>(connection, "kc_has"));
  KC_CHECK_OK(add<has_prefix, bool, Text, Text>(connection, "kc_has_prefix"));
  KC_CHECK_OK(add<has_suffix, bool, Text, Text>(connection, "kc_has_suffix"));
  KC_CHECK_OK(add<tags_json, Out, Text>(connection, "kc_tags_json"));
  KC_CHECK_OK(add<cut_text, Out, Text, Long>(connection, "kc_cut"));
  KC_CHECK_OK(add<decimal_sort_key, Out, Text>(connection, "kc_decimal_key"));
  KC_CHECK_OK(add<decimal_sum, Out, Text>(connection, "kc_decimal_sum"));
  KC_CHECK_OK(add<decimal_plus, Out, Text, Text>(connection, "kc_decimal_add"));
  KC_CHECK_OK(add<decimal_minus, Out, Text, Text>(connection, "kc_decimal_subtract"));
  KC_CHECK_OK(add<decimal_times, Out, Text, Text>(connection, "kc_decimal_multiply"));
  KC_CHECK_OK(add<decimal_over, Out, Text, Text>(connection, "kc_decimal_divide"));
  KC_CHECK_OK(register_text_functions(connection));
  return register_dynamic_functions(connection);
}

}  // namespace kc::engine
