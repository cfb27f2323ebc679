// Answers: named tables with Kusto's types whose rows are already JSON text as the service writes
// it, and RowTable, the same as values, for what commands make and read. Used by commands, by the
// engine and by its HTTP face. Thread promise: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/model/schema.h"

namespace kc::engine {

// Null, or by column type: bool; int, long, datetime and timespan (ticks) as a number; real; the
// rest as text (guid lower case, decimal canonical, dynamic JSON).
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

struct RowTable {
  std::vector<Column> columns;
  std::vector<std::vector<Value>> rows;
};

struct ResultTable {
  std::string name;
  std::vector<Column> columns;
  std::string rows;  // `[…],[…]`: the members of the JSON array of rows
  std::int64_t row_count = 0;
  std::vector<std::size_t> breaks = {};  // places in `rows` where an answer in pieces may be cut
};

struct RequestOptions;

struct DataSet {
  std::vector<ResultTable> tables;
  std::string cursor;            // of the database, where a cursor function was used
  std::optional<Error> partial;  // the rows above are not all: the answer says so inside HTTP 200
  // As the query's own settings left them; null for a command's answer.
  std::shared_ptr<const RequestOptions> options;
  bool lose_answer = false;  // an injected fault: the face gives no usable answer
};

inline Value text_value(std::string_view text) { return std::string(text); }
inline Value guid_value(const Uuid& id) { return id.text(); }

void append_json_value(std::string& out, const Value& value, ScalarType type);
// The .NET type that v1 answers and `getschema` name beside Kusto's: `Int64`, `System.Int64`.
std::string_view dotnet_name(ScalarType type);
std::string dotnet_type(ScalarType type);
ResultTable encode(const RowTable& table, std::string name = "Table_0");
Result<RowTable> decode(const ResultTable& table);

// One text with columns and rows, as operations keep it; and back.
std::string to_text(const ResultTable& table);
Result<ResultTable> table_from_text(std::string_view text);

}  // namespace kc::engine
