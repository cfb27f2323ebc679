#include <algorithm>

#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

bool like(std::string_view pattern, std::string_view name) {  // one `*`, anywhere
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  const std::string_view head = pattern.substr(0, star), tail = pattern.substr(star + 1);
  return name.size() >= head.size() + tail.size() && name.starts_with(head) && name.ends_with(tail);
}

struct Branch {
  Rows rows;
  std::string label;
};

// What withsource calls a source: its table's name, or its number.
std::string label_of(const Expr& source, std::size_t index) {
  if (source.kind == ExprKind::name || source.kind == ExprKind::member) return source.text;
  return "union_arg" + std::to_string(index);
}

// How a join writes itself in SQL and which sides it shows.
struct JoinKind {
  std::string_view name;
  std::string_view sql;
  bool left = true, right = true;
  bool swapped = false;  // DuckDB's SEMI and ANTI joins keep the left side only
  bool left_padded = false, right_padded = false;
};
constexpr std::array<JoinKind, 12> kJoinKinds{{
    {"innerunique", "JOIN"},
    {"inner", "JOIN"},
    {"leftouter", "LEFT JOIN", true, true, false, false, true},
    {"rightouter", "RIGHT JOIN", true, true, false, true, false},
    {"fullouter", "FULL JOIN", true, true, false, true, true},
    {"leftsemi", "SEMI JOIN", true, false},
    {"rightsemi", "SEMI JOIN", false, true, true},
    {"leftanti", "ANTI JOIN", true, false},
    {"anti", "ANTI JOIN", true, false},
    {"leftantisemi", "ANTI JOIN", true, false},
    {"rightanti", "ANTI JOIN", false, true, true},
    {"rightantisemi", "ANTI JOIN", false, true, true},
}};

}  // namespace

Result<Rows> Translator::union_of(std::optional<Rows> left, const UnionOp& op, std::size_t offset,
                                  const Scope& scope) {
  bool inner = false, fuzzy = false;
  std::string source_column;
  for (const Option& option : op.options) {
    if (option.name == "kind" && (option.value == "inner" || option.value == "outer")) {
      inner = option.value == "inner";
    } else if (option.name == "withsource" || option.name == "with_source") {
      source_column = option.value;
    } else if (option.name == "isfuzzy") {
      fuzzy = option.value == "true";
    } else if (!option.name.starts_with("hint.")) {
      return fail(semantic(
          option.offset, "SEM0100",
          "The option '" + option.name + "=" + option.value + "' of union is not supported"));
    }
  }
  std::vector<Branch> branches;
  if (left) branches.push_back({std::move(*left), "union_arg0"});
  const auto add = [&](Result<Rows> rows, std::string label) -> Result<void> {
    if (!rows) {
      if (fuzzy && rows.error().kind == ErrorKind::not_found) return {};
      return fail(std::move(rows).error());
    }
    rows->fold();
    branches.push_back({std::move(*rows), std::move(label)});
    return {};
  };
  for (const ExprPtr& expr : op.sources) {
    if (expr->kind != ExprKind::wildcard) {
      KC_CHECK_OK(add(source(*expr, scope, nullptr), label_of(*expr, branches.size())));
      continue;
    }
    KC_TRY(const std::vector<std::string> names, binder_.table_names(""));
    for (const std::string& name : names) {
      if (like(expr->text, name))
        KC_CHECK_OK(add(table("", name, expr->offset, nullptr, nullptr), name));
    }
  }
  if (branches.empty())
    return fail(semantic(offset, "SEM0100", "The union has no table that exists"));
  branches.front().rows.fold();

  // Columns in order of appearance; a name with several types becomes one column per type.
  struct Slot {
    std::string name;
    ScalarType type;
    std::string shown;
  };
  std::vector<Slot> slots;
  std::map<std::string, std::set<ScalarType>> types;
  for (const Branch& branch : branches) {
    for (const RowColumn& column : branch.rows.columns) {
      if (types[column.name].insert(column.type).second)
        slots.push_back({column.name, column.type, column.name});
    }
  }
  for (Slot& slot : slots) {
    if (types[slot.name].size() > 1) slot.shown += "_" + std::string(to_string(slot.type));
  }
  if (inner) {
    std::erase_if(slots, [&](const Slot& slot) {
      return std::any_of(branches.begin(), branches.end(), [&](const Branch& branch) {
        const RowColumn* column = branch.rows.find(slot.name);
        return column == nullptr || column->type != slot.type;
      });
    });
  }
  if (slots.empty()) return fail(semantic(offset, "SEM0100", "The union has no column"));
  static constexpr std::array<std::string Rows::*, 4> kOrigins{
      &Rows::ingestion_time, &Rows::cursor, &Rows::extent_id, &Rows::extent_tags};
  static constexpr std::array<std::string_view, 4> kOriginTypes{"BIGINT", "BIGINT", "UUID",
                                                                "VARCHAR"};
  Rows made;
  for (const auto origin : kOrigins) {
    const bool any = std::any_of(branches.begin(), branches.end(), [&](const Branch& branch) {
      return !(branch.rows.*origin).empty();
    });
    if (any) made.*origin = fresh();
  }
  if (!source_column.empty()) made.columns.push_back({source_column, ScalarType::string_, fresh()});
  for (const Slot& slot : slots)
    made.columns.push_back({unused_name(made.columns, slot.shown), slot.type, fresh()});
  std::string sql;
  for (const Branch& branch : branches) {
    std::string list =
        source_column.empty() ? "" : quote_string(branch.label) + " AS " + made.columns[0].sql;
    const std::size_t first = source_column.empty() ? 0 : 1;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const RowColumn* column = branch.rows.find(slots[i].name);
      const bool here = column != nullptr && column->type == slots[i].type;
      list += (list.empty() ? "" : ", ") +
              (here ? column->sql : sql_literal({.type = slots[i].type, .is_null = true})) +
              " AS " + made.columns[first + i].sql;
    }
    for (std::size_t i = 0; i < kOrigins.size(); ++i) {
      const std::string& to = made.*kOrigins[i];
      const std::string& from = branch.rows.*kOrigins[i];
      if (!to.empty())
        list +=
            ", " + (from.empty() ? "NULL::" + std::string(kOriginTypes[i]) : from) + " AS " + to;
    }
    sql += (sql.empty() ? "SELECT " : " UNION ALL SELECT ") + list + " FROM " + branch.rows.from;
  }
  made.from = "(" + sql + ")";
  return made;
}

// `a`, `$left.a == $right.b`, and several of them joined by `and`.
Result<void> Translator::join_keys(const Rows& left, const Rows& right, const Expr& on,
                                   std::vector<std::pair<RowColumn, RowColumn>>& keys) {
  if (on.kind == ExprKind::and_) {
    for (const ExprPtr& part : on.args) KC_CHECK_OK(join_keys(left, right, *part, keys));
    return {};
  }
  std::string left_name = on.text, right_name = on.text;
  if (on.kind == ExprKind::binary && on.text == "==") {
    const auto side_of = [](const Expr& expr) -> std::string_view {
      return expr.kind == ExprKind::member && expr.args[0]->kind == ExprKind::name
                 ? std::string_view(expr.args[0]->text)
                 : std::string_view();
    };
    const Expr* a = on.args[0].get();
    const Expr* b = on.args[1].get();
    if (side_of(*a) == "$right" && side_of(*b) == "$left") std::swap(a, b);
    if (side_of(*a) != "$left" || side_of(*b) != "$right")
      return fail(
          semantic(on.offset, "SEM0100", "A join compares $left.column with $right.column"));
    left_name = a->text;
    right_name = b->text;
  } else if (on.kind != ExprKind::name) {
    return fail(semantic(on.offset, "SEM0100", "A join is on columns or on $left.a == $right.b"));
  }
  const RowColumn* a = left.find(left_name);
  const RowColumn* b = right.find(right_name);
  if (a == nullptr || b == nullptr)
    return fail(semantic(
        on.offset, "SEM0100",
        "Failed to resolve the join key '" + (a == nullptr ? left_name : right_name) + "'"));
  const auto integer = [](ScalarType type) {
    return type == ScalarType::int_ || type == ScalarType::long_;
  };
  if ((a->type != b->type && !(integer(a->type) && integer(b->type))) ||
      a->type == ScalarType::dynamic_) {
    return fail(
        semantic(on.offset, "SEM0064",
                 "The join keys '" + left_name + "' and '" + right_name + "' cannot be compared"));
  }
  keys.emplace_back(*a, *b);
  return {};
}

Result<Rows> Translator::join(Rows left, const JoinOp& op, std::size_t offset, const Scope& scope) {
  std::string kind_name = op.lookup ? "leftouter" : "innerunique";
  for (const Option& option : op.options) {
    if (option.name == "kind") {
      kind_name = option.value;
    } else if (!option.name.starts_with("hint.")) {
      return fail(semantic(option.offset, "SEM0100",
                           "The option '" + option.name + "' of a join is not supported"));
    }
  }
  const auto kind = std::find_if(kJoinKinds.begin(), kJoinKinds.end(),
                                 [&](const JoinKind& known) { return known.name == kind_name; });
  if (kind == kJoinKinds.end() || (op.lookup && kind_name != "leftouter" && kind_name != "inner"))
    return fail(semantic(offset, "SEM0100", "The join kind '" + kind_name + "' is not known"));
  KC_TRY(Rows right, source(*op.right, scope, nullptr));
  left.fold();
  right.fold();
  std::vector<std::pair<RowColumn, RowColumn>> keys;
  for (const ExprPtr& on : op.on) KC_CHECK_OK(join_keys(left, right, *on, keys));
  std::string condition, unique;
  for (const auto& [a, b] : keys) {
    condition += (condition.empty() ? "" : " AND ") + a.sql + " = " + b.sql;
    unique += (unique.empty() ? "" : ", ") + a.sql;
  }
  Rows made;
  std::string left_from = left.from;
  if (kind_name == "innerunique")
    left_from = "(SELECT DISTINCT ON (" + unique + ") * FROM " + left_from + ")";
  made.from = "(SELECT * FROM " + (kind->swapped ? right.from : left_from) + " " +
              std::string(kind->sql) + " " + (kind->swapped ? left_from : right.from) + " ON " +
              condition + ")";
  const auto show = [&](const Rows& side, bool padded, bool keyless) {
    for (const RowColumn& column : side.columns) {
      const bool key = std::any_of(keys.begin(), keys.end(),
                                   [&](const auto& pair) { return pair.second.sql == column.sql; });
      if (keyless && key) continue;
      RowColumn shown{unused_name(made.columns, column.name), column.type, column.sql};
      if (padded && column.type == ScalarType::string_) {
        shown.sql = fresh();
        made.extras.emplace_back("coalesce(" + column.sql + ", '')", shown.sql);
      }
      made.columns.push_back(std::move(shown));
    }
  };
  if (kind->left) show(left, kind->left_padded, false);
  if (kind->right) show(right, kind->right_padded, op.lookup);
  made.origin_ambiguous = true;
  return made;
}

}  // namespace kc::engine
