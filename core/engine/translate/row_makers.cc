// Operators that make rows of their own: print, range, datatable and getschema.
#include <algorithm>

#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translator.h"

namespace kc::engine {

Result<Rows> Translator::getschema(const Rows& rows) {
  static constexpr std::array<std::string_view, 10> kClr{"System.SByte",
                                                         "System.Int32",
                                                         "System.Int64",
                                                         "System.Double",
                                                         "System.Data.SqlTypes.SqlDecimal",
                                                         "System.DateTime",
                                                         "System.TimeSpan",
                                                         "System.Guid",
                                                         "System.String",
                                                         "System.Object"};
  DatatableOp table;
  table.columns = {{"ColumnName", ScalarType::string_},
                   {"ColumnOrdinal", ScalarType::int_},
                   {"DataType", ScalarType::string_},
                   {"ColumnType", ScalarType::string_}};
  std::int64_t ordinal = 0;
  for (const RowColumn& column : rows.columns) {
    table.values.push_back({.text = column.name});
    table.values.push_back({.type = ScalarType::int_, .integer = ordinal++});
    table.values.push_back({.text = std::string(kClr[static_cast<std::size_t>(column.type)])});
    table.values.push_back({.text = std::string(to_string(column.type))});
  }
  return datatable(table, 0);
}

Result<Rows> Translator::print(const PrintOp& op, const Scope& scope) {
  Rows rows;
  std::string list;
  for (std::size_t i = 0; i < op.columns.size(); ++i) {
    const NamedExpr& column = op.columns[i];
    KC_TRY(const Sql value, scalar(*column.value, Row{}, scope));
    std::string name = column.name.empty() ? "print_" + std::to_string(i) : column.name;
    if (rows.find(name) != nullptr)
      return fail(
          semantic(column.value->offset, "SEM0021", "The column '" + name + "' is named twice"));
    rows.columns.push_back({std::move(name), value.type, fresh()});
    list += (list.empty() ? "" : ", ") + value.text + " AS " + rows.columns.back().sql;
  }
  rows.from = "(SELECT " + list + ")";
  return rows;
}

Result<Rows> Translator::range(const RangeOp& op, std::size_t offset, const Scope& scope) {
  KC_TRY(Sql from, scalar(*op.from, Row{}, scope));
  KC_TRY(Sql up_to, scalar(*op.to, Row{}, scope));
  KC_TRY(Sql step, scalar(*op.step, Row{}, scope));
  Rows rows;
  ScalarType type = from.type;
  if (type == ScalarType::int_) type = ScalarType::long_;
  if (type != ScalarType::long_ && type != ScalarType::real_ && type != ScalarType::datetime_ &&
      type != ScalarType::timespan_)
    return fail(semantic(offset, "SEM0043", "'range' takes numbers or times"));
  if (type == ScalarType::long_ &&
      (up_to.type == ScalarType::real_ || step.type == ScalarType::real_))
    type = ScalarType::real_;
  KC_TRY(from, implicit(type, from, offset));
  KC_TRY(up_to, implicit(type, up_to, offset));
  KC_TRY(step,
         implicit(type == ScalarType::datetime_ ? ScalarType::timespan_ : type, step, offset));
  rows.columns.push_back({op.name, type, fresh()});
  const std::string& name = rows.columns[0].sql;
  if (type == ScalarType::real_) {
    const std::string count = "CAST(floor((" + up_to.text + " - " + from.text + ") / " + step.text +
                              " + 1e-9) AS BIGINT)";
    rows.from = "(SELECT " + from.text + " + i * " + step.text + " AS " + name + " FROM range(0, " +
                count + " + 1) AS r(i))";
  } else {
    rows.from = "(SELECT i AS " + name + " FROM generate_series(" + from.text + ", " + up_to.text +
                ", " + step.text + ") AS r(i))";
  }
  rows.serialized = true;
  rows.order = {
      {name,
       step.literal && (type == ScalarType::real_ ? step.literal->number
                                                  : static_cast<double>(step.literal->integer)) < 0,
       false}};
  return rows;
}

Result<Rows> Translator::datatable(const DatatableOp& op, std::size_t offset) {
  Rows rows;
  const std::string number = fresh();
  std::string names;
  for (const Column& column : op.columns) {
    if (rows.find(column.name) != nullptr)
      return fail(semantic(offset, "SEM0021", "The column '" + column.name + "' is named twice"));
    rows.columns.push_back({column.name, column.type, fresh()});
    names += ", " + rows.columns.back().sql;
  }
  std::string values;
  for (std::size_t i = 0; i < op.values.size(); ++i) {
    const Column& column = op.columns[i % op.columns.size()];
    Literal value = op.values[i];
    if (value.type == ScalarType::datetime_ && value.text == "now")
      value.integer = binder_.now_ticks();
    if (value.is_null) {
      value.type = column.type;
    } else if (value.type == ScalarType::string_ && column.type != ScalarType::string_) {
      auto typed = parse_typed_literal(column.type, value.text);
      if (column.type == ScalarType::dynamic_) {
        value = {.type = column.type, .text = json_string(value.text)};
      } else if (typed) {
        value = std::move(*typed);
      } else {
        value = {.type = column.type, .is_null = true};
      }
    }
    std::string sql = sql_literal(value);
    if (value.type != column.type) {
      KC_TRY(const Sql converted, implicit(column.type, literal_value(std::move(value)), offset));
      sql = converted.text;
    }
    if (i % op.columns.size() == 0)
      values += (i == 0 ? "(" : "), (") + std::to_string(i / op.columns.size());
    values += ", " + sql;
  }
  if (op.values.empty()) {
    values = "(0";
    for (const Column& column : op.columns)
      values += ", " + sql_literal({.type = column.type, .is_null = true});
  }
  rows.from = "(SELECT * FROM (VALUES " + values + ")) AS " + fresh() + "(" + number + names + ")" +
              (op.values.empty() ? " WHERE FALSE)" : ")");
  return rows;
}

}  // namespace kc::engine
