#include <algorithm>

#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

constexpr std::array<std::string_view, 43> kAggregates{"count",
                                                       "countif",
                                                       "sum",
                                                       "sumif",
                                                       "min",
                                                       "minif",
                                                       "max",
                                                       "maxif",
                                                       "avg",
                                                       "avgif",
                                                       "dcount",
                                                       "dcountif",
                                                       "count_distinct",
                                                       "count_distinctif",
                                                       "take_any",
                                                       "any",
                                                       "take_anyif",
                                                       "anyif",
                                                       "arg_max",
                                                       "arg_min",
                                                       "make_list",
                                                       "make_list_if",
                                                       "make_set",
                                                       "make_set_if",
                                                       "makelist",
                                                       "makeset",
                                                       "make_list_with_nulls",
                                                       "binary_all_xor",
                                                       "binary_all_or",
                                                       "binary_all_and",
                                                       "stdev",
                                                       "stdevif",
                                                       "variance",
                                                       "varianceif",
                                                       "percentile",
                                                       "make_bag",
                                                       "percentiles",
                                                       "make_bag_if",
                                                       "percentiles_array",
                                                       "percentile_array",
                                                       "stdevp",
                                                       "variancep",
                                                       "variancepif"};

std::string percentile_name(const std::string& inner, const Literal& rank) {
  std::string text =
      rank.type == ScalarType::real_ ? real_text(rank.number) : std::to_string(rank.integer);
  std::replace(text.begin(), text.end(), '.', '_');
  return "percentile_" + inner + "_" + text;
}

std::string default_name(const Expr& call) {
  static constexpr std::array<std::string_view, 10> kBare{
      "take_any",       "any",      "take_anyif", "anyif", "binary_all_xor", "binary_all_or",
      "binary_all_and", "makelist", "makeset",    ""};
  const std::string& name = call.text;
  std::string inner = call.args.empty() ? "" : inferred_name(*call.args[0]);
  if (name == "makelist" || name.starts_with("make_list")) return "list_" + inner;
  if (name == "makeset" || name.starts_with("make_set")) return "set_" + inner;
  if (name.starts_with("make_bag")) return "bag_" + inner;
  if (name == "count" || name == "countif") return name + "_";
  if (name == "percentile" && call.args.size() == 2 && call.args[1]->kind == ExprKind::literal)
    return percentile_name(inner, call.args[1]->literal);
  if (std::find(kBare.begin(), kBare.end(), name) != kBare.end() && !inner.empty()) return inner;
  return name + "_" + inner;
}

}  // namespace

bool is_aggregate(std::string_view name) {
  return std::find(kAggregates.begin(), kAggregates.end(), name) != kAggregates.end();
}

// The columns of one row that an aggregate picked, carried through GROUP BY as a struct.
struct Translator::Picks {
  std::vector<std::pair<std::string, std::string>> aggregates;  // expression, name: the structs
  std::vector<std::pair<std::string, std::string>> fields;      // expression over a struct, name
  std::vector<RowColumn> columns;
};

Result<Rows> Translator::summarize(Rows rows, const SummarizeOp& op, std::size_t offset,
                                   const Scope& scope) {
  if (!rows.extras.empty()) rows.fold();
  Rows made;
  std::string list, groups;
  std::set<std::string> by;
  std::size_t unnamed = 0;
  const auto select = [&](const std::string& sql, const std::string& name) {
    list += (list.empty() ? "" : ", ") + sql + " AS " + name;
  };
  const auto add_column = [&](std::string name, const NamedExpr& column,
                              ScalarType type) -> Result<std::string> {
    if (name.empty()) name = "Column" + std::to_string(++unnamed);
    if (made.find(name) != nullptr) {
      if (!column.name.empty())
        return fail(
            semantic(column.value->offset, "SEM0021", "The column '" + name + "' is named twice"));
      name = unused_name(made.columns, name);
    }
    made.columns.push_back({std::move(name), type, fresh()});
    return made.columns.back().sql;
  };
  for (const NamedExpr& key : op.by) {
    KC_TRY(const Sql value, scalar(*key.value, Row{.rows = &rows}, scope));
    if (value.type == ScalarType::dynamic_ && !value.untyped_null)
      return fail(semantic(key.value->offset, "SEM0100",
                           "Rows cannot be grouped by a dynamic value: convert it first"));
    KC_TRY(const std::string name,
           add_column(key.name.empty() ? inferred_name(*key.value) : key.name, key, value.type));
    by.insert(made.columns.back().name);
    select(value.text, name);
    groups += (groups.empty() ? " GROUP BY " : ", ") + std::to_string(made.columns.size());
  }
  Picks picks;
  const Row row{.rows = &rows, .aggregates = true};
  for (const NamedExpr& aggregate : op.aggregates) {
    const Expr& value = *aggregate.value;
    const bool any =
        value.kind == ExprKind::call && (value.text == "take_any" || value.text == "any");
    const bool extreme =
        value.kind == ExprKind::call && (value.text == "arg_max" || value.text == "arg_min");
    if (extreme || (any && (value.args.size() > 1 ||
                            (value.args.size() == 1 && value.args[0]->kind == ExprKind::star)))) {
      picks.columns.clear();
      KC_CHECK_OK(pick(value, aggregate.name, row, scope, by, picks));
      for (RowColumn& column : picks.columns) {
        column.name = unused_name(made.columns, column.name);
        made.columns.push_back(column);
      }
      continue;
    }
    if (value.kind == ExprKind::call && value.text == "percentiles") {
      KC_CHECK_OK(arity(value, 2, 64));
      for (std::size_t i = 1; i < value.args.size(); ++i) {
        auto one = std::make_shared<Expr>(value);
        one->text = "percentile";
        one->args = {value.args[0], value.args[i]};
        KC_TRY(const Sql sql, scalar(*one, row, scope));
        if (value.args[i]->kind != ExprKind::literal)
          return fail(semantic(value.offset, "SEM0043", "The percentiles must be constant"));
        KC_TRY(const std::string column,
               add_column(percentile_name(inferred_name(*value.args[0]), value.args[i]->literal),
                          {"", aggregate.value}, sql.type));
        select(sql.text, column);
      }
      continue;
    }
    KC_TRY(const Sql sql, scalar(value, row, scope));
    std::string name = aggregate.name;
    if (name.empty() && value.kind == ExprKind::call && is_aggregate(value.text))
      name = default_name(value);
    KC_TRY(const std::string column, add_column(std::move(name), aggregate, sql.type));
    select(sql.text, column);
  }
  for (const auto& [sql, name] : picks.aggregates) select(sql, name);
  if (list.empty()) return fail(semantic(offset, "SEM0100", "'summarize' has nothing to give"));
  made.from = "(SELECT " + list + rows.from_where() + groups + ")";
  made.extras = std::move(picks.fields);
  return made;
}

bool is_refused_aggregate(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kRefused{"hll",
                                                             "hll_if",
                                                             "hll_merge",
                                                             "tdigest",
                                                             "tdigest_merge",
                                                             "buildschema",
                                                             "percentilew",
                                                             "percentilesw",
                                                             "percentilesw_array",
                                                             "covariance",
                                                             "covarianceif",
                                                             "covariancep",
                                                             "make_dictionary",
                                                             "dcount_intersect"};
  return std::find(kRefused.begin(), kRefused.end(), name) != kRefused.end();
}

Result<Sql> Translator::aggregate(const Expr& call, const Row& row, const Scope& scope) {
  const Row inner{.rows = row.rows};
  std::string name = call.text;
  std::string filter;
  const bool conditional = name.size() > 2 && name.ends_with("if");
  if (conditional) {
    name.erase(name.size() - (name.ends_with("_if") ? 3 : 2));
    KC_CHECK_OK(arity(call, name == "count" ? 1 : 2, name == "count" ? 1 : 3));
    KC_TRY(const std::string condition,
           predicate(*call.args[name == "count" ? 0 : 1], inner, scope));
    filter = condition;
  }
  if (name == "count") {
    if (!conditional) KC_CHECK_OK(arity(call, 0, 0));
    return Sql{.text = "count(*)" + (filter.empty() ? "" : " FILTER (WHERE " + filter + ")"),
               .type = ScalarType::long_,
               .nullable = false};
  }
  KC_CHECK_OK(arity(call, 1, name.starts_with("percentile") ? 64 : 3));
  if (call.args[0]->kind == ExprKind::star)
    return fail(semantic(call.offset, "SEM0100", "'" + call.text + "(*)' is not supported here"));
  KC_TRY(Sql value, scalar(*call.args[0], inner, scope));
  return aggregate_of(call, name, value, filter, row, scope);
}

Result<Sql> Translator::aggregate_of(const Expr& call, std::string_view name, const Sql& value,
                                     const std::string& filter, const Row& row,
                                     const Scope& scope) {
  const ScalarType type = value.type;
  const bool integer = type == ScalarType::int_ || type == ScalarType::long_,
             span = type == ScalarType::timespan_;
  const auto with = [&](const std::string& sql, const std::string& more = "") {
    const std::string both = filter.empty() ? more
                             : more.empty() ? filter
                                            : filter + " AND " + more;
    return both.empty() ? sql : sql + " FILTER (WHERE " + both + ")";
  };
  const auto refuse = [&] {
    return fail(semantic(
        call.offset, "SEM0043",
        "'" + call.text + "' does not take a value of type " + std::string(to_string(type))));
  };
  const auto lone = [&](const std::string& sql, ScalarType gives) {
    if (gives != ScalarType::string_) return Sql{.text = sql, .type = gives};
    return Sql{.text = "coalesce(" + sql + ", '')", .type = gives, .nullable = false};
  };
  if (name == "sum") {
    if (type == ScalarType::real_)
      return Sql{.text = "coalesce(" + with("sum(" + value.text + ")") + ", 0)",
                 .type = type,
                 .nullable = false};
    if (type == ScalarType::dynamic_) {
      const Sql real = to(ScalarType::real_, value);
      return Sql{.text = "coalesce(" + with("sum(" + real.text + ")") + ", 0)",
                 .type = ScalarType::real_,
                 .nullable = false};
    }
    if (type == ScalarType::decimal_)
      return Sql{.text = "kc_decimal_sum(coalesce(array_to_string(" +
                         with("array_agg(" + value.text + ")", value.text + " IS NOT NULL") +
                         ", ','), ''))",
                 .type = type};
    if (!integer && !span) return refuse();
    return Sql{.text = "CAST(coalesce(" + with("sum(" + value.text + ")") + ", 0) AS BIGINT)",
               .type = span ? type : ScalarType::long_,
               .nullable = false};
  }
  if (name == "min" || name == "max") {
    if (type == ScalarType::dynamic_) return refuse();
    if (type == ScalarType::decimal_)
      return Sql{.text = with("arg_" + std::string(name) + "(" + value.text + ", kc_decimal_key(" +
                              value.text + "))"),
                 .type = type};
    return lone(with(std::string(name) + "(" + value.text + ")"), type);
  }
  if (name == "avg") {
    if (type == ScalarType::datetime_ || span)
      return Sql{.text = "CAST(trunc(" + with("avg(" + value.text + ")") + ") AS BIGINT)",
                 .type = type};
    if (type == ScalarType::decimal_) {
      const std::string there = value.text + " IS NOT NULL";
      return Sql{.text = "kc_decimal_divide(kc_decimal_sum(coalesce(array_to_string(" +
                         with("array_agg(" + value.text + ")", there) + ", ','), '')), CAST(" +
                         with("count(*)", there) + " AS VARCHAR))",
                 .type = type};
    }
    if (!integer && type != ScalarType::real_) return refuse();
    return Sql{.text = with("avg(" + value.text + ")"), .type = ScalarType::real_};
  }
  if (name == "stdev" || name == "variance" || name == "stdevp" || name == "variancep") {
    if (!integer && type != ScalarType::real_) return refuse();
    const std::string function = name == "stdev"      ? "stddev_samp("
                                 : name == "variance" ? "var_samp("
                                 : name == "stdevp"   ? "stddev_pop("
                                                      : "var_pop(";
    return Sql{.text = with(function + value.text + ")"), .type = ScalarType::real_};
  }
  if (name == "dcount" || name == "count_distinct") {  // exact is within dcount's error
    return Sql{.text = with("count(DISTINCT " + value.text + ")"),
               .type = ScalarType::long_,
               .nullable = false};
  }
  if (name == "take_any" || name == "any") return lone(with("any_value(" + value.text + ")"), type);
  if (name == "binary_all_xor" || name == "binary_all_or" || name == "binary_all_and") {
    if (!integer) return refuse();
    const std::string function = name == "binary_all_xor"  ? "bit_xor("
                                 : name == "binary_all_or" ? "bit_or("
                                                           : "bit_and(";
    return Sql{.text = with(function + to(ScalarType::long_, value).text + ")"),
               .type = ScalarType::long_};
  }
  if (name == "make_bag") {
    if (type != ScalarType::dynamic_) return refuse();
    return Sql{.text = "coalesce(kc_bag_merge('[' || array_to_string(" +
                       with("array_agg(" + value.text + ")", value.text + " IS NOT NULL") +
                       ", ',') || ']'), '{}')",
               .type = ScalarType::dynamic_,
               .nullable = false};
  }
  if (name == "percentiles_array" || name == "percentile_array") {
    const Sql element{.text = "e", .type = type};
    std::string ranks;
    for (std::size_t i = 1; i < call.args.size(); ++i) {
      KC_TRY(const Sql rank, scalar(*call.args[i], Row{}, scope));
      if (!rank.literal || rank.type == ScalarType::dynamic_) return refuse();
      ranks += (ranks.empty() ? "" : ", ") + to(ScalarType::real_, rank).text + " / 100";
    }
    if (!integer && type != ScalarType::real_ && !span && type != ScalarType::datetime_)
      return refuse();
    return Sql{.text = "('[' || array_to_string(list_transform(quantile_disc(" + value.text +
                       ", [" + ranks + "]), lambda e: " + json_of(element) + "), ',') || ']')",
               .type = ScalarType::dynamic_};
  }
  if (name == "percentile") {
    KC_CHECK_OK(arity(call, 2, 2));
    KC_TRY(const Sql rank, scalar(*call.args[1], Row{}, scope));
    if (!rank.literal || type == ScalarType::dynamic_ || type == ScalarType::decimal_ ||
        type == ScalarType::string_)
      return refuse();
    return Sql{
        .text = "quantile_disc(" + value.text + ", " + to(ScalarType::real_, rank).text + " / 100)",
        .type = type};
  }
  const bool list = name.starts_with("make_list") || name == "makelist",
             set = name == "make_set" || name == "makeset";
  if (!list && !set)
    return fail(semantic(call.offset, "SEM0100",
                         "The aggregate function '" + call.text + "' is not supported"));
  const bool nulls = name == "make_list_with_nulls";
  const std::string json = nulls ? "coalesce(" + json_of(value) + ", 'null')" : json_of(value);
  std::string order = set || row.rows == nullptr ? "" : row.rows->order_clause();
  std::string sql = std::string("array_agg(") + (set ? "DISTINCT " : "") + json + order + ")";
  sql = with(sql, nulls || !value.nullable ? "" : value.text + " IS NOT NULL");
  const std::size_t size_at = filter.empty() ? 1 : 2;
  if (call.args.size() > size_at) {
    KC_TRY(const Sql given, scalar(*call.args[size_at], Row{}, scope));
    KC_TRY(const Sql size, implicit(ScalarType::long_, given, call.offset));
    sql = "list_slice(" + sql + ", 1, " + size.text + ")";
  }
  return Sql{.text = "('[' || coalesce(array_to_string(" + sql + ", ','), '') || ']')",
             .type = ScalarType::dynamic_,
             .nullable = false};
}

// One struct per call, so that all its columns come from the same row. Where every value to
// maximise is null, any row will do.
Result<void> Translator::pick(const Expr& call, const std::string& name, const Row& row,
                              const Scope& scope, const std::set<std::string>& by, Picks& picks) {
  const bool extreme = call.text == "arg_max" || call.text == "arg_min";
  KC_CHECK_OK(arity(call, 1, 64));
  const Row inner{.rows = row.rows};
  std::vector<std::pair<std::string, Sql>> chosen;
  const auto have = [&](const std::string& column) {
    return std::any_of(chosen.begin(), chosen.end(),
                       [&](const auto& one) { return one.first == column; });
  };
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    const Expr& arg = *call.args[i];
    if (arg.kind == ExprKind::star) {
      for (const RowColumn& column : row.rows->columns) {
        if (by.contains(column.name) || have(column.name)) continue;
        chosen.emplace_back(column.name, Sql{.text = column.sql, .type = column.type});
      }
      continue;
    }
    KC_TRY(Sql value, scalar(arg, inner, scope));
    std::string column = i == 0 && extreme && !name.empty() ? name : inferred_name(arg);
    if (column.empty()) column = call.text.substr(4) + "_";
    if (have(column)) continue;
    chosen.emplace_back(std::move(column), std::move(value));
  }
  const std::string holder = fresh();
  std::string fields;
  for (const auto& [column, value] : chosen) {
    const std::string field = fresh(), shown = fresh();
    fields += (fields.empty() ? "" : ", ") + field + " := " + value.text;
    const std::string read = holder + "." + field;
    picks.fields.emplace_back(
        value.type == ScalarType::string_ ? "coalesce(" + read + ", '')" : read, shown);
    picks.columns.push_back({column, value.type, shown});
  }
  const std::string packed = "struct_pack(" + fields + ")";
  const std::string first = "first(" + packed + ")";
  if (!extreme) {
    picks.aggregates.emplace_back(first, holder);
    return {};
  }
  const Sql& ranked = chosen[0].second;
  const std::string order =
      ranked.type == ScalarType::decimal_ ? "kc_decimal_key(" + ranked.text + ")" : ranked.text;
  if (ranked.type == ScalarType::dynamic_)
    return fail(semantic(call.offset, "SEM0043",
                         "'" + call.text + "' does not take a value of type " +
                             std::string(to_string(ranked.type))));
  picks.aggregates.emplace_back(
      "coalesce(" + call.text + "(" + packed + ", " + order + "), " + first + ")", holder);
  return {};
}

}  // namespace kc::engine
