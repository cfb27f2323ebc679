#include "core/engine/request.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>

namespace kc::engine {
namespace {

Failure refuse(std::string_view name, const std::string& what) {
  Error error{.kind = ErrorKind::invalid,
              .code = "engine.bad_option",
              .message = "The request property '" + std::string(name) + "' " + what + "."};
  error.service_code = "General_BadRequest";
  return fail(std::move(error));
}

bool same_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// Values come typed, or as their text: a header, a GET parameter and some clients send no others.
Result<bool> flag(std::string_view name, const Value& value) {
  if (const auto* given = std::get_if<bool>(&value)) return *given;
  // `set notruncation;` has no value and means true.
  if (std::holds_alternative<std::monostate>(value)) return true;
  if (const auto* number = std::get_if<std::int64_t>(&value); number && (*number & ~1LL) == 0)
    return *number == 1;
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (same_word(*text, "true") || *text == "1") return true;
    if (same_word(*text, "false") || *text == "0") return false;
  }
  return refuse(name, "takes true or false");
}

Result<std::int64_t> positive(std::string_view name, const Value& value) {
  std::int64_t number = -1;
  if (const auto* given = std::get_if<std::int64_t>(&value)) number = *given;
  if (const auto* real = std::get_if<double>(&value); real && *real >= 0 && *real < 9e18)
    number = static_cast<std::int64_t>(*real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (code != std::errc() || end != text->data() + text->size()) number = -1;
  }
  if (number < 0) return refuse(name, "takes a whole number that is not negative");
  return number;
}

Result<std::string> text_of(std::string_view name, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return refuse(name, "takes a string");
}

// A literal that some clients wrap: `datetime(2024-01-01)`, `time(00:05:00)`.
std::string_view unwrapped(std::string_view text, std::initializer_list<std::string_view> types) {
  for (const auto type : types) {
    if (text.size() > type.size() + 2 && same_word(text.substr(0, type.size()), type) &&
        text[type.size()] == '(' && text.back() == ')') {
      return text.substr(type.size() + 1, text.size() - type.size() - 2);
    }
  }
  return text;
}

Result<Timespan> span_of(std::string_view name, const Value& value) {
  if (const auto* ticks = std::get_if<std::int64_t>(&value)) return Timespan{*ticks};
  KC_TRY(const auto text, text_of(name, value));
  const auto span = parse_duration(unwrapped(text, {"timespan", "time"}));
  if (!span) return refuse(name, "takes a timespan");
  return *span;
}

Result<std::int64_t> datetime_of(std::string_view name, const Value& value) {
  if (const auto* ticks = std::get_if<std::int64_t>(&value);
      ticks && *ticks >= kTicksMin.value && *ticks <= kTicksMax.value)
    return *ticks;
  KC_TRY(const auto text, text_of(name, value));
  const auto at = parse_datetime(unwrapped(text, {"datetime", "date"}));
  if (!at) return refuse(name, "takes a datetime");
  return at->value;
}

Result<std::int64_t> cursor_of(std::string_view name, const Value& value) {
  KC_TRY(const auto text, text_of(name, value));
  std::int64_t ticks = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), ticks);
  if (!text.empty() && code == std::errc() && end == text.data() + text.size() && ticks >= 0)
    return ticks;
  if (const auto at = parse_datetime(text)) return at->value;
  return refuse(name, "takes a database cursor");
}

Result<void> one_of(std::string_view name, const Value& value,
                    std::initializer_list<std::string_view> words) {
  KC_TRY(const auto text, text_of(name, value));
  for (const auto word : words) {
    if (same_word(text, word)) return {};
  }
  return refuse(name, "does not take '" + text + "'");
}

using Setter = Result<void> (*)(RequestOptions&, std::string_view, const Value&);

template <bool RequestOptions::*Member>
Result<void> set_flag(RequestOptions& to, std::string_view name, const Value& value) {
  KC_TRY(to.*Member, flag(name, value));
  return {};
}

template <std::string RequestOptions::*Member>
Result<void> set_text(RequestOptions& to, std::string_view name, const Value& value) {
  KC_TRY(to.*Member, text_of(name, value));
  return {};
}

template <std::optional<std::string> RequestOptions::*Member>
Result<void> set_cursor_text(RequestOptions& to, std::string_view name, const Value& value) {
  KC_TRY(auto text, text_of(name, value));
  if (!text.empty()) {
    KC_CHECK_OK(cursor_of(name, value));
  }
  to.*Member = std::move(text);
  return {};
}

// A limit given twice: the lower one counts; and any limit ends `notruncation`.
template <std::int64_t RequestOptions::*Member>
Result<void> set_limit(RequestOptions& to, std::string_view name, const Value& value) {
  KC_TRY(const auto limit, positive(name, value));
  to.*Member = std::min(to.*Member, limit);
  to.truncation_given = true;
  return {};
}

// Asking for what is not there must not end in an answer that looks as if it had been honoured.
Result<void> refuse_if_set(RequestOptions&, std::string_view name, const Value& value) {
  if (const auto* given = std::get_if<bool>(&value); given != nullptr && !*given) return {};
  if (const auto* text = std::get_if<std::string>(&value);
      text != nullptr && (text->empty() || same_word(*text, "false")))
    return {};
  if (std::holds_alternative<std::monostate>(value)) return {};
  return refuse(name, "is not supported");
}

struct Known {
  std::string_view name;
  bool beside_the_text_only;
  Setter set;
};

constexpr bool kBeside = true, kAnywhere = false;

const Known kKnown[] = {
    {"notruncation", kAnywhere, set_flag<&RequestOptions::notruncation>},
    {"truncationmaxrecords", kAnywhere, set_limit<&RequestOptions::truncation_records>},
    {"truncationmaxsize", kBeside, set_limit<&RequestOptions::truncation_bytes>},
    {"query_take_max_records", kAnywhere,
     [](RequestOptions& to, std::string_view name, const Value& value) -> Result<void> {
       KC_TRY(const auto limit, positive(name, value));
       to.take_records = std::min(to.take_records.value_or(limit), limit);
       to.truncation_given = true;
       return {};
     }},
    {"servertimeout", kBeside,
     [](RequestOptions& to, std::string_view name, const Value& value) -> Result<void> {
       KC_TRY(const auto span, span_of(name, value));
       if (span.ticks <= 0) return refuse(name, "takes a timespan above zero");
       if (!to.no_timeout) to.timeout = std::min(span, kTimeoutMax);
       return {};
     }},
    {"norequesttimeout", kBeside,
     [](RequestOptions& to, std::string_view name, const Value& value) -> Result<void> {
       KC_TRY(to.no_timeout, flag(name, value));
       if (to.no_timeout) to.timeout = kTimeoutMax;
       return {};
     }},
    {"query_now", kAnywhere,
     [](RequestOptions& to, std::string_view name, const Value& value) -> Result<void> {
       KC_TRY(to.query_now, datetime_of(name, value));
       return {};
     }},
    {"query_cursor_current", kAnywhere,
     [](RequestOptions& to, std::string_view name, const Value& value) -> Result<void> {
       KC_TRY(to.query_cursor_current, cursor_of(name, value));
       return {};
     }},
    {"query_cursor_after_default", kAnywhere,
     set_cursor_text<&RequestOptions::cursor_after_default>},
    {"query_cursor_before_or_at_default", kAnywhere,
     set_cursor_text<&RequestOptions::cursor_before_or_at_default>},
    {"query_cursor_disabled", kAnywhere, set_flag<&RequestOptions::cursor_disabled>},
    {"query_results_apply_getschema", kAnywhere, set_flag<&RequestOptions::schema_only>},
    {"request_external_data_disabled", kAnywhere,
     set_flag<&RequestOptions::external_data_disabled>},
    {"request_block_row_level_security", kAnywhere,
     set_flag<&RequestOptions::block_row_level_security>},
    {"query_force_row_level_security", kAnywhere,
     set_flag<&RequestOptions::force_row_level_security>},
    {"best_effort", kAnywhere, set_flag<&RequestOptions::best_effort>},
    {"results_progressive_enabled", kBeside, set_flag<&RequestOptions::progressive>},
    {"results_v2_fragment_primary_tables", kBeside,
     set_flag<&RequestOptions::fragment_primary_tables>},
    {"results_v2_newlines_between_frames", kAnywhere,
     set_flag<&RequestOptions::newlines_between_frames>},
    {"deferpartialqueryfailures", kAnywhere, set_flag<&RequestOptions::defer_partial_failures>},
    {"results_error_reporting_placement", kAnywhere,
     [](RequestOptions& to, std::string_view name, const Value& value) -> Result<void> {
       KC_CHECK_OK(one_of(name, value, {"in_data", "end_of_table", "end_of_dataset"}));
       KC_TRY(const auto text, text_of(name, value));
       to.error_placement = same_word(text, "in_data")        ? ErrorPlacement::in_data
                            : same_word(text, "end_of_table") ? ErrorPlacement::end_of_table
                                                              : ErrorPlacement::end_of_dataset;
       return {};
     }},
    {"query_results_progressive_row_count", kAnywhere,
     [](RequestOptions&, std::string_view name, const Value& value) -> Result<void> {
       KC_TRY(const auto rows, positive(name, value));
       return rows == 0 ? refuse(name, "takes a number above zero") : Result<void>{};
     }},
    {"query_results_progressive_update_period", kAnywhere,
     [](RequestOptions&, std::string_view name, const Value& value) -> Result<void> {
       KC_CHECK_OK(span_of(name, value));
       return {};
     }},
    {"request_app_name", kBeside, set_text<&RequestOptions::application>},
    {"request_user", kBeside, set_text<&RequestOptions::user>},
    {"queryconsistency", kBeside,
     [](RequestOptions&, std::string_view name, const Value& value) {
       return one_of(name, value,
                     {"strongconsistency", "weakconsistency", "affinitizedweakconsistency",
                      "databaseaffinitizedweakconsistency", "weakconsistency_by_query",
                      "weakconsistency_by_database", "weakconsistency_by_session_id"});
     }},
    {"query_datascope", kAnywhere,
     [](RequestOptions&, std::string_view name, const Value& value) {
       return one_of(name, value, {"default", "all", "hotcache"});
     }},
    {"query_language", kBeside,
     [](RequestOptions&, std::string_view name, const Value& value) {
       return one_of(name, value, {"csl", "kql"});
     }},
    {"query_cursor_scoped_tables", kAnywhere, refuse_if_set},
    {"query_datetimescope_column", kAnywhere, refuse_if_set},
    {"query_datetimescope_from", kAnywhere, refuse_if_set},
    {"query_datetimescope_to", kAnywhere, refuse_if_set},
    {"validatepermissions", kAnywhere, refuse_if_set},
};

// Never back to false: one of the two asked for it.
Result<void> set_read_only(RequestOptions& to, std::string_view name, const Value& value) {
  KC_TRY(const bool given, flag(name, value));
  to.read_only = to.read_only || given;
  return {};
}

}  // namespace

Result<void> set_option(RequestOptions& options, std::string_view name, const Value& value,
                        OptionSource source) {
  if (same_word(name, "request_readonly") || same_word(name, "request_readonly_hardline"))
    return source == OptionSource::set_statement ? Result<void>{}
                                                 : set_read_only(options, name, value);
  const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                   [&](const Known& entry) { return same_word(name, entry.name); });
  if (known == std::end(kKnown)) return {};
  if (known->beside_the_text_only && source == OptionSource::set_statement) return {};
  return known->set(options, known->name, value);
}

}  // namespace kc::engine
