// Rows that this program makes, as a table for SQL: `kc_rows(<handle>)`, with columns c0, c1, … of
// the physical types of translate.h. Each part (a file) is read by one thread at a time, several
// parts at once. Used by ingestion and where operators run over a command's answer. Thread promise:
// SourceRegistry is safe from any thread; a PartReader has one owner at a time.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/engine/results/table.h"
#include "core/model/schema.h"

namespace kc::engine {

class PartReader {
 public:
  virtual ~PartReader() = default;
  // Fills at most `capacity` rows from row 0 on and returns how many; 0 at the end.
  virtual Result<idx_t> fill(duckdb_data_chunk chunk, idx_t capacity) = 0;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual const std::vector<Column>& columns() const = 0;
  virtual std::size_t parts() const = 0;
  virtual Result<std::unique_ptr<PartReader>> open(std::size_t part) = 0;
};

class SourceRegistry {
 public:
  // Registered for as long as it lives.
  class Handle {
   public:
    Handle(SourceRegistry* owner, std::int64_t number) : owner_(owner), number_(number) {}
    Handle(Handle&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), number_(other.number_) {}
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
      if (owner_ != nullptr) owner_->remove(number_);
    }
    std::string sql() const { return "kc_rows(" + std::to_string(number_) + ")"; }

   private:
    SourceRegistry* owner_;
    std::int64_t number_;
  };

  Handle add(std::shared_ptr<RowSource> source);
  std::shared_ptr<RowSource> find(std::int64_t number);
  // Makes `kc_rows` known on the connection's database; the registry must outlive it.
  Result<void> register_on(duckdb_connection connection);

 private:
  void remove(std::int64_t number);

  std::mutex mutex_;
  std::int64_t next_ = 1;
  std::map<std::int64_t, std::shared_ptr<RowSource>> sources_;
};

// Rows in memory.
std::shared_ptr<RowSource> source_of(RowTable table);

// Writes one value into a vector of the type's physical form.
void put_null(duckdb_vector vector, idx_t row);
void put_text(duckdb_vector vector, idx_t row, std::string_view text);
void put_guid(duckdb_vector vector, idx_t row, const Uuid& value);
template <class T>
void put(duckdb_vector vector, idx_t row, T value) {
  static_cast<T*>(duckdb_vector_get_data(vector))[row] = value;
}

}  // namespace kc::engine
