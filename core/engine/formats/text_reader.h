// Reads CSV (RFC 4180) and JSON lines, plain or gzip, into a table's columns as Kusto's ingestion
// does: a value that is none of its column's type becomes null, a string never does. One file is
// one part. Used by ingestion. Thread promise: see row_source.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/formats/row_source.h"

namespace kc::engine {

inline constexpr std::size_t kStringBytesMax =
    1 << 20;  // longer strings are cut, longer dynamics become null
inline constexpr std::size_t kRecordBytesMax = 64 << 20;  // a longer record fails the ingestion

// Where one column of the table comes from.
struct FieldMapping {
  std::optional<std::size_t> ordinal;  // CSV
  std::vector<std::string>
      path;  // JSON: member names from the root; empty with `whole`: the record itself
  bool whole = false;
  std::optional<std::string> constant;  // instead of the file
};

struct TextFormat {
  enum class Kind { csv, json } kind = Kind::csv;
  char separator = ',';
  bool ignore_first_record = false;
};

// Files or one text in memory. `columns` are the table's, `mappings` one for each.
struct TextInput {
  std::vector<std::string> files;
  std::optional<std::string> text;
  TextFormat format;
  std::vector<Column> columns;
  std::vector<FieldMapping> mappings;
};

std::shared_ptr<RowSource> text_source(TextInput input);

// One field of text into a vector, by Kusto's rules for its type.
void put_field(duckdb_vector vector, idx_t row, ScalarType type, std::string_view text,
               std::string& scratch);

}  // namespace kc::engine
