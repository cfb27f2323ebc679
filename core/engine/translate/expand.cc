// mv-expand and mv-apply: rows out of the elements of arrays and bags.
#include <algorithm>

#include "core/engine/translate/translator.h"

namespace kc::engine {
namespace {

// The elements of a value as a list: an array's, a bag's members one bag (or one pair) each, and
// anything else as it is.
std::string elements_of(const std::string& value, bool pairs) {
  const std::string members =
      pairs
          ? "json_extract(kc_bag_pairs(" + value + "), '$[*]')"
          : "list_transform(json_keys(" + value +
                "), lambda k: CAST('{' || kc_json_string(k) || ':' || CAST(json_extract(" + value +
                ", '/' || replace(replace(k, '~', '~0'), '/', '~1')) AS VARCHAR) || "
                "'}' AS JSON))";
  return "CASE json_type(" + value + ") WHEN 'ARRAY' THEN json_extract(" + value +
         ", '$[*]') WHEN 'OBJECT' THEN " + members + " ELSE [CAST(" + value + " AS JSON)] END";
}

}  // namespace

// The values to expand as columns of `rows`, under the names that they get.
Result<Rows> Translator::name_expanded(Rows rows, const MvExpandOp& op, std::size_t offset,
                                       const Scope& scope, std::vector<std::string>& names) {
  std::vector<NamedExpr> named;
  for (const MvExpandColumn& column : op.columns) {
    named.push_back(column.column);
    if (named.back().name.empty()) named.back().name = inferred_name(*column.column.value);
    if (named.back().name.empty())
      return fail(semantic(offset, "SEM0100", "The expanded value needs a name"));
    names.push_back(named.back().name);
  }
  KC_TRY(rows, extend(std::move(rows), named, true, offset, scope));
  rows.fold();
  for (const std::string& name : names) {
    const RowColumn* column = rows.find(name);
    if (column->type != ScalarType::dynamic_)
      return fail(semantic(
          offset, "SEM0100",
          "Only dynamic values are expanded, not " + std::string(to_string(column->type))));
  }
  return rows;
}

// Several columns expand side by side and the shorter ones are padded with nulls, which is what
// several unnest() of one SELECT do. An empty array has no rows; a null is kept as one.
Result<Rows> Translator::mv_expand(Rows rows, const MvExpandOp& op, std::size_t offset,
                                   const Scope& scope) {
  std::vector<std::string> names;
  KC_TRY(rows, name_expanded(std::move(rows), op, offset, scope, names));
  if (rows.serialized) number_rows(rows);
  std::vector<std::string> lists;
  for (const std::string& name : names) {
    std::string list = elements_of(rows.find(name)->sql, op.bags_as_arrays);
    if (op.limit) {
      KC_TRY(const Sql given, scalar(*op.limit, Row{}, scope));
      KC_TRY(const Sql limit, implicit(ScalarType::long_, given, op.limit->offset));
      list = "list_slice(" + list + ", 1, " + limit.text + ")";
    }
    lists.push_back(fresh());
    rows.extras.emplace_back(std::move(list), lists.back());
  }
  rows.fold();
  return unnest(std::move(rows), op, names, lists);
}

// `lists` are columns with the elements of the columns called `names`.
Result<Rows> Translator::unnest(Rows rows, const MvExpandOp& op,
                                const std::vector<std::string>& names,
                                const std::vector<std::string>& lists) {
  std::vector<std::string> expanded;
  std::string longest;
  for (const std::string& list : lists) {
    expanded.push_back(fresh());
    rows.extras.emplace_back("unnest(" + list + ")", expanded.back());
    longest += (longest.empty() ? "" : ", ") + ("coalesce(len(" + list + "), 0)");
  }
  if (!op.item_index.empty()) {
    const std::string index = fresh();
    rows.extras.emplace_back("unnest(range(CAST(greatest(" + longest + ") AS BIGINT)))", index);
    rows.columns.push_back({unused_name(rows.columns, op.item_index), ScalarType::long_, index});
  }
  rows.fold();
  for (std::size_t i = 0; i < names.size(); ++i) {
    Sql element{.text = "nullif(CAST(" + expanded[i] + " AS VARCHAR), 'null')",
                .type = ScalarType::dynamic_};
    if (op.columns[i].type) element = to(*op.columns[i].type, element);
    const auto column =
        std::find_if(rows.columns.begin(), rows.columns.end(),
                     [&](const RowColumn& other) { return other.name == names[i]; });
    *column = {names[i], element.type, fresh()};
    rows.extras.emplace_back(std::move(element.text), column->sql);
  }
  return rows;
}

// The operators run over each row's own elements: a lateral join. What they give stands beside the
// row; a column that they only pass on is not repeated.
Result<Rows> Translator::mv_apply(Rows rows, const MvApplyOp& op, std::size_t offset,
                                  const Scope& scope) {
  std::vector<std::string> names;
  const std::vector<RowColumn> before = rows.columns;
  KC_TRY(rows, name_expanded(std::move(rows), op.expand, offset, scope, names));
  if (rows.serialized) number_rows(rows);
  Rows inner;
  std::string list;
  std::vector<std::string> lists;
  for (const RowColumn& column : rows.columns) {
    inner.columns.push_back({column.name, column.type, fresh()});
    list += (list.empty() ? "" : ", ") + column.sql + " AS " + inner.columns.back().sql;
  }
  for (const std::string& name : names) {
    std::string elements = elements_of(rows.find(name)->sql, op.expand.bags_as_arrays);
    if (op.expand.limit) {
      KC_TRY(const Sql given, scalar(*op.expand.limit, Row{}, scope));
      KC_TRY(const Sql limit, implicit(ScalarType::long_, given, op.expand.limit->offset));
      elements = "list_slice(" + elements + ", 1, " + limit.text + ")";
    }
    lists.push_back(fresh());
    list += ", " + elements + " AS " + lists.back();
  }
  inner.from = "(SELECT " + list + ")";
  KC_TRY(inner, unnest(std::move(inner), op.expand, names, lists));
  for (const Operator& step : op.inner->operators) {
    KC_TRY(inner, apply(std::move(inner), step, scope));
  }
  inner.fold();
  if (!inner.order.empty())
    inner.from = "(SELECT * FROM " + inner.from + inner.order_clause() + ")";
  rows.from = "(SELECT * FROM " + rows.from + ", LATERAL " +
              (inner.from.starts_with('(') ? inner.from : "(SELECT * FROM " + inner.from + ")") +
              ")";
  rows.columns = before;
  std::erase_if(rows.columns, [&](const RowColumn& column) {
    return std::find(names.begin(), names.end(), column.name) != names.end();
  });
  for (const RowColumn& column : inner.columns) {
    if (rows.find(column.name) == nullptr) rows.columns.push_back(column);
  }
  rows.forget_origin();
  return rows;
}

}  // namespace kc::engine
