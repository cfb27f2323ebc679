#include "core/engine/translate/rows.h"

#include <cmath>

#include "core/base/check.h"
#include "core/engine/syntax/literal.h"
#include "core/engine/translate/translate.h"

namespace kc::engine {

const RowColumn* Rows::find(std::string_view name) const {
  for (const RowColumn& column : columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

std::string Rows::from_where() const {
  KC_ASSERT(extras.empty());
  std::string sql = " FROM " + from;
  for (std::size_t i = 0; i < where.size(); ++i) sql += (i == 0 ? " WHERE " : " AND ") + where[i];
  return sql;
}

std::string Rows::select() const {
  std::string sql = "SELECT *";
  for (const auto& [expression, name] : extras) sql += ", " + expression + " AS " + name;
  sql += " FROM " + from;
  for (std::size_t i = 0; i < where.size(); ++i) sql += (i == 0 ? " WHERE " : " AND ") + where[i];
  return sql;
}

void Rows::fold() {
  if (extras.empty() && where.empty()) return;
  from = "(" + select() + ")";
  extras.clear();
  where.clear();
}

std::string Rows::order_clause() const {
  std::string sql;
  for (const RowOrder& key : order) {
    sql += sql.empty() ? " ORDER BY " : ", ";
    sql += key.sql + (key.descending ? " DESC" : " ASC") +
           (key.nulls_first ? " NULLS FIRST" : " NULLS LAST");
  }
  return sql;
}

void Rows::forget_origin() { ingestion_time = cursor = extent_id = extent_tags = {}; }

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

// A NUL would end the statement where the C API reads it, so it is written as a call.
std::string quote_string(std::string_view value) {
  std::string quoted = "'";
  bool joined = false;
  for (const char c : value) {
    if (c == '\0') {
      quoted += "' || chr(0) || '";
      joined = true;
      continue;
    }
    if (c == '\'') quoted.push_back('\'');
    quoted.push_back(c);
  }
  quoted.push_back('\'');
  return joined ? "(" + quoted + ")" : quoted;
}

std::string_view sql_type(ScalarType type) {
  switch (type) {
    case ScalarType::bool_:
      return "BOOLEAN";
    case ScalarType::int_:
      return "INTEGER";
    case ScalarType::long_:
    case ScalarType::datetime_:
    case ScalarType::timespan_:
      return "BIGINT";
    case ScalarType::real_:
      return "DOUBLE";
    case ScalarType::guid_:
      return "UUID";
    case ScalarType::decimal_:
    case ScalarType::string_:
    case ScalarType::dynamic_:
      return "VARCHAR";
  }
  KC_UNREACHABLE();
}

std::string sql_literal(const Literal& literal) {
  const std::string type(sql_type(literal.type));
  if (literal.is_null) return literal.type == ScalarType::string_ ? "''" : "NULL::" + type;
  switch (literal.type) {
    case ScalarType::bool_:
      return literal.integer != 0 ? "TRUE" : "FALSE";
    case ScalarType::int_:
    case ScalarType::long_:
    case ScalarType::datetime_:
    case ScalarType::timespan_:
      if (literal.integer < 0) return "(" + std::to_string(literal.integer) + ")::" + type;
      return std::to_string(literal.integer) + "::" + type;
    case ScalarType::real_:
      if (std::isnan(literal.number)) return "'nan'::DOUBLE";
      if (std::isinf(literal.number))
        return literal.number > 0 ? "'inf'::DOUBLE" : "'-inf'::DOUBLE";
      return "'" + real_text(literal.number) + "'::DOUBLE";
    case ScalarType::guid_:
      return quote_string(literal.text) + "::UUID";
    case ScalarType::decimal_:
    case ScalarType::string_:
    case ScalarType::dynamic_:
      return quote_string(literal.text);
  }
  KC_UNREACHABLE();
}

Sql literal_value(Literal literal) {
  Sql sql{.text = sql_literal(literal),
          .type = literal.type,
          .nullable = literal.is_null && literal.type != ScalarType::string_};
  sql.untyped_null = literal.is_null && literal.type == ScalarType::dynamic_;
  sql.literal = std::move(literal);
  return sql;
}

Sql null_of(ScalarType type) { return literal_value({.type = type, .is_null = true}); }
Sql long_value(std::int64_t value) {
  return literal_value({.type = ScalarType::long_, .integer = value});
}
Sql string_value(std::string_view value) { return literal_value({.text = std::string(value)}); }

}  // namespace kc::engine
