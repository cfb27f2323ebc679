#include <algorithm>

#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

bool is_integer(ScalarType type) { return type == ScalarType::int_ || type == ScalarType::long_; }
bool is_number(ScalarType type) { return is_integer(type) || type == ScalarType::real_; }

std::string as_long(const Sql& value) {
  return value.type == ScalarType::int_ ? "CAST(" + value.text + " AS BIGINT)" : value.text;
}

std::string pair_of(std::string_view types_of, const Sql& a, const Sql& b) {
  return std::string(types_of) + " " + std::string(to_string(a.type)) + " and " +
         std::string(to_string(b.type));
}

bool positive(const Sql& value) {
  return value.literal && !value.literal->is_null &&
         (value.type == ScalarType::real_ ? value.literal->number > 0 : value.literal->integer > 0);
}

// Never negative, whatever the signs: a remainder of Kusto lies in [0, |divisor|). A known divisor
// keeps the dividend, which may be a long hash, from being written twice.
std::string remainder(const Sql& a, const Sql& b, const std::string& x, const std::string& y) {
  constexpr std::int64_t kSafe = std::int64_t{1} << 62;
  if (positive(b) && a.type != ScalarType::real_ && b.literal->integer < kSafe)
    return "(((" + x + " % " + y + ") + " + y + ") % " + y + ")";
  const std::string plain = "(" + x + " % " + y + ")";
  return "(CASE WHEN " + plain + " < 0 THEN " + plain + " + abs(" + y + ") ELSE " + plain + " END)";
}

}  // namespace

Result<Sql> Translator::binary(const Expr& expr, const Row& row, const Scope& scope,
                               bool null_is_false) {
  KC_TRY(Sql a, scalar(*expr.args[0], row, scope));
  KC_TRY(Sql b, scalar(*expr.args[1], row, scope));
  const std::string& op = expr.text;
  static constexpr std::array<std::string_view, 7> kComparisons{"==", "!=", "<>", "<",
                                                                ">",  "<=", ">="};
  if (std::find(kComparisons.begin(), kComparisons.end(), op) != kComparisons.end()) {
    return compare(op == "<>" ? "!=" : op, std::move(a), std::move(b), expr.offset, null_is_false);
  }
  if (op.size() == 1) return arithmetic(op[0], std::move(a), std::move(b), expr.offset);
  return string_operator(op, std::move(a), std::move(b), expr.offset);
}

Result<Sql> Translator::compare(std::string_view op, Sql a, Sql b, std::size_t offset,
                                bool null_is_false) {
  if (a.untyped_null) a = null_of(b.type);
  if (b.untyped_null) b = null_of(a.type);
  if (a.type == ScalarType::dynamic_ && b.type != ScalarType::dynamic_) a = to(b.type, a);
  if (b.type == ScalarType::dynamic_ && a.type != ScalarType::dynamic_) b = to(a.type, b);
  if (a.type != b.type) {
    const bool numeric = (is_number(a.type) || a.type == ScalarType::decimal_) &&
                         (is_number(b.type) || b.type == ScalarType::decimal_);
    if (!numeric)
      return fail(semantic(offset, "SEM0064", pair_of("Cannot compare values of types", a, b)));
    if (a.type == ScalarType::decimal_ || b.type == ScalarType::decimal_) {
      a = to(ScalarType::decimal_, a);
      b = to(ScalarType::decimal_, b);
    }
  }
  Sql made{.text = "", .type = ScalarType::bool_, .nullable = a.nullable || b.nullable};
  const bool equality = op == "==" || op == "!=";
  if (!equality && (a.type == ScalarType::dynamic_ || a.type == ScalarType::guid_)) {
    return fail(semantic(offset, "SEM0025",
                         pair_of("'" + std::string(op) + "' does not go with types", a, b)));
  }
  const std::string sql_op = op == "==" ? "=" : op == "!=" ? "<>" : std::string(op);
  if (!equality && a.type == ScalarType::decimal_) {
    made.text = "(kc_decimal_compare(" + a.text + ", " + b.text + ") " + sql_op + " 0)";
    return made;
  }
  std::string plain = a.text + " " + sql_op + " " + b.text;
  // DuckDB takes NaN for equal to itself and for the greatest number; IEEE, and so Kusto, does not.
  if (a.type == ScalarType::real_ || b.type == ScalarType::real_) {
    for (const Sql* side : {&a, &b}) {
      if (side->type != ScalarType::real_ ||
          (side->literal && side->literal->number == side->literal->number))
        continue;
      plain += op == "!=" ? " OR isnan(" + side->text + ")" : " AND NOT isnan(" + side->text + ")";
    }
  }
  made.text = "(" + plain + ")";
  if (equality && made.nullable) {
    if (op == "==") {
      if (!null_is_false) made.text = "coalesce(" + made.text + ", FALSE)";
    } else {
      made.text = "coalesce(" + made.text + ", " + a.text + " IS DISTINCT FROM " + b.text + ")";
    }
    made.nullable = op == "==" && null_is_false;
  }
  return made;
}

Result<Sql> Translator::arithmetic(char op, Sql a, Sql b, std::size_t offset) {
  const auto refuse = [&] {
    return fail(semantic(offset, "SEM0025",
                         pair_of("'" + std::string(1, op) + "' does not go with types", a, b)));
  };
  if (a.type == ScalarType::dynamic_ && !a.untyped_null && is_number(b.type))
    a = to(ScalarType::real_, a);
  if (b.type == ScalarType::dynamic_ && !b.untyped_null && is_number(a.type))
    b = to(ScalarType::real_, b);
  if (a.untyped_null) a = null_of(b.type);
  if (b.untyped_null) b = null_of(a.type);
  Sql made{.text = "",
           .type = ScalarType::long_,
           .nullable = a.nullable || b.nullable || op == '/' || op == '%'};
  const bool a_span = a.type == ScalarType::timespan_, b_span = b.type == ScalarType::timespan_;
  const bool a_time = a.type == ScalarType::datetime_, b_time = b.type == ScalarType::datetime_;
  const auto simple = [&](ScalarType type) {
    made.type = type;
    made.text = "(" + a.text + " " + op + " " + b.text + ")";
    return made;
  };
  if (a_time || b_time) {
    if (op == '-' && a_time && b_time) return simple(ScalarType::timespan_);
    if ((op == '+' && (a_span || b_span)) || (op == '-' && b_span))
      return simple(ScalarType::datetime_);
    return refuse();
  }
  if (a_span && b_span) {
    if (op == '+' || op == '-') return simple(ScalarType::timespan_);
    made.type = op == '/' ? ScalarType::real_ : ScalarType::timespan_;
    if (op == '/') made.text = "(CAST(" + a.text + " AS DOUBLE) / CAST(" + b.text + " AS DOUBLE))";
    if (op == '%') made.text = remainder(a, b, a.text, b.text);
    return op == '*' ? Result<Sql>(refuse()) : made;
  }
  if (a_span || b_span) {
    const Sql& number = a_span ? b : a;
    if (!is_number(number.type) || (op != '*' && !(op == '/' && a_span))) return refuse();
    made.type = ScalarType::timespan_;
    if (op == '*' && is_integer(number.type)) return simple(ScalarType::timespan_);
    made.text = "CAST(trunc(CAST(" + a.text + " AS DOUBLE) " + op + " CAST(" + b.text +
                " AS DOUBLE)) AS BIGINT)";
    return made;
  }
  if (a.type == ScalarType::decimal_ || b.type == ScalarType::decimal_) {
    const auto fits = [](const Sql& value) {
      return is_number(value.type) || value.type == ScalarType::decimal_;
    };
    if (!fits(a) || !fits(b) || op == '%') return refuse();
    return decimals(op, a, b);
  }
  if (!is_number(a.type) || !is_number(b.type)) return refuse();
  if (is_integer(a.type) && is_integer(b.type)) {
    if (a.literal && b.literal && !a.literal->is_null && !b.literal->is_null && op != '/' &&
        op != '%') {
      std::int64_t value = 0;
      const std::int64_t x = a.literal->integer, y = b.literal->integer;
      const bool overflow = op == '+'   ? __builtin_add_overflow(x, y, &value)
                            : op == '-' ? __builtin_sub_overflow(x, y, &value)
                                        : __builtin_mul_overflow(x, y, &value);
      if (!overflow) return literal_value({.type = ScalarType::long_, .integer = value});
    }
    const std::string x = as_long(a), y = as_long(b);
    if (op == '%') {
      made.text = remainder(a, b, x, y);
    } else {
      made.text = "(" + x + (op == '/' ? " // " : std::string(" ") + op + " ") + y + ")";
    }
    return made;
  }
  a = to(ScalarType::real_, a);
  b = to(ScalarType::real_, b);
  if (op == '%') {
    made.type = ScalarType::real_;
    made.text = remainder(a, b, a.text, b.text);
    return made;
  }
  return simple(ScalarType::real_);
}

Result<Sql> Translator::decimals(char op, const Sql& a, const Sql& b) {
  const std::string_view function = op == '+'   ? "kc_decimal_add"
                                    : op == '-' ? "kc_decimal_subtract"
                                    : op == '*' ? "kc_decimal_multiply"
                                                : "kc_decimal_divide";
  return Sql{.text = std::string(function) + "(" + to(ScalarType::decimal_, a).text + ", " +
                     to(ScalarType::decimal_, b).text + ")",
             .type = ScalarType::decimal_};
}

Result<Sql> Translator::string_operator(std::string_view op, Sql a, Sql b, std::size_t offset) {
  for (Sql* side : {&a, &b}) {
    if (side->type == ScalarType::dynamic_) *side = to(ScalarType::string_, *side);
    if (side->type != ScalarType::string_) {
      return fail(semantic(offset, "SEM0025",
                           pair_of("'" + std::string(op) + "' does not go with types", a, b)));
    }
  }
  std::string_view base = op;
  const bool negated = base.starts_with('!');
  if (negated) base.remove_prefix(1);
  bool exact = base == "matches";
  if (base.ends_with("_cs")) {
    base.remove_suffix(3);
    exact = true;
  }
  const std::string x = exact ? a.text : "lower(" + a.text + ")";
  const std::string y = exact ? b.text : "lower(" + b.text + ")";
  const auto call = [&](std::string_view function) {
    return std::string(function) + "(" + x + ", " + y + ")";
  };
  Sql made{.text = "", .type = ScalarType::bool_, .nullable = false};
  if (op == "=~" || base == "~") {
    made.text = "(" + x + " = " + y + ")";
  } else if (base == "has") {
    made.text = call("kc_has");
  } else if (base == "hasprefix") {
    made.text = call("kc_has_prefix");
  } else if (base == "hassuffix") {
    made.text = call("kc_has_suffix");
  } else if (base == "contains") {
    made.text = call("contains");
  } else if (base == "startswith") {
    made.text = call("starts_with");
  } else if (base == "endswith") {
    made.text = call("suffix");
  } else if (base == "matches") {
    made.text = call("regexp_matches");
  } else {
    return fail(
        semantic(offset, "SEM0100", "The operator '" + std::string(op) + "' is not supported"));
  }
  if (negated) made.text = "(NOT " + made.text + ")";
  return made;
}

Result<Sql> Translator::in(const Expr& expr, const Row& row, const Scope& scope,
                           bool null_is_false) {
  KC_TRY(Sql left, scalar(*expr.args[0], row, scope));
  const std::string& op = expr.text;
  const bool terms = op == "has_any" || op == "has_all";
  const bool folded = op.ends_with('~') || terms, negated = op.starts_with('!');
  if ((folded || terms) && left.type != ScalarType::string_) left = to(ScalarType::string_, left);
  const std::string x = folded ? "lower(" + left.text + ")" : left.text;
  std::string list;
  const auto add = [&](std::string value) {
    if (folded) value = "lower(" + value + ")";
    if (terms) value = "kc_has(" + x + ", " + value + ")";
    if (!list.empty()) list += terms ? (op == "has_any" ? " OR " : " AND ") : ", ";
    list += value;
  };
  for (std::size_t i = 1; i < expr.args.size(); ++i) {
    const Expr& arg = *expr.args[i];
    const Binding* binding = arg.kind == ExprKind::name ? find(scope, arg.text) : nullptr;
    const bool tabular =
        arg.kind == ExprKind::subquery ||
        (binding != nullptr &&
         (binding->rows || binding->known_rows ||
          (binding->let != nullptr && binding->let->value->kind == ExprKind::subquery)));
    if (tabular) {
      if (expr.args.size() != 2 || terms)
        return fail(semantic(arg.offset, "SEM0100", "One table or single values, not both"));
      KC_TRY(Rows rows, source(arg, scope, nullptr));
      rows.fold();
      if (rows.columns.empty())
        return fail(semantic(arg.offset, "SEM0100", "The table has no column"));
      KC_TRY(const Sql cell,
             implicit(left.type, Sql{.text = rows.columns[0].sql, .type = rows.columns[0].type},
                      arg.offset));
      list = "SELECT " + (folded ? "lower(" + cell.text + ")" : cell.text) + " FROM " + rows.from;
      list += " WHERE " + cell.text + " IS NOT NULL";
      break;
    }
    KC_TRY(Sql value, scalar(arg, row, scope));
    if (terms && value.type == ScalarType::dynamic_ && !value.untyped_null) {
      const std::string elements = "json_extract(" + value.text + ", '$[*]')";
      const std::string found = "len(list_filter(" + elements + ", lambda e: kc_has(" + x +
                                ", lower(kc_dynamic_text(CAST(e AS VARCHAR))))))";
      if (!list.empty()) list += op == "has_any" ? " OR " : " AND ";
      list += "coalesce(" + found + (op == "has_any" ? " > 0" : " = len(" + elements + ")") +
              ", FALSE)";
      continue;
    }
    if (value.type == ScalarType::dynamic_ && left.type != ScalarType::dynamic_ &&
        !value.untyped_null && !terms) {
      const std::string elements = "unnest(CASE WHEN json_type(" + value.text +
                                   ") = 'ARRAY' THEN json_extract(" + value.text +
                                   ", '$[*]') ELSE [CAST(" + value.text + " AS JSON)] END)";
      const Sql cell =
          to(left.type, Sql{.text = "CAST(e AS VARCHAR)", .type = ScalarType::dynamic_});
      if (expr.args.size() != 2)
        return fail(semantic(arg.offset, "SEM0100", "One array or single values, not both"));
      list = "SELECT " + (folded ? "lower(" + cell.text + ")" : cell.text) + " FROM (SELECT " +
             elements + " AS e) WHERE " + cell.text + " IS NOT NULL";
      break;
    }
    if (left.type == ScalarType::dynamic_ && !value.untyped_null) {
      KC_TRY(value, implicit(ScalarType::string_, to(ScalarType::string_, value), arg.offset));
      add(value.text);
      continue;
    }
    if (left.type == ScalarType::real_ || !is_number(left.type) || !is_number(value.type)) {
      KC_TRY(value, implicit(left.type, value, arg.offset));
    }
    add(value.text);
  }
  Sql made{.text = "", .type = ScalarType::bool_, .nullable = false};
  if (terms) {
    made.text = "(" + list + ")";
    return made;
  }
  const std::string subject =
      left.type == ScalarType::dynamic_ ? to(ScalarType::string_, left).text : x;
  made.text = "(" + subject + " IN (" + list + "))";
  if (left.nullable && left.type != ScalarType::dynamic_ && (negated || !null_is_false)) {
    made.text = "coalesce(" + made.text + ", FALSE)";
  }
  if (negated) made.text = "(NOT " + made.text + ")";
  return made;
}

Result<Sql> Translator::between(const Expr& expr, const Row& row, const Scope& scope,
                                bool null_is_false) {
  KC_TRY(const Sql value, scalar(*expr.args[0], row, scope));
  KC_TRY(Sql low, scalar(*expr.args[1], row, scope));
  KC_TRY(Sql high, scalar(*expr.args[2], row, scope));
  if (low.type == ScalarType::datetime_ && high.type == ScalarType::timespan_) {
    KC_TRY(high, arithmetic('+', low, high, expr.offset));
  }
  KC_TRY(const Sql from, compare(">=", value, std::move(low), expr.offset, true));
  KC_TRY(const Sql up_to, compare("<=", value, std::move(high), expr.offset, true));
  Sql made{.text = "(" + from.text + " AND " + up_to.text + ")",
           .type = ScalarType::bool_,
           .nullable = from.nullable || up_to.nullable};
  const bool negated = expr.text.starts_with('!');
  if (made.nullable && (negated || !null_is_false)) {
    made.text = "coalesce(" + made.text + ", FALSE)";
    made.nullable = false;
  }
  if (negated) made.text = "(NOT " + made.text + ")";
  return made;
}

}  // namespace kc::engine
