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
#include "core/engine/storage/catalogue_entries.h"
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
  // The rows were merged from several ingestions and carry their own stamps, as the columns `ti`
  // and `tc` of the file; `ingested` and `cursor` are then the newest of them and these the oldest.
  bool own_stamps = false;
  std::optional<std::int64_t> ingested_min, cursor_min;
  // Visible already, and without a cursor until the clock gets there.
  std::optional<std::int64_t> cursor_due;

  // All rows get these, whatever they had.
  void restamp(std::optional<std::int64_t> new_ingested, std::optional<std::int64_t> new_cursor) {
    ingested = new_ingested;
    cursor = new_cursor;
    own_stamps = false;
    ingested_min = cursor_min = cursor_due = std::nullopt;
  }
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
  Result<std::optional<CatalogueTable>> table(std::int64_t id);
  Result<std::int64_t> add_table(const CatalogueTable& table);
  Result<void> set_table(const CatalogueTable& table);  // name, schema, hidden
  Result<std::vector<std::string>> drop_table(
      std::int64_t table);  // returns the files that nobody names any more

  Result<std::map<std::string, std::string>> policies(std::int64_t table);
  Result<void> set_policy(std::int64_t table, std::string_view policy, const std::string& value);
  Result<void> delete_policy(std::int64_t table, std::string_view policy);
  // Whether anything has a policy that takes effect by time: retention, auto_delete, …
  Result<bool> timed_policies();
  // Of a cluster, a database or a table; a table's as above.
  Result<std::map<std::string, std::string>> scope_policies(Scope scope, std::int64_t owner);
  Result<void> set_scope_policy(Scope scope, std::int64_t owner, std::string_view policy,
                                const std::string& value);
  Result<void> delete_scope_policy(Scope scope, std::int64_t owner, std::string_view policy);
  // The table's own, else its database's, else the cluster's; none where all are unset.
  Result<std::optional<std::string>> effective_policy(const CatalogueTable& table,
                                                      std::string_view policy);

  // Functions by exact name.
  Result<std::vector<FunctionEntry>> functions(std::int64_t database);
  Result<std::optional<FunctionEntry>> function(std::int64_t database, std::string_view name);
  Result<void> set_function(const FunctionEntry& entry);  // adds or replaces
  Result<void> drop_function(std::int64_t database, std::string_view name);

  // Of the database itself where `table` is none.
  Result<std::vector<MappingEntry>> mappings(std::int64_t database,
                                             std::optional<std::int64_t> table);
  Result<void> set_mapping(const MappingEntry& entry);   // adds or replaces
  Result<void> drop_mapping(const MappingEntry& entry);  // by owner, kind and name

  Result<std::map<std::string, ColumnDetails>> column_details(std::int64_t table);
  Result<void> set_column_details(std::int64_t table, const std::string& column,
                                  const ColumnDetails& details);

  Result<std::vector<PrincipalEntry>> principals();  // of every scope
  Result<void> add_principal(const PrincipalEntry& entry);
  Result<void> drop_principal(const PrincipalEntry& entry);

  Result<void> add_journal(const JournalEntry& entry);
  Result<std::vector<JournalEntry>> journal();  // oldest first
  Result<void> add_ingestion_failure(const IngestionFailure& entry);
  Result<std::vector<IngestionFailure>> ingestion_failures(std::int64_t since);  // ticks

  Result<std::vector<Extent>> extents(std::int64_t table);
  Result<std::optional<Extent>> extent(const Uuid& id);
  Result<ExtentSums> sums(std::int64_t table);
  Result<std::int64_t> shape_of(const std::vector<Column>& columns);  // found or added
  Result<std::vector<Column>> shape(std::int64_t id);
  // Gives the extents of the table other names for what their files hold.
  Result<void> reshape(std::int64_t table, const std::function<void(std::vector<Column>&)>& change);
  Result<void> add_extent(const Extent& extent);
  // Replaces the row of `old` by `extent`, which may have another id, table, tags or stamps. The
  // file stays.
  Result<void> replace_extent(const Uuid& old, const Extent& extent);
  Result<void> drop_extent(const Uuid& id);
  Result<std::vector<std::string>> files();
  // Extents whose cursor is due, in the order of their visibility.
  Result<std::vector<Extent>> unstamped(std::int64_t due);

  // The next value of the database's cursor: above all before it, and not below `now`.
  Result<std::int64_t> advance_cursor(std::int64_t database, std::int64_t now);
  Result<std::int64_t> counter(std::string_view name);
  Result<void> set_counter(std::string_view name, std::int64_t value);

  Result<void> add_operation(const OperationEntry& entry);
  Result<void> set_operation(
      const OperationEntry& entry);  // state, status, updated, should_retry, result
  Result<std::optional<OperationEntry>> operation(const Uuid& id);
  Result<std::vector<OperationEntry>> operations(std::int64_t since);  // by start
  Result<void> forget_operations(std::int64_t started_before);         // that are over
  // What was running when the process ended: it will never end by itself.
  Result<void> abandon_running_operations(const std::string& status, std::int64_t now);

 private:
  Result<void> exec(std::string_view sql, const std::vector<SqlArg>& args);
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
