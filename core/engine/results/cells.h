// Reads the cells of a DuckDB chunk by Kusto type and writes them as text: JSON as the service
// answers it, and the fields of CSV and JSON files. One ChunkReader per chunk. Thread promise: one
// owner at a time.
#pragma once

#include <string>
#include <vector>

#include "core/engine/storage/duck.h"
#include "core/model/schema.h"

namespace kc::engine {

class ChunkReader {
 public:
  ChunkReader(const DuckChunk& chunk, const std::vector<Column>& columns);

  idx_t rows() const { return rows_; }
  // `[…],[…]` for the first `rows` rows, as members of an answer.
  void append_json_rows(std::string& out, idx_t rows) const;
  // One record, ended by a line feed; a JSON line is one object.
  void append_csv(std::string& out, idx_t row, char separator = ',') const;
  void append_json_line(std::string& out, idx_t row) const;

 private:
  struct Vector {
    ScalarType type;
    const void* values;
    const std::uint64_t* validity;
  };
  void append_json(std::string& out, const Vector& vector, idx_t row) const;

  std::vector<Vector> vectors_;
  std::vector<std::string> keys_;  // `"name":`, JSON lines only
  idx_t rows_;
};

// Fixed-width writers, shared by all text forms.
void append_datetime(std::string& out, std::int64_t ticks);
void append_timespan(std::string& out, std::int64_t ticks);
void append_guid(std::string& out, const duckdb_hugeint& value);
void append_real(std::string& out,
                 double value);  // shortest that reads back; NaN, Infinity, -Infinity

}  // namespace kc::engine
