// What the translator carries while it walks a query: a scalar as SQL with its type, and a set of
// rows as a SELECT in the making. Columns have names of the translator's own inside the SQL (c1,
// c2, …), so no user's name can clash there, not even with one that differs only by case. Thread
// promise: values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/syntax/ast.h"
#include "core/model/schema.h"

namespace kc::engine {

struct Sql {
  std::string text;
  ScalarType type = ScalarType::string_;
  bool nullable = true;                 // strings never are
  std::optional<Literal> literal = {};  // set while the value is known at translation
  bool untyped_null = false;            // takes any type
};

struct RowColumn {
  std::string name;
  ScalarType type = ScalarType::string_;
  std::string sql;
};

struct RowOrder {
  std::string sql;
  bool descending = false;
  bool nulls_first = false;
};

// `SELECT *, extras FROM from WHERE where ORDER BY order`; `columns` are the visible ones among all
// that it has.
struct Rows {
  std::string from;
  std::vector<std::string> where;
  std::vector<std::pair<std::string, std::string>> extras;  // expression, name
  std::vector<RowColumn> columns;
  std::vector<RowOrder> order;
  bool serialized = false;
  // Names of the columns that describe where a row came from; empty: rows have none.
  std::string ingestion_time, cursor, extent_id, extent_tags;
  bool origin_ambiguous = false;  // two origins met in a join

  const RowColumn* find(std::string_view name) const;
  std::string from_where() const;    // ` FROM … WHERE …`; extras must be folded first
  std::string select() const;        // everything but the order
  void fold();                       // select() becomes the new `from`
  std::string order_clause() const;  // ` ORDER BY …` or nothing
  void forget_origin();
};

std::string sql_literal(const Literal& literal);
Sql literal_value(Literal literal);
Sql null_of(ScalarType type);
Sql long_value(std::int64_t value);
Sql string_value(std::string_view value);

}  // namespace kc::engine
