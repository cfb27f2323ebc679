#include <algorithm>

#include "core/engine/syntax/lexer.h"
#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {

Error Translator::semantic(std::size_t offset, std::string_view code, std::string_view what) const {
  return semantic_error(text_, offset, code, what);
}

Result<void> Translator::spend_expression(std::size_t offset) {
  if (++expressions_ > kExpressionsMax) {
    return fail(semantic(offset, "SEM0120",
                         "The query has too many expressions once its lets are in place"));
  }
  return {};
}

Result<void> Translator::check_size(const std::string& sql, std::size_t offset) const {
  if (sql.size() <= kSqlBytesMax) return {};
  return fail(semantic(offset, "SEM0120", "The query is too large once its lets are in place"));
}

const Binding* Translator::find(const Scope& scope, std::string_view name) const {
  for (const Binding* at = scope.get(); at != nullptr; at = at->outer.get()) {
    if (at->name == name) return at;
  }
  return stored(name);
}

Result<Sql> Translator::scalar(const Expr& expr, const Row& row, const Scope& scope) {
  KC_CHECK_OK(spend_expression(expr.offset));
  switch (expr.kind) {
    case ExprKind::literal:
      if (expr.literal.type == ScalarType::datetime_ && expr.literal.text == "now") {
        return literal_value({.type = ScalarType::datetime_, .integer = binder_.now_ticks()});
      }
      return literal_value(expr.literal);
    case ExprKind::name:
      return name(expr, row, scope);
    case ExprKind::member:
    case ExprKind::index:
      return member(expr, row, scope);
    case ExprKind::call: {
      auto made = call(expr, row, scope);
      if (made) KC_CHECK_OK(check_size(made->text, expr.offset));
      return made;
    }
    case ExprKind::unary:
      return unary(expr, row, scope);
    case ExprKind::binary:
      return binary(expr, row, scope, false);
    case ExprKind::and_:
    case ExprKind::or_:
      return boolean(expr, row, scope, false);
    case ExprKind::in:
      return in(expr, row, scope, false);
    case ExprKind::between:
      return between(expr, row, scope, false);
    case ExprKind::star:
    case ExprKind::wildcard:
      return fail(semantic(expr.offset, "SEM0100", "'*' cannot stand for a value here"));
    case ExprKind::subquery:
      return fail(semantic(expr.offset, "SEM0100",
                           "A tabular expression cannot stand for a value: use toscalar()"));
  }
  return fail(semantic(expr.offset, "SEM0100", "An expression that is not supported"));
}

Result<std::string> Translator::predicate(const Expr& expr, const Row& row, const Scope& scope) {
  KC_TRY(Sql made, boolean(expr, row, scope, true));
  if (made.type == ScalarType::dynamic_) made = to(ScalarType::bool_, made);
  if (made.type != ScalarType::bool_) {
    return fail(
        semantic(expr.offset, "SEM0024",
                 "The predicate must be of type bool, not " + std::string(to_string(made.type))));
  }
  return made.text;
}

// In a filter null and false are one, which lets DuckDB see bare comparisons and push them into the
// scan.
Result<Sql> Translator::boolean(const Expr& expr, const Row& row, const Scope& scope,
                                bool null_is_false) {
  switch (expr.kind) {
    case ExprKind::binary:
      KC_CHECK_OK(spend_expression(expr.offset));
      return binary(expr, row, scope, null_is_false);
    case ExprKind::in:
      KC_CHECK_OK(spend_expression(expr.offset));
      return in(expr, row, scope, null_is_false);
    case ExprKind::between:
      KC_CHECK_OK(spend_expression(expr.offset));
      return between(expr, row, scope, null_is_false);
    case ExprKind::and_:
    case ExprKind::or_:
      break;
    default:
      return scalar(expr, row, scope);
  }
  Sql made{.text = "(", .type = ScalarType::bool_, .nullable = false};
  for (const ExprPtr& part : expr.args) {
    KC_TRY(Sql value, boolean(*part, row, scope, null_is_false));
    if (value.type == ScalarType::dynamic_) value = to(ScalarType::bool_, value);
    if (value.type != ScalarType::bool_) {
      return fail(semantic(
          part->offset, "SEM0024",
          "'and' and 'or' take values of type bool, not " + std::string(to_string(value.type))));
    }
    if (made.text.size() > 1) made.text += expr.kind == ExprKind::and_ ? " AND " : " OR ";
    made.text += value.text;
    made.nullable = made.nullable || value.nullable;
  }
  made.text += ")";
  return made;
}

Result<Sql> Translator::name(const Expr& expr, const Row& row, const Scope& scope) {
  if (row.rows != nullptr && !row.aggregates) {
    if (const RowColumn* column = row.rows->find(expr.text)) {
      return Sql{.text = column->sql,
                 .type = column->type,
                 .nullable = column->type != ScalarType::string_};
    }
  }
  if (const Binding* binding = find(scope, expr.text)) {
    if (binding->value) return *binding->value;
    if (binding->let != nullptr && !binding->let->function) return let_value(*binding, expr.offset);
  }
  if (row.aggregates && row.rows != nullptr && row.rows->find(expr.text) != nullptr) {
    return fail(semantic(expr.offset, "SEM0110",
                         "'" + expr.text + "' is used outside an aggregate function"));
  }
  return fail(semantic(expr.offset, "SEM0100",
                       "Failed to resolve the column or scalar value named '" + expr.text + "'"));
}

Result<Sql> Translator::let_value(const Binding& binding, std::size_t offset) {
  if (++call_depth_ > kCallDepthMax)
    return fail(semantic(offset, "SEM0120", "Lets and functions are nested too deeply"));
  auto made = scalar(*binding.let->value, Row{}, binding.defined_in);
  --call_depth_;
  if (made) KC_CHECK_OK(check_size(made->text, offset));
  return made;
}

// `d.name`, `d['name']`, `d[2]`, `d[-1]` of a dynamic value.
Result<Sql> Translator::member(const Expr& expr, const Row& row, const Scope& scope) {
  if (expr.kind == ExprKind::member && expr.args[0]->kind == ExprKind::name) {
    const std::string& side = expr.args[0]->text;
    const Rows* rows = side == "$left" ? row.rows : side == "$right" ? row.right : nullptr;
    if (rows != nullptr && row.right != nullptr) {
      const RowColumn* column = rows->find(expr.text);
      if (column == nullptr)
        return fail(
            semantic(expr.offset, "SEM0100", "'" + side + "' has no column '" + expr.text + "'"));
      return Sql{.text = column->sql,
                 .type = column->type,
                 .nullable = column->type != ScalarType::string_};
    }
  }
  KC_TRY(const Sql value, scalar(*expr.args[0], row, scope));
  if (value.type != ScalarType::dynamic_) {
    return fail(semantic(
        expr.offset, "SEM0109",
        "Only a dynamic value has members, not one of type " + std::string(to_string(value.type))));
  }
  std::string path;
  const auto key_path = [](std::string_view key) {  // as a JSON pointer, which can spell every key
    std::string pointer = "/";
    for (const char c : key) pointer += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return quote_string(pointer);
  };
  if (expr.kind == ExprKind::member) {
    path = key_path(expr.text);
  } else {
    KC_TRY(const Sql index, scalar(*expr.args[1], row, scope));
    if (index.literal && index.type == ScalarType::string_) {
      path = key_path(index.literal->text);
    } else if (index.type == ScalarType::string_) {
      path = "('/' || replace(replace(" + index.text + ", '~', '~0'), '/', '~1'))";
    } else if (index.type == ScalarType::long_ || index.type == ScalarType::int_) {
      path = "('$[' || CASE WHEN " + index.text + " < 0 THEN '#' ELSE '' END || CAST(" +
             index.text + " AS VARCHAR) || ']')";
      if (index.literal) {
        path = quote_string("$[" + std::string(index.literal->integer < 0 ? "#" : "") +
                            std::to_string(index.literal->integer) + "]");
      }
    } else {
      return fail(
          semantic(expr.offset, "SEM0109", "A dynamic value is indexed by a string or a number"));
    }
  }
  return Sql{
      .text = "nullif(CAST(json_extract(" + value.text + ", " + path + ") AS VARCHAR), 'null')",
      .type = ScalarType::dynamic_};
}

Result<Sql> Translator::unary(const Expr& expr, const Row& row, const Scope& scope) {
  KC_TRY(Sql value, scalar(*expr.args[0], row, scope));
  const bool number = value.type == ScalarType::int_ || value.type == ScalarType::long_ ||
                      value.type == ScalarType::real_ || value.type == ScalarType::timespan_;
  if (!number) {
    return fail(semantic(expr.offset, "SEM0025",
                         "The sign '" + expr.text + "' does not go with type " +
                             std::string(to_string(value.type))));
  }
  if (expr.text == "+") return value;
  if (value.literal && !value.literal->is_null) {
    Literal negated = *value.literal;
    negated.integer = static_cast<std::int64_t>(~static_cast<std::uint64_t>(negated.integer) + 1);
    negated.number = -negated.number;
    return literal_value(std::move(negated));
  }
  value.text = "(-" + value.text + ")";
  value.literal.reset();
  return value;
}

std::string inferred_name(const Expr& expr) {
  static constexpr std::array<std::string_view, 30> kInherits{
      "bin",          "floor",           "startofday", "startofweek",
      "startofmonth", "startofyear",     "endofday",   "endofweek",
      "endofmonth",   "endofyear",       "tostring",   "toint",
      "tolong",       "toreal",          "todouble",   "todecimal",
      "tobool",       "toboolean",       "todatetime", "totimespan",
      "toguid",       "todynamic",       "toobject",   "parse_json",
      "parsejson",    "format_datetime", "split",      "format_timespan",
      "round",        "dynamic_to_json"};
  switch (expr.kind) {
    case ExprKind::name:
      return expr.text;
    case ExprKind::member: {
      const std::string inner = inferred_name(*expr.args[0]);
      if (inner == "$left" || inner == "$right") return expr.text;
      return inner.empty() ? "" : inner + "_" + expr.text;
    }
    case ExprKind::index: {
      const Expr& index = *expr.args[1];
      const std::string inner = inferred_name(*expr.args[0]);
      if (inner.empty() || index.kind != ExprKind::literal) return "";
      return inner + "_" +
             (index.literal.type == ScalarType::string_ ? index.literal.text
                                                        : std::to_string(index.literal.integer));
    }
    case ExprKind::call:
      break;
    default:
      return "";
  }
  if (expr.text == "ingestion_time") return "$IngestionTime";
  if (expr.args.empty()) return "";
  if (expr.text == "strlen") {
    const std::string inner = inferred_name(*expr.args[0]);
    return inner.empty() ? "" : "strlen_" + inner;
  }
  return std::find(kInherits.begin(), kInherits.end(), expr.text) != kInherits.end()
             ? inferred_name(*expr.args[0])
             : "";
}

std::string unused_name(const std::vector<RowColumn>& columns, std::string name) {
  const auto used = [&](const std::string& candidate) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](const RowColumn& column) { return column.name == candidate; });
  };
  if (!used(name)) return name;
  for (std::size_t i = 1;; ++i) {
    std::string candidate = name + std::to_string(i);
    if (!used(candidate)) return candidate;
  }
}

}  // namespace kc::engine
