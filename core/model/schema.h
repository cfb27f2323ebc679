// The shape of a table: its columns and Kusto's ten scalar types. Thread promise: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/names.h"

namespace kc {

// Kusto's scalar types by their canonical (Csl) names; the trailing underscore keeps C++ keywords
// apart.
enum class ScalarType {
  bool_,
  int_,
  long_,
  real_,
  decimal_,
  datetime_,
  timespan_,
  guid_,
  string_,
  dynamic_
};

std::string_view to_string(ScalarType type);  // "bool", "int", …
std::optional<ScalarType> parse_scalar_type(
    std::string_view word);  // accepts Kusto's aliases (int64, date, uuid, …)

struct Column {
  std::string name;
  ScalarType type = ScalarType::string_;
  friend bool operator==(const Column&, const Column&) = default;
};

struct TableSchema {
  std::vector<Column> columns;  // in table order, never empty
  std::string folder;
  std::string docstring;
  friend bool operator==(const TableSchema&, const TableSchema&) = default;
};

}  // namespace kc
