#include <cmath>

#include "core/base/check.h"
#include "core/base/ticks.h"
#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

bool is_integer(ScalarType type) { return type == ScalarType::int_ || type == ScalarType::long_; }

// A value as text; NULL stays NULL.
std::string text_of(const Sql& value) {
  switch (value.type) {
    case ScalarType::bool_:
    case ScalarType::int_:
    case ScalarType::long_:
    case ScalarType::guid_:
      return "CAST(" + value.text + " AS VARCHAR)";
    case ScalarType::real_:
      return "kc_real_text(" + value.text + ")";
    case ScalarType::datetime_:
      return "kc_datetime_text(" + value.text + ")";
    case ScalarType::timespan_:
      return "kc_timespan_text(" + value.text + ")";
    case ScalarType::dynamic_:
      return "kc_dynamic_text(" + value.text + ")";
    case ScalarType::decimal_:
    case ScalarType::string_:
      return value.text;
  }
  KC_UNREACHABLE();
}

std::string parsed(ScalarType type, const std::string& text) {
  switch (type) {
    case ScalarType::bool_:
      return "kc_parse_bool(" + text + ")";
    case ScalarType::int_:
      return "TRY_CAST(kc_parse_long(" + text + ") AS INTEGER)";
    case ScalarType::long_:
      return "kc_parse_long(" + text + ")";
    case ScalarType::real_:
      return "kc_parse_real(" + text + ")";
    case ScalarType::decimal_:
      return "kc_parse_decimal(" + text + ")";
    case ScalarType::datetime_:
      return "kc_parse_datetime(" + text + ")";
    case ScalarType::timespan_:
      return "kc_parse_timespan(" + text + ")";
    case ScalarType::guid_:
      return "kc_parse_guid(" + text + ")";
    case ScalarType::dynamic_:
      return "kc_parse_json(" + text + ")";
    case ScalarType::string_:
      return text;
  }
  KC_UNREACHABLE();
}

// From a number, a bool or a span of ticks to a number.
std::string number_as(ScalarType type, const Sql& value) {
  const std::string name(sql_type(type));
  if (value.type == ScalarType::decimal_) return parsed(type, value.text);
  if (value.type == ScalarType::real_ && is_integer(type))
    return "TRY_CAST(trunc(" + value.text + ") AS " + name + ")";
  return "TRY_CAST(" + value.text + " AS " + name + ")";
}

}  // namespace

Sql Translator::to(ScalarType type, const Sql& value) const {
  if (value.type == type) return value;
  if (value.untyped_null ||
      (value.literal && value.literal->is_null && value.type != ScalarType::string_))
    return null_of(type);
  Sql made{.text = "", .type = type, .nullable = true};
  const ScalarType from = value.type;
  if (type == ScalarType::string_) {
    made.text = text_of(value);
    if (value.nullable) made.text = "coalesce(" + made.text + ", '')";
    made.nullable = false;
  } else if (type == ScalarType::dynamic_) {
    made.text = from == ScalarType::string_ ? parsed(type, value.text) : json_of(value);
    made.nullable = value.nullable || from == ScalarType::string_;
  } else if (from == ScalarType::string_ || from == ScalarType::dynamic_) {
    made.text = parsed(type, text_of(value));
  } else if (type == ScalarType::decimal_) {
    made.text = from == ScalarType::bool_ ? "CAST(CAST(" + value.text + " AS INTEGER) AS VARCHAR)"
                                          : "kc_parse_decimal(" + text_of(value) + ")";
  } else if (type == ScalarType::bool_ && (is_integer(from) || from == ScalarType::real_)) {
    made.text = "(" + value.text + " <> 0)";
    made.nullable = value.nullable;
  } else if ((is_integer(type) || type == ScalarType::real_) && from != ScalarType::guid_) {
    made.text = number_as(type, value);
    made.nullable = value.nullable || type == ScalarType::int_ || from == ScalarType::real_;
    if (value.literal && is_integer(from) && type == ScalarType::real_) {
      return literal_value({.type = type, .number = static_cast<double>(value.literal->integer)});
    }
    if (value.literal && is_integer(from) && type == ScalarType::long_) {
      return literal_value({.type = type, .integer = value.literal->integer});
    }
  } else if ((type == ScalarType::datetime_ || type == ScalarType::timespan_) && is_integer(from)) {
    made.text = "CAST(" + value.text + " AS BIGINT)";  // a count of ticks
    made.nullable = value.nullable;
  } else {
    return null_of(type);
  }
  return made;
}

Result<Sql> Translator::implicit(ScalarType type, const Sql& value, std::size_t offset) const {
  const ScalarType from = value.type;
  const bool widens =
      (type == ScalarType::long_ && from == ScalarType::int_) ||
      (type == ScalarType::int_ && from == ScalarType::long_) ||
      (type == ScalarType::real_ && is_integer(from)) ||
      (type == ScalarType::real_ && from == ScalarType::decimal_) ||
      (type == ScalarType::decimal_ && (is_integer(from) || from == ScalarType::real_));
  if (from == type || value.untyped_null || widens || from == ScalarType::dynamic_ ||
      type == ScalarType::dynamic_) {
    return to(type, value);
  }
  return fail(semantic(offset, "SEM0043",
                       "A value of type " + std::string(to_string(type)) + " is expected, not " +
                           std::string(to_string(from))));
}

Result<ScalarType> Translator::common_type(const std::vector<Sql>& values,
                                           std::size_t offset) const {
  std::optional<ScalarType> common;
  for (const Sql& value : values) {
    if (value.untyped_null || (common && *common == value.type)) continue;
    if (!common) {
      common = value.type;
      continue;
    }
    const ScalarType a = *common, b = value.type;
    const auto either = [&](ScalarType type) { return a == type || b == type; };
    const auto numeric = [](ScalarType type) {
      return is_integer(type) || type == ScalarType::real_ || type == ScalarType::decimal_;
    };
    if (numeric(a) && numeric(b)) {
      common = either(ScalarType::decimal_) ? ScalarType::decimal_
               : either(ScalarType::real_)  ? ScalarType::real_
                                            : ScalarType::long_;
    } else if (either(ScalarType::dynamic_)) {
      common = ScalarType::dynamic_;
    } else {
      return fail(semantic(offset, "SEM0064",
                           "Values of types " + std::string(to_string(a)) + " and " +
                               std::string(to_string(b)) + " have no common type"));
    }
  }
  return common.value_or(ScalarType::dynamic_);
}

std::string Translator::json_of(const Sql& value) const {
  switch (value.type) {
    case ScalarType::bool_:
    case ScalarType::int_:
    case ScalarType::long_:
      return "CAST(" + value.text + " AS VARCHAR)";
    case ScalarType::real_:
      return "CASE WHEN isfinite(" + value.text + ") THEN kc_real_text(" + value.text +
             ") ELSE kc_json_string(kc_real_text(" + value.text + ")) END";
    case ScalarType::dynamic_:
      return value.text;
    case ScalarType::decimal_:
    case ScalarType::string_:
      return "kc_json_string(" + value.text + ")";
    case ScalarType::datetime_:
    case ScalarType::timespan_:
    case ScalarType::guid_:
      return "('\"' || " + text_of(value) + " || '\"')";
  }
  KC_UNREACHABLE();
}

}  // namespace kc::engine
