// Calls that look beyond their arguments: at the request, at where a row came from, at neighbouring
// rows, at lets.
#include <algorithm>
#include <charconv>

#include "core/base/ticks.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

// A cursor is an opaque text to its users; here it is a count of ticks, written as such or as a
// datetime.
std::optional<std::int64_t> cursor_ticks(std::string_view text) {
  std::int64_t ticks = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ticks);
  if (error == std::errc{} && end == text.data() + text.size()) return ticks;
  const auto at = parse_datetime(text);
  return at ? std::optional(at->value) : std::nullopt;
}

bool is_window(std::string_view name) {
  return name == "row_number" || name == "row_cumsum" || name == "prev" || name == "next" ||
         name == "row_rank_dense" || name == "row_rank_min" || name == "row_window_session";
}

}  // namespace

bool has_window_call(const Expr& expr) {
  if (expr.kind == ExprKind::call && is_window(expr.text)) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [](const ExprPtr& arg) { return has_window_call(*arg); });
}

Result<std::optional<Sql>> Translator::context_call(const Expr& expr, const Row& row,
                                                    const Scope& scope) {
  const std::string& name = expr.text;
  if (name == "now" || name == "ago") {
    KC_CHECK_OK(arity(expr, name == "now" ? 0 : 1, 1));
    Sql now = literal_value({.type = ScalarType::datetime_, .integer = binder_.now_ticks()});
    if (expr.args.empty()) return now;
    KC_TRY(const Sql given, scalar(*expr.args[0], row, scope));
    KC_TRY(const Sql span, implicit(ScalarType::timespan_, given, expr.args[0]->offset));
    if (span.literal && !span.literal->is_null) {
      now.literal->integer += name == "now" ? span.literal->integer : -span.literal->integer;
      return literal_value(*now.literal);
    }
    KC_TRY(Sql moved, arithmetic(name == "now" ? '+' : '-', std::move(now), span, expr.offset));
    return moved;
  }
  if (name == "cursor_current" || name == "current_cursor") {
    KC_CHECK_OK(arity(expr, 0, 0));
    if (binder_.cursors_disabled())
      return fail(semantic(expr.offset, "SEM0100", "Cursors are disabled for this request"));
    uses_cursor_ = true;
    return string_value(std::to_string(binder_.cursor_current()));
  }
  if (name == "cursor_after" || name == "cursor_before_or_at") {
    KC_TRY(Sql made, cursor_filter(expr, row, scope));
    return made;
  }
  if (name.starts_with("current_principal")) return principal_call(expr, scope);
  if (name == "current_database") return string_value(binder_.current_database());
  if (name == "toscalar") {
    KC_CHECK_OK(arity(expr, 1, 1));
    KC_TRY(Sql made, toscalar(*expr.args[0], scope));
    return made;
  }
  const bool id = name == "extent_id" || name == "extentid";
  if (name != "ingestion_time" && !id && name != "extent_tags") return std::nullopt;
  KC_CHECK_OK(arity(expr, 0, 0));
  if (row.rows != nullptr && row.rows->origin_ambiguous) {
    return fail(semantic(expr.offset, "SEM0100",
                         "'" + name + "' is not supported after a join or a union"));
  }
  const auto column = [&](std::string Rows::*which) {
    return row.rows == nullptr || row.aggregates ? std::string() : row.rows->*which;
  };
  if (name == "ingestion_time") {
    const std::string sql = column(&Rows::ingestion_time);
    return sql.empty() ? null_of(ScalarType::datetime_)
                       : Sql{.text = sql, .type = ScalarType::datetime_};
  }
  if (id) {
    const std::string sql = column(&Rows::extent_id);
    const std::string none = "00000000-0000-0000-0000-000000000000";
    if (sql.empty()) return literal_value({.type = ScalarType::guid_, .text = none});
    return Sql{.text = "coalesce(" + sql + ", '" + none + "'::UUID)",
               .type = ScalarType::guid_,
               .nullable = false};
  }
  const std::string sql = column(&Rows::extent_tags);
  return Sql{.text = sql.empty() ? "'[]'" : "coalesce(kc_tags_json(" + sql + "), '[]')",
             .type = ScalarType::dynamic_,
             .nullable = false};
}

Result<Sql> Translator::cursor_filter(const Expr& expr, const Row& row, const Scope& scope) {
  // Without an argument: what the request properties say.
  const auto standard = expr.args.empty() ? binder_.cursor_default(expr.text == "cursor_after")
                                          : std::optional<std::string>();
  KC_CHECK_OK(arity(expr, standard ? 0 : 1, 1));
  if (binder_.cursors_disabled())
    return fail(semantic(expr.offset, "SEM0100", "Cursors are disabled for this request"));
  uses_cursor_ = true;
  KC_TRY(const Sql cursor,
         standard ? Result<Sql>(string_value(*standard)) : scalar(*expr.args[0], row, scope));
  if (!cursor.literal || cursor.type != ScalarType::string_) {
    return fail(semantic(expr.offset, "SEM0043", "'" + expr.text + "' takes a constant string"));
  }
  Sql made{.text = "TRUE", .type = ScalarType::bool_, .nullable = false};
  if (row.rows == nullptr || row.rows->cursor.empty()) {
    return fail(semantic(expr.offset, "SEM0100", "'" + expr.text + "' needs the rows of a table"));
  }
  if (cursor.literal->text.empty()) {
    if (expr.text == "cursor_after") return made;
    return fail(semantic(expr.offset, "SEM0043", "'cursor_before_or_at' needs a cursor"));
  }
  const auto ticks = cursor_ticks(cursor.literal->text);
  if (!ticks)
    return fail(
        semantic(expr.offset, "SEM0043", "'" + cursor.literal->text + "' is no database cursor"));
  made.text = "(" + row.rows->cursor + (expr.text == "cursor_after" ? " > " : " <= ") +
              std::to_string(*ticks) + "::BIGINT)";
  made.nullable = true;
  return made;
}

Result<Sql> Translator::toscalar(const Expr& expr, const Scope& scope) {
  const Binding* binding = expr.kind == ExprKind::name ? find(scope, expr.text) : nullptr;
  bool tabular = expr.kind == ExprKind::subquery ||
                 (expr.kind == ExprKind::name && (binding == nullptr || !binding->value));
  if (expr.kind == ExprKind::call) {  // of a function that gives rows, or of one that does not
    const Binding* function = find(scope, expr.text);
    tabular = expr.text == "materialize" || expr.text.ends_with("table") ||
              (function != nullptr && function->let != nullptr && source(expr, scope, nullptr));
  }
  if (!tabular) return scalar(expr, Row{}, scope);
  KC_TRY(Rows rows, source(expr, scope, nullptr));
  rows.fold();
  if (rows.columns.empty())
    return fail(semantic(expr.offset, "SEM0100", "toscalar() needs a column"));
  Sql made{.text = "(SELECT " + rows.columns[0].sql + " FROM " + rows.from + rows.order_clause() +
                   " LIMIT 1)",
           .type = rows.columns[0].type};
  if (made.type == ScalarType::string_) {
    made.text = "coalesce(" + made.text + ", '')";
    made.nullable = false;
  }
  return made;
}

Result<Sql> Translator::window_argument(const Expr& expr, const Row& row, const Scope& scope) {
  KC_TRY(Sql value, scalar(expr, row, scope));
  if (!has_window_call(expr)) return value;
  row.prelude->emplace_back(std::move(value.text), fresh());
  value.text = row.prelude->back().second;
  return value;
}

// The rows' order is one column by now (see number_rows).
Result<std::optional<Sql>> Translator::window_call(const Expr& expr, const Row& row,
                                                   const Scope& scope) {
  const std::string& name = expr.text;
  if (!is_window(name)) return std::nullopt;
  if (row.rows == nullptr || row.prelude == nullptr || row.rows->order.size() != 1) {
    return fail(semantic(
        expr.offset, "SEM0100",
        "The function '" + name + "' needs serialized rows: use 'order by' or 'serialize' first"));
  }
  const std::string order = "ORDER BY " + row.rows->order[0].sql;
  const auto restarts = [&](std::size_t index) -> Result<std::string> {
    if (expr.args.size() <= index) return std::string();
    KC_TRY(const std::string restart, predicate(*expr.args[index], row, scope));
    // A window cannot stand in another: each step is a column of its own.
    const std::string flag = fresh(), group = fresh();
    row.prelude->emplace_back("CASE WHEN " + restart + " THEN 1 ELSE 0 END", flag);
    row.prelude->emplace_back("sum(" + flag + ") OVER (" + order + " ROWS UNBOUNDED PRECEDING)",
                              group);
    return "PARTITION BY " + group + " ";
  };
  if (name == "row_number") {
    KC_CHECK_OK(arity(expr, 0, 2));
    Sql start = long_value(1);
    if (!expr.args.empty()) {
      KC_TRY(start, scalar(*expr.args[0], row, scope));
      KC_TRY(start, implicit(ScalarType::long_, start, expr.offset));
    }
    KC_TRY(const std::string partition, restarts(1));
    return Sql{.text = "(row_number() OVER (" + partition + order + ") - 1 + " + start.text + ")",
               .type = ScalarType::long_,
               .nullable = false};
  }
  if (name == "row_cumsum") {
    KC_CHECK_OK(arity(expr, 1, 2));
    KC_TRY(Sql value, window_argument(*expr.args[0], row, scope));
    if (value.type == ScalarType::int_) value = to(ScalarType::long_, value);
    if (value.type != ScalarType::long_ && value.type != ScalarType::real_ &&
        value.type != ScalarType::timespan_) {
      return fail(semantic(expr.offset, "SEM0043", "'row_cumsum' takes a number or a timespan"));
    }
    KC_TRY(const std::string partition, restarts(1));
    return Sql{.text = "CAST(sum(coalesce(" + value.text + ", 0)) OVER (" + partition + order +
                       " ROWS UNBOUNDED PRECEDING) AS " + std::string(sql_type(value.type)) + ")",
               .type = value.type,
               .nullable = false};
  }
  if (name == "row_rank_dense" || name == "row_rank_min") {
    KC_CHECK_OK(arity(expr, 1, 2));
    KC_TRY(const Sql value, window_argument(*expr.args[0], row, scope));
    KC_TRY(const std::string partition, restarts(1));
    // The rank grows where the value differs from the row before.
    const std::string before = fresh(), change = fresh();
    row.prelude->emplace_back("CASE WHEN row_number() OVER (" + partition + order +
                                  ") = 1 OR lag(" + value.text + ") OVER (" + partition + order +
                                  ") IS DISTINCT FROM " + value.text + " THEN 1 ELSE 0 END",
                              change);
    if (name == "row_rank_dense")
      return Sql{.text = "CAST(sum(" + change + ") OVER (" + partition + order +
                         " ROWS UNBOUNDED PRECEDING) AS BIGINT)",
                 .type = ScalarType::long_,
                 .nullable = false};
    row.prelude->emplace_back(
        "CASE WHEN " + change + " = 1 THEN row_number() OVER (" + partition + order + ") END",
        before);
    return Sql{
        .text = "max(" + before + ") OVER (" + partition + order + " ROWS UNBOUNDED PRECEDING)",
        .type = ScalarType::long_,
        .nullable = false};
  }
  if (name != "prev" && name != "next")
    return fail(semantic(expr.offset, "SEM0100", "The function '" + name + "' is not supported"));
  KC_CHECK_OK(arity(expr, 1, 3));
  KC_TRY(const Sql value, window_argument(*expr.args[0], row, scope));
  std::string sql = (name == "prev" ? "lag(" : "lead(") + value.text;
  Sql distance = long_value(1);
  if (expr.args.size() > 1) {
    KC_TRY(distance, scalar(*expr.args[1], row, scope));
    KC_TRY(distance, implicit(ScalarType::long_, distance, expr.offset));
  }
  sql += ", " + distance.text;
  if (expr.args.size() > 2) {
    KC_TRY(Sql standard, scalar(*expr.args[2], row, scope));
    KC_TRY(standard, implicit(value.type, standard, expr.offset));
    sql += ", " + standard.text;
  }
  Sql made{.text = sql + ") OVER (" + order + ")", .type = value.type};
  if (made.type == ScalarType::string_) {
    made.text = "coalesce(" + made.text + ", '')";
    made.nullable = false;
  }
  return made;
}

Result<std::optional<Sql>> Translator::choice_call(const Expr& expr, const Row& row,
                                                   const Scope& scope) {
  const std::string& name = expr.text;
  const bool one = name == "iff" || name == "iif";
  if (!one && name != "case" && name != "coalesce" && name != "min_of" && name != "max_of")
    return std::nullopt;
  const bool choice = one || name == "case";
  if (one) KC_CHECK_OK(arity(expr, 3, 3));
  if (expr.args.empty() || (name == "case" && (expr.args.size() < 3 || expr.args.size() % 2 == 0)))
    return fail(
        semantic(expr.offset, "SEM0219",
                 "'" + name + "' takes pairs of a condition and a value, and a last value"));
  std::vector<std::string> conditions;
  std::vector<Sql> values;
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    if (choice && i % 2 == 0 && i + 1 < expr.args.size()) {
      KC_TRY(std::string condition, predicate(*expr.args[i], row, scope));
      conditions.push_back(std::move(condition));
    } else {
      KC_TRY(Sql value, scalar(*expr.args[i], row, scope));
      values.push_back(std::move(value));
    }
  }
  KC_TRY(const ScalarType type, common_type(values, expr.offset));
  Sql made{.text = "", .type = type, .nullable = type != ScalarType::string_};
  std::string list;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string value = to(type, values[i]).text;
    if (choice) {
      list +=
          i < conditions.size() ? " WHEN " + conditions[i] + " THEN " + value : " ELSE " + value;
    } else {
      if (name == "coalesce" && type == ScalarType::string_) value = "nullif(" + value + ", '')";
      list += (list.empty() ? "" : ", ") + value;
    }
  }
  if (choice) {
    made.text = "(CASE" + list + " END)";
  } else if (name == "coalesce") {
    made.text = "coalesce(" + list + (type == ScalarType::string_ ? ", '')" : ")");
  } else {
    made.text = (name == "min_of" ? "least(" : "greatest(") + list + ")";
  }
  return made;
}

Result<Scope> Translator::bind_parameters(const Binding& function, const Expr& expr, const Row& row,
                                          const Scope& scope) {
  const LetStatement& let = *function.let;
  Scope inner = function.defined_in;
  if (expr.args.size() > let.parameters.size()) KC_CHECK_OK(arity(expr, 0, let.parameters.size()));
  for (std::size_t i = 0; i < let.parameters.size(); ++i) {
    const Parameter& parameter = let.parameters[i];
    auto binding = std::make_shared<Binding>();
    binding->name = parameter.name;
    if (i >= expr.args.size()) {
      if (!parameter.standard)
        return fail(semantic(expr.offset, "SEM0219",
                             "'" + let.name + "' needs its argument '" + parameter.name + "'"));
      KC_TRY(binding->value,
             implicit(parameter.type, kc::engine::literal_value(*parameter.standard), expr.offset));
    } else if (parameter.tabular) {
      binding->rows = expr.args[i];
      binding->defined_in = scope;
    } else {
      KC_TRY(const Sql given, scalar(*expr.args[i], row, scope));
      KC_TRY(binding->value, implicit(parameter.type, given, expr.args[i]->offset));
    }
    binding->outer = inner;
    inner = binding;
  }
  for (const LetStatement& nested : let.inner) inner = with_let(nested, inner);
  return inner;
}

Result<Sql> Translator::let_call(const Binding& function, const Expr& expr, const Row& row,
                                 const Scope& scope) {
  KC_TRY(const Scope inner, bind_parameters(function, expr, row, scope));
  if (++call_depth_ > kCallDepthMax)
    return fail(semantic(expr.offset, "SEM0120", "Lets and functions are nested too deeply"));
  auto made = scalar(*function.let->value, Row{}, inner);
  --call_depth_;
  return made;
}

}  // namespace kc::engine
