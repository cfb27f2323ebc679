// Names of Kusto entities as types, so that a source table and a destination table cannot be
// swapped without a word. They quote themselves in core/kusto/text.h. Thread promise: values.
#pragma once

#include <compare>
#include <string>

namespace kc {

struct TableName {
  std::string value;
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

struct DatabaseName {
  std::string value;
  friend auto operator<=>(const DatabaseName&, const DatabaseName&) = default;
};

// An opaque database cursor; empty means "before everything". Never calculated with.
struct Cursor {
  std::string value;
  bool empty() const { return value.empty(); }
  friend auto operator<=>(const Cursor&, const Cursor&) = default;
};

}  // namespace kc
