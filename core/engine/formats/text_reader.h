// Reads CSV (RFC 4180) and its relatives, JSON and plain text, plain or gzip, into a table's
// columns as Kusto's ingestion does: a value that is none of its column's type becomes null, a
// string never does. One file is one part. Used by ingestion. Thread promise: see row_source.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/formats/row_source.h"

namespace kc::engine {

inline constexpr std::size_t kStringBytesMax =
    1 << 20;  // longer strings are cut, longer dynamics become null, unless an encoding allows them
inline constexpr std::size_t kRecordBytesMax = 64 << 20;  // a longer record fails the ingestion

// A member by name, or an element of an array.
struct PathStep {
  std::string name;
  std::optional<std::size_t> index = std::nullopt;
};

// What a mapping makes of a field, in the protocol's words.
enum class Transform {
  none,
  source_location,
  source_line_number,
  unix_seconds,
  unix_milliseconds,
  unix_microseconds,
  unix_nanoseconds,
  bag_array,           // PropertyBagArrayToDictionary
  drop_mapped_fields,  // the record without what other columns take
  bytes_as_base64
};

// Where one column of the table comes from.
struct FieldMapping {
  std::optional<std::size_t> ordinal;  // CSV
  std::vector<PathStep> path;          // JSON: from the root; empty with `whole`: the record itself
  bool whole = false;
  std::optional<std::string> constant;  // instead of the file
  Transform transform = Transform::none;
};

struct TextFormat {
  enum class Kind { csv, json, multijson, txt, raw } kind = Kind::csv;
  char separator = ',';
  bool escapes = false;  // a backslash instead of quotes: TSVE
  bool ignore_first_record = false;
  bool any_width = false;  // missing fields are null, surplus ones are passed over
};

// Files or one text in memory. `columns` are the table's, `mappings` one for each.
struct TextInput {
  std::vector<std::string> files;
  std::vector<std::string> addresses = {};  // of the files, as the command gave them
  std::optional<std::string> text;
  TextFormat format;
  std::vector<Column> columns;
  std::vector<FieldMapping> mappings;
  std::vector<std::size_t> limits = {};  // bytes of a string or dynamic, by column; else the usual

  std::size_t limit(std::size_t column) const {
    return column < limits.size() ? limits[column] : kStringBytesMax;
  }
};

std::shared_ptr<RowSource> text_source(TextInput input);

// Kind invalid: `code: what`, with the code as the service's.
Failure bad_blob(const std::string& code, const std::string& what);

// One field of text into a vector, by Kusto's rules for its type.
void put_field(duckdb_vector vector, idx_t row, ScalarType type, std::string_view text,
               std::string& scratch, std::size_t limit = kStringBytesMax);

}  // namespace kc::engine
