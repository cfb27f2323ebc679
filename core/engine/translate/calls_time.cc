#include <array>

#include "core/base/text.h"
#include "core/base/ticks.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

constexpr std::string_view kDay = "864000000000";
constexpr std::string_view kEpoch = "621355968000000000";

// As a DuckDB timestamp, whose calendar then serves; the tick below the microsecond is cut off.
std::string stamp(const std::string& ticks) {
  return "make_timestamp((" + ticks + " - " + std::string(kEpoch) + " - " + ticks + " % 10) // 10)";
}
std::string from_stamp(const std::string& at) {
  return "(epoch_us(" + at + ") * 10 + " + std::string(kEpoch) + ")";
}

struct Part {
  std::string_view name;
  std::string_view duckdb;
  std::int64_t ticks;  // 0: a part of the calendar
};
constexpr std::array<Part, 11> kParts{{
    {"year", "year", 0},
    {"quarter", "quarter", 0},
    {"month", "month", 0},
    {"week", "week", 7 * 864'000'000'000},
    {"day", "day", 864'000'000'000},
    {"hour", "hour", 36'000'000'000},
    {"minute", "minute", 600'000'000},
    {"second", "second", 10'000'000},
    {"millisecond", "", 10'000},
    {"microsecond", "", 10},
    {"nanosecond", "", 0},
}};

const Part* part_of(std::string_view name) {
  for (const Part& part : kParts) {
    if (part.name == name && part.name != "nanosecond") return &part;
  }
  return nullptr;
}

std::string start_of(std::string_view unit, const std::string& at) {
  std::string day = "(" + at + " - " + at + " % " + std::string(kDay) + ")";
  if (unit == "day") return day;
  // 0001-01-01 was a Monday; a week begins on Sunday.
  if (unit == "week")
    return "(" + day + " - ((" + at + " // " + std::string(kDay) + " + 1) % 7) * " +
           std::string(kDay) + ")";
  return from_stamp("date_trunc('" + std::string(unit) + "', " + stamp(at) + ")");
}

}  // namespace

Result<std::string> Translator::known_string(const Expr& call, const std::vector<Sql>& args,
                                             std::size_t index) const {
  const Sql& value = args[index];
  if (value.literal && value.type == ScalarType::string_) return value.literal->text;
  return fail(semantic(
      call.offset, "SEM0043",
      "'" + call.text + "' needs a constant string as its argument " + std::to_string(index + 1)));
}

Result<std::optional<Sql>> Translator::time_call(const Expr& expr, const std::vector<Sql>& args) {
  const std::string& name = expr.text;
  const auto datetime = [&](std::size_t index) {
    return implicit(ScalarType::datetime_, args[index], expr.args[index]->offset);
  };
  const auto made = [&](std::string sql, ScalarType type) {
    return Sql{.text = std::move(sql), .type = type};
  };
  for (const std::string_view unit : {"day", "week", "month", "year"}) {
    const bool start = name == "startof" + std::string(unit);
    if (!start && name != "endof" + std::string(unit)) continue;
    KC_CHECK_OK(arity(expr, 1, 2));
    KC_TRY(const Sql at, datetime(0));
    std::string sql = start_of(unit, at.text);
    if (!start || args.size() == 2) {
      Sql steps = long_value(0);
      if (args.size() == 2) {
        KC_TRY(steps, implicit(ScalarType::long_, args[1], expr.args[1]->offset));
      }
      const std::string count = "(" + steps.text + (start ? ")" : " + 1)");
      if (unit == "day" || unit == "week") {
        sql = "(" + sql + " + " + count + " * " + (unit == "week" ? "7 * " : "") +
              std::string(kDay) + ")";
      } else {
        sql = from_stamp("(" + stamp(sql) + " + to_" + std::string(unit) + "s(CAST(" + count +
                         " AS INTEGER)))");
      }
      if (!start) sql = "(" + sql + " - 1)";
    }
    return made(std::move(sql), ScalarType::datetime_);
  }
  if (name == "format_datetime") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const Sql at, datetime(0));
    KC_TRY(const std::string format, known_string(expr, args, 1));
    if (format.empty() || format.find_first_not_of("yMdHhmsfFt /-:,._[]") != std::string::npos)
      return fail(semantic(expr.offset, "SEM0043", "The format '" + format + "' is not supported"));
    return Sql{
        .text = "coalesce(kc_format_moment(" + at.text + ", " + quote_string(format) + "), '')",
        .type = ScalarType::string_,
        .nullable = false};
  }
  if (name == "datetime_part" || name == "datetime_add" || name == "datetime_diff") {
    const std::size_t count = name == "datetime_part" ? 2 : 3;
    KC_CHECK_OK(arity(expr, count, count));
    KC_TRY(const std::string named, known_string(expr, args, 0));
    const std::string unit = lower(named);
    const Part* part = part_of(unit);
    const bool ordinal = name == "datetime_part" && (unit == "dayofyear" || unit == "week_of_year");
    if (unit == "nanosecond" && name != "datetime_add") {
      KC_TRY(const Sql at, datetime(1));
      if (name == "datetime_part")
        return made("(" + at.text + " % 10000000 * 100)", ScalarType::long_);
      KC_TRY(const Sql from, datetime(2));
      return made("((" + at.text + " - " + from.text + ") * 100)", ScalarType::long_);
    }
    if ((part == nullptr && !ordinal) || (name == "datetime_part" && unit == "week"))
      return fail(semantic(expr.offset, "SEM0043",
                           "'" + unit + "' is no part that '" + name + "' supports"));
    if (name == "datetime_part") {
      KC_TRY(const Sql at, datetime(1));
      if (unit == "dayofyear")
        return made("CAST(dayofyear(" + stamp(at.text) + ") AS BIGINT)", ScalarType::long_);
      if (unit == "week_of_year")
        return made("CAST(weekofyear(" + stamp(at.text) + ") AS BIGINT)", ScalarType::long_);
      if (part->duckdb.empty())
        return made("(" + at.text + " % 10000000 // " + std::to_string(part->ticks) + ")",
                    ScalarType::long_);
      return made("CAST(date_part('" + unit + "', " + stamp(at.text) + ") AS BIGINT)",
                  ScalarType::long_);
    }
    if (name == "datetime_diff") {
      KC_TRY(const Sql a, datetime(1));
      KC_TRY(const Sql b, datetime(2));
      if (unit == "week")
        return made("((" + start_of("week", a.text) + " - " + start_of("week", b.text) +
                        ") // (7 * " + std::string(kDay) + "))",
                    ScalarType::long_);
      if (part->ticks > 0)
        return made("(" + a.text + " // " + std::to_string(part->ticks) + " - " + b.text + " // " +
                        std::to_string(part->ticks) + ")",
                    ScalarType::long_);
      return made(
          "CAST(date_diff('" + unit + "', " + stamp(b.text) + ", " + stamp(a.text) + ") AS BIGINT)",
          ScalarType::long_);
    }
    KC_TRY(const Sql steps, implicit(ScalarType::long_, args[1], expr.args[1]->offset));
    KC_TRY(const Sql at, datetime(2));
    if (part->ticks > 0)
      return made("(" + at.text + " + " + steps.text + " * " + std::to_string(part->ticks) + ")",
                  ScalarType::datetime_);
    const std::string months = unit == "year" ? "12 * " : unit == "quarter" ? "3 * " : "";
    return made("(" +
                    from_stamp("(" + stamp(at.text) + " + to_months(CAST(" + months + steps.text +
                               " AS INTEGER)))") +
                    " + " + at.text + " % 10)",
                ScalarType::datetime_);
  }
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kGetters{
      {{"getyear", "year"},
       {"getmonth", "month"},
       {"monthofyear", "month"},
       {"dayofmonth", "day"},
       {"hourofday", "hour"},
       {"dayofyear", "dayofyear"},
       {"weekofyear", "week"},
       {"week_of_year", "week"}}};
  for (const auto& [getter, part] : kGetters) {
    if (name != getter) continue;
    KC_CHECK_OK(arity(expr, 1, 1));
    KC_TRY(const Sql at, datetime(0));
    return made("CAST(date_part('" + std::string(part) + "', " + stamp(at.text) + ") AS INTEGER)",
                ScalarType::int_);
  }
  if (name == "dayofweek") {  // a timespan of days since Sunday
    KC_CHECK_OK(arity(expr, 1, 1));
    KC_TRY(const Sql at, datetime(0));
    return made(
        "(((" + at.text + " // " + std::string(kDay) + " + 1) % 7) * " + std::string(kDay) + ")",
        ScalarType::timespan_);
  }
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kUnix{
      {{"unixtime_seconds_todatetime", 10'000'000},
       {"unixtime_milliseconds_todatetime", 10'000},
       {"unixtime_microseconds_todatetime", 10},
       {"unixtime_nanoseconds_todatetime", 0}}};
  for (const auto& [function, ticks] : kUnix) {
    if (name != function) continue;
    KC_CHECK_OK(arity(expr, 1, 1));
    Sql value = args[0];
    if (value.type != ScalarType::real_) {
      KC_TRY(value, implicit(ScalarType::long_, value, expr.offset));
    }
    const std::string span =
        ticks == 0 ? value.text + " // 100" : value.text + " * " + std::to_string(ticks);
    return made("(CAST(" + span + " AS BIGINT) + " + std::string(kEpoch) + ")",
                ScalarType::datetime_);
  }
  if (name == "make_datetime") {
    if (args.size() != 3 && args.size() != 5 && args.size() != 6) KC_CHECK_OK(arity(expr, 3, 3));
    std::string list;
    for (std::size_t i = 0; i < 5; ++i) {
      Sql value = long_value(0);
      if (i < args.size()) {
        KC_TRY(value, implicit(ScalarType::long_, args[i], expr.args[i]->offset));
      }
      list += value.text + ", ";
    }
    std::string seconds;
    if (args.size() == 6) {
      KC_TRY(const Sql value, implicit(ScalarType::real_, args[5], expr.args[5]->offset));
      seconds = " + CAST(round(" + value.text + " * 10000000) AS BIGINT)";
    }
    return made("(" + from_stamp("TRY(make_timestamp(" + list + "0::DOUBLE))") + seconds + ")",
                ScalarType::datetime_);
  }
  return std::nullopt;
}

}  // namespace kc::engine
