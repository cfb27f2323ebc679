// Functions of arrays and bags, and the ones of time that are put together from others.
#include <algorithm>
#include <array>

#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

struct DynamicFunction {
  std::string_view name;
  std::string_view takes;  // D dynamic, l long, s string, x any value as JSON
  ScalarType gives;
  std::string_view sql;
};
constexpr ScalarType kDynamic = ScalarType::dynamic_, kReal = ScalarType::real_;
constexpr std::array kFunctions{
    DynamicFunction{"array_slice", "Dll", kDynamic, "kc_array_slice($1, $2, $3)"},
    DynamicFunction{"array_sum", "D", kReal, "kc_array_sum($1)"},
    DynamicFunction{"array_reverse", "D", kDynamic, "kc_array_reverse($1)"},
    DynamicFunction{"array_rotate_left", "Dl", kDynamic, "kc_array_rotate($1, $2)"},
    DynamicFunction{"array_rotate_right", "Dl", kDynamic, "kc_array_rotate($1, -$2)"},
    DynamicFunction{"array_shift_left", "Dl", kDynamic, "kc_array_shift($1, $2, 'null')"},
    DynamicFunction{"array_shift_right", "Dl", kDynamic, "kc_array_shift($1, -$2, 'null')"},
    DynamicFunction{"array_shift_left", "Dlx", kDynamic, "kc_array_shift($1, $2, $3)"},
    DynamicFunction{"array_shift_right", "Dlx", kDynamic, "kc_array_shift($1, -$2, $3)"},
    DynamicFunction{"array_split", "Dx", kDynamic, "kc_array_split($1, $2)"},
    DynamicFunction{"array_sort_asc", "D", kDynamic, "kc_array_sort($1, TRUE, TRUE)"},
    DynamicFunction{"array_sort_desc", "D", kDynamic, "kc_array_sort($1, FALSE, TRUE)"},
    DynamicFunction{"bag_remove_keys", "DD", kDynamic, "kc_bag_remove_keys($1, $2)"},
    DynamicFunction{"bag_set_key", "Dsx", kDynamic, "kc_bag_set_key($1, $2, $3)"},
    DynamicFunction{"bag_zip", "DD", kDynamic, "kc_bag_zip($1, $2)"},
    DynamicFunction{"repeat", "xl", kDynamic, "kc_repeat($1, $2)"},
    DynamicFunction{"jaccard_index", "DD", kReal, "kc_jaccard($1, $2)"},
    DynamicFunction{"dynamic_to_json", "D", ScalarType::string_,
                    "coalesce(kc_json_sorted($1), '')"},
    DynamicFunction{"parse_csv", "s", kDynamic, "kc_csv_fields($1)"},
    DynamicFunction{"parse_url", "s", kDynamic, "kc_url_parts($1)"},
    DynamicFunction{"parse_urlquery", "s", kDynamic, "kc_query_parts($1)"},
};

// Functions of any number of arguments, which go packed into one array.
struct PackedFunction {
  std::string_view name;
  std::size_t low;
  std::string_view sql;
};
constexpr std::array kPacked{
    PackedFunction{"array_concat", 1, "kc_array_concat($1)"},
    PackedFunction{"array_iff", 3, "kc_array_iff($1)"},
    PackedFunction{"array_iif", 3, "kc_array_iff($1)"},
    PackedFunction{"bag_merge", 2, "kc_bag_merge($1)"},
    PackedFunction{"zip", 2, "kc_zip($1)"},
    PackedFunction{"set_union", 2, "kc_set_combine($1, 0)"},
    PackedFunction{"set_intersect", 2, "kc_set_combine($1, 1)"},
    PackedFunction{"set_difference", 2, "kc_set_combine($1, 2)"},
};

std::string filled(std::string_view sql, const std::vector<std::string>& args) {
  std::string out;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    if (sql[i] == '$') {
      out += args[static_cast<std::size_t>(sql[++i] - '1')];
    } else {
      out.push_back(sql[i]);
    }
  }
  return out;
}

}  // namespace

Result<std::optional<Sql>> Translator::dynamic_call(const Expr& expr,
                                                    const std::vector<Sql>& args) {
  for (const PackedFunction& packed : kPacked) {
    if (packed.name != expr.text) continue;
    KC_CHECK_OK(arity(expr, packed.low, expr.text.starts_with("array_i") ? 3 : 64));
    std::string list;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const bool any = expr.text.starts_with("array_i") && i > 0;
      if (!any && args[i].type != kDynamic)
        return fail(semantic(expr.args[i]->offset, "SEM0043",
                             "'" + expr.text + "' takes dynamic values, not " +
                                 std::string(to_string(args[i].type))));
      list += (list.empty() ? "" : " || ',' || ") + ("coalesce(" + json_of(args[i]) + ", 'null')");
    }
    return Sql{.text = filled(packed.sql, {"('[' || " + list + " || ']')"}), .type = kDynamic};
  }
  if (expr.text == "range") {
    KC_TRY(Sql made, range_call(expr, args));
    return made;
  }
  bool known = false;
  for (const DynamicFunction& function : kFunctions) {
    if (function.name != expr.text) continue;
    known = true;
    if (function.takes.size() != args.size()) continue;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const char takes = function.takes[i];
      if (takes == 'x') {
        texts.push_back("coalesce(" + json_of(args[i]) + ", 'null')");
        continue;
      }
      const ScalarType type = takes == 'D'   ? kDynamic
                              : takes == 'l' ? ScalarType::long_
                                             : ScalarType::string_;
      KC_TRY(const Sql arg, implicit(type, args[i], expr.args[i]->offset));
      texts.push_back("(" + arg.text + ")");
    }
    return Sql{.text = filled(function.sql, texts),
               .type = function.gives,
               .nullable = function.gives != ScalarType::string_};
  }
  if (known)
    return fail(semantic(expr.offset, "SEM0219",
                         "The function '" + expr.text + "' does not take " +
                             std::to_string(args.size()) + " arguments here"));
  return std::nullopt;
}

// range(start, stop[, step]): an array of numbers or times, of at most so many elements.
Result<Sql> Translator::range_call(const Expr& expr, const std::vector<Sql>& args) {
  constexpr std::string_view kElementsMax = "1048576";
  KC_CHECK_OK(arity(expr, 2, 3));
  ScalarType type = args[0].type == ScalarType::int_ ? ScalarType::long_ : args[0].type;
  if (args[1].type == ScalarType::real_ ||
      (args.size() == 3 && args[2].type == ScalarType::real_ && type == ScalarType::long_))
    type = ScalarType::real_;
  const bool time = type == ScalarType::datetime_;
  if (type != ScalarType::long_ && type != ScalarType::real_ && !time &&
      type != ScalarType::timespan_)
    return fail(semantic(expr.offset, "SEM0043", "'range' takes numbers or times"));
  KC_TRY(const Sql from, implicit(type, args[0], expr.offset));
  KC_TRY(const Sql up_to, implicit(type, args[1], expr.offset));
  Sql step = long_value(1);
  if (args.size() == 3) {
    step = args[2];
  } else if (time || type == ScalarType::timespan_) {
    step = kc::engine::literal_value(
        {.type = ScalarType::timespan_, .integer = 36'000'000'000});  // an hour
  }
  KC_TRY(step, implicit(time ? ScalarType::timespan_ : type, step, expr.offset));
  const std::string count = "least(" + std::string(kElementsMax) + ", CAST(floor((" + up_to.text +
                            " - " + from.text + ")::DOUBLE / nullif(" + step.text +
                            ", 0)) AS BIGINT) + 1)";
  const Sql element{.text = "(" + from.text + " + i * " + step.text + ")", .type = type};
  return Sql{.text = "('[' || coalesce(array_to_string(list_transform(range(greatest(0, " + count +
                     ")), lambda i: " + json_of(element) + "), ','), '') || ']')",
             .type = kDynamic};
}

Result<std::optional<Sql>> Translator::composed_call(const Expr& expr,
                                                     const std::vector<Sql>& args) {
  const std::string& name = expr.text;
  if (name == "bin_at") {
    KC_CHECK_OK(arity(expr, 3, 3));
    KC_TRY(Sql offset, arithmetic('-', args[0], args[2], expr.offset));
    offset.literal.reset();
    KC_TRY(Sql binned, bin(offset, args[1], expr.offset));
    KC_TRY(Sql made, arithmetic('+', args[2], binned, expr.offset));
    return made;
  }
  if (name == "make_timespan") {
    KC_CHECK_OK(arity(expr, 2, 4));
    // hours, minutes[, seconds], or days in front of all three
    static constexpr std::array<std::string_view, 4> kUnits{"864000000000", "36000000000",
                                                            "600000000", "10000000"};
    const std::size_t first = args.size() == 4 ? 0 : 1;
    std::string sum;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const bool second = first + i == 3;
      KC_TRY(const Sql value, implicit(second ? ScalarType::real_ : ScalarType::long_, args[i],
                                       expr.args[i]->offset));
      sum += (i == 0 ? "" : " + ") +
             ("CAST(round(" + value.text + " * " + std::string(kUnits[first + i]) + ") AS BIGINT)");
    }
    return Sql{.text = "(" + sum + ")", .type = ScalarType::timespan_};
  }
  if (name == "format_timespan") {
    KC_CHECK_OK(arity(expr, 2, 2));
    KC_TRY(const Sql span, implicit(ScalarType::timespan_, args[0], expr.args[0]->offset));
    KC_TRY(const std::string format, known_string(expr, args, 1));
    if (format.find_first_not_of("dHhmsfF /-:,._[]") != std::string::npos)
      return fail(semantic(expr.offset, "SEM0043", "The format '" + format + "' is not supported"));
    return Sql{
        .text = "coalesce(kc_format_span(" + span.text + ", " + quote_string(format) + "), '')",
        .type = ScalarType::string_,
        .nullable = false};
  }
  if (name == "rand" && args.size() == 1) {
    KC_TRY(const Sql limit, implicit(ScalarType::long_, args[0], expr.offset));
    return Sql{.text = "CAST(floor(random() * " + limit.text + ") AS BIGINT)",
               .type = ScalarType::long_};
  }
  if (name == "current_cluster_endpoint" || name == "current_cluster") {
    KC_CHECK_OK(arity(expr, 0, 0));
    return string_value(binder_.cluster_name());
  }
  return std::nullopt;
}

}  // namespace kc::engine
