// DuckDB behind values: one in-memory database, a pool of connections, results as chunks. It
// executes what the translator and the commands write; it keeps nothing, since extents are files
// and the catalogue is SQLite's. Thread promise: Duck is safe from any thread; a Lease and a
// DuckResult belong to one thread at a time.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace kc::engine {

struct DuckOptions {
  int threads = 2;
  std::int64_t memory_limit_bytes = 1LL << 30;
  std::string temp_folder;
};

// A chunk of at most duckdb_vector_size() rows.
class DuckChunk {
 public:
  explicit DuckChunk(duckdb_data_chunk chunk) : chunk_(chunk) {}
  DuckChunk(DuckChunk&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
  DuckChunk& operator=(DuckChunk&& other) noexcept {
    std::swap(chunk_, other.chunk_);
    return *this;
  }
  ~DuckChunk() {
    if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
  }
  explicit operator bool() const { return chunk_ != nullptr; }
  duckdb_data_chunk get() const { return chunk_; }
  idx_t rows() const { return duckdb_data_chunk_get_size(chunk_); }

 private:
  duckdb_data_chunk chunk_;
};

class DuckResult {
 public:
  explicit DuckResult(duckdb_result result) : result_(result) {}
  DuckResult(DuckResult&& other) noexcept
      : result_(std::exchange(other.result_, {})), live_(std::exchange(other.live_, false)) {}
  DuckResult& operator=(DuckResult&&) = delete;
  ~DuckResult() {
    if (live_) duckdb_destroy_result(&result_);
  }

  idx_t columns() { return duckdb_column_count(&result_); }
  std::string name(idx_t column) { return duckdb_column_name(&result_, column); }
  duckdb_type type(idx_t column) { return duckdb_column_type(&result_, column); }
  // Empty at the end; an error of a streamed result appears here.
  Result<DuckChunk> next();

 private:
  duckdb_result result_;
  bool live_ = true;
};

class Duck;

// One connection for as long as it lives; then it goes back to the pool.
class Lease {
 public:
  Lease(Duck& owner, duckdb_connection connection) : owner_(&owner), connection_(connection) {}
  Lease(Lease&& other) noexcept
      : owner_(other.owner_), connection_(std::exchange(other.connection_, nullptr)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease();

  // Kind throttled for exhausted memory, unavailable for an i/o fault, invalid otherwise; message
  // is DuckDB's.
  Result<DuckResult> run(const std::string& sql);
  // The rows are computed as they are fetched.
  Result<DuckResult> stream(const std::string& sql);
  Result<void> execute(const std::string& sql);
  // The first value of the first row as a 64-bit integer.
  Result<std::int64_t> number(const std::string& sql);
  duckdb_connection get() const { return connection_; }

 private:
  Duck* owner_;
  duckdb_connection connection_;
};

class Duck {
 public:
  static Result<std::unique_ptr<Duck>> open(const DuckOptions& options);
  ~Duck();
  Duck(const Duck&) = delete;
  Duck& operator=(const Duck&) = delete;

  Result<Lease> connect();
  // Ends what runs now on any connection.
  void interrupt();

 private:
  friend class Lease;
  Duck() = default;
  void give_back(duckdb_connection connection);

  duckdb_database database_ = nullptr;
  std::mutex mutex_;
  std::vector<duckdb_connection> idle_;
  std::vector<duckdb_connection> all_;
};

// 'text' as a SQL literal, "name" as a SQL identifier.
std::string sql_string(std::string_view text);
std::string sql_name(std::string_view name);

// The bytes of a VARCHAR or BLOB cell.
inline std::string_view string_cell(const duckdb_string_t* values, idx_t row) {
  const auto& cell = values[row];
  const std::uint32_t length = cell.value.inlined.length;
  return {length <= 12 ? cell.value.inlined.inlined : cell.value.pointer.ptr, length};
}
inline bool valid_cell(const std::uint64_t* validity, idx_t row) {
  return validity == nullptr || ((validity[row / 64] >> (row % 64)) & 1U) != 0;
}

}  // namespace kc::engine
