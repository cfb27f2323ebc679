// The catalogue: databases, tables, policies, extents, operations and cursors, in SQLite. It is the
// truth about what is visible; extent files are only named here after they are durable. A change is
// one transaction: all of it or none. Thread promise: Catalogue is safe from any thread; a
// CatalogueView lives only inside the callback it is given to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/engine/storage/sqlite.h"
#include "core/model/schema.h"

namespace kc::engine {

struct DatabaseEntry {
  std::int64_t id = 0;
  std::string name;
  Uuid guid;
  std::int64_t created = 0;  // ticks
  std::int64_t cursor = 0;   // the newest value given to an extent
  std::int64_t version = 1;  // of the schema, for v1.<version>
};

struct CatalogueTable {
  std::int64_t id = 0;
  std::int64_t database = 0;
  std::string name;
  Uuid guid;
  TableSchema schema;
  bool hidden = false;
};

// One immutable Parquet file, as part of one table. Its physical columns are c0, c1, … and stand
// for `columns` of its shape in that order.
struct Extent {
  Uuid id;
  std::int64_t table = 0;
  std::string file;  // name inside the extents folder
  std::int64_t shape = 0;
  std::int64_t rows = 0;
  std::int64_t original_size = 0;
  std::int64_t file_size = 0;
  std::int64_t created_min = 0, created_max = 0;  // ticks
  std::optional<std::int64_t> ingested;           // ticks; none: the policy was off
  std::optional<std::int64_t> cursor;
  std::vector<std::string> tags;
};

struct OperationEntry {
  Uuid id;
  std::string kind;  // as Kusto names it: DataIngestPull, …
  std::string state;
  std::string status;
  std::int64_t started = 0, updated = 0;  // ticks
  std::string database;
  Uuid activity;
  std::string request_id;
  bool should_retry = false;
  std::optional<std::string> result;  // the sync result as text, see results/table.h
};

struct ExtentSums {
  std::int64_t extents = 0, rows = 0, original_size = 0, file_size = 0;
  std::optional<std::int64_t> created_min, created_max;
};

class CatalogueView {
 public:
  explicit CatalogueView(Sqlite& sqlite) : sqlite_(sqlite) {}

  // Databases, by name without regard to case.
  Result<std::vector<DatabaseEntry>> databases();
  Result<DatabaseEntry> database(std::string_view name);
  Result<void> add_database(const DatabaseEntry& entry);
  Result<void> schema_changed(std::int64_t database);

  // Tables, by exact name. Kind not_found, service code BadRequest_TableNotExist.
  Result<std::vector<CatalogueTable>> tables(std::int64_t database);
  Result<CatalogueTable> table(const DatabaseEntry& database, std::string_view name);
  Result<std::int64_t> add_table(const CatalogueTable& table);
  Result<void> set_table(const CatalogueTable& table);  // name, schema, hidden
  Result<std::vector<std::string>> drop_table(
      std::int64_t table);  // returns the files that nobody names any more

  Result<std::map<std::string, std::string>> policies(std::int64_t table);
  Result<void> set_policy(std::int64_t table, std::string_view policy, const std::string& value);
  Result<void> delete_policy(std::int64_t table, std::string_view policy);

  Result<std::vector<Extent>> extents(std::int64_t table);
  Result<std::optional<Extent>> extent(const Uuid& id);
  Result<ExtentSums> sums(std::int64_t table);
  Result<std::int64_t> shape_of(const std::vector<Column>& columns);  // found or added
  Result<std::vector<Column>> shape(std::int64_t id);
  Result<void> add_extent(const Extent& extent);
  // Replaces the row of `old` by `extent`, which may have another id, table, tags or stamps. The
  // file stays.
  Result<void> replace_extent(const Uuid& old, const Extent& extent);
  Result<void> drop_extent(const Uuid& id);
  Result<std::vector<std::string>> files();

  // The next value of the database's cursor: above all before it, and not below `now`.
  Result<std::int64_t> advance_cursor(std::int64_t database, std::int64_t now);
  Result<std::int64_t> counter(std::string_view name);
  Result<void> set_counter(std::string_view name, std::int64_t value);

  Result<void> add_operation(const OperationEntry& entry);
  Result<void> set_operation(
      const OperationEntry& entry);  // state, status, updated, should_retry, result
  Result<std::optional<OperationEntry>> operation(const Uuid& id);
  Result<std::vector<OperationEntry>> operations(std::int64_t since);  // by start
  // What was running when the process ended: it will never end by itself.
  Result<void> abandon_running_operations(const std::string& status, std::int64_t now);

 private:
  Sqlite& sqlite_;
};

class Catalogue {
 public:
  // Applies the migrations; refuses a newer version (kind corrupt, code engine.version).
  static Result<std::unique_ptr<Catalogue>> open(const std::string& path);

  template <class Work>
  auto read(Work&& work) {
    std::lock_guard lock(mutex_);
    CatalogueView view(*sqlite_);
    return work(view);
  }
  Result<void> change(const std::function<Result<void>(CatalogueView&)>& work);
  // Grows with each change: two reads that see the same number saw the same catalogue.
  std::int64_t version() {
    std::lock_guard lock(mutex_);
    return version_;
  }
  std::int64_t version_locked() const { return version_; }  // inside `read`

 private:
  explicit Catalogue(std::unique_ptr<Sqlite> sqlite) : sqlite_(std::move(sqlite)) {}

  std::mutex mutex_;
  std::unique_ptr<Sqlite> sqlite_;
  std::int64_t version_ = 0;
};

std::string columns_text(const std::vector<Column>& columns);  // JSON, as the catalogue keeps it
std::string tags_text(const std::vector<std::string>& tags);   // JSON

}  // namespace kc::engine
