// SimCluster: the simulated twin of a Kusto cluster behind the Kusto door, in memory and
// deterministic. The simulation and the door suite drive it: a command can be lost, applied and its
// answer lost, or applied late, and an asynchronous operation takes effect, or does not, only when
// the shell says so by `finish`. Thread promise: one thread; nothing here blocks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kusto/kusto.h"
#include "tests/sim/sim_blobs.h"

namespace kc::sim {

// How an asynchronous operation ends. What its caller reads and what happened to the data are two
// things.
enum class Ending {
  completed,              // applied; a move or ingest that cannot be applied reads Failed instead
  failed_without_effect,  // reads Failed
  failed_but_applied,     // reads Failed, and the rows are there all the same
  failed_partly_applied,  // reads Failed; an export leaves some blobs, an ingest some rows; a move
                          // is atomic: none
  failed_and_applied_soon,      // reads Failed; the effect stays in `running()` until a second
                                // `finish(completed)`
  throttled,                    // reads Throttled, no effect
  abandoned_without_effect,     // reads Abandoned
  abandoned_and_applied_later,  // reads Abandoned; the effect stays in `running()` until a second
                                // `finish(completed)`
  // Of a queued ingestion; any other operation completes.
  delivered_twice,         // all Succeeded, and the first blob came twice
  delivered_again_later,   // all Succeeded; the first blob comes again at a second
                           // `finish(completed)`
  first_twice_last_later,  // no word yet: the first blob came twice, and the last comes at a second
                           // `finish(completed)`
};

enum class OperationKind { export_, ingest, queued, move };

struct OperationRef {
  Uuid id;
  OperationKind kind = OperationKind::export_;
  bool ended = false;  // its caller reads it as ended: only the late effect is still to come
};

// One line of the log of table names, for the check that a dropped name is never used again.
struct TableEvent {
  bool created = false;  // false: dropped
  std::string db, table;
};

// Everything that a shell may set once, before the run.
struct SimClusterOptions {
  std::uint64_t id_seed = 1;  // extents, tables and operations get ids from it
  Ticks start{638'000'000'000'000'000};
  std::int64_t export_capacity = 8, ingest_capacity = 8, query_capacity = 80;
  int blobs_per_export_max = 3;
  bool queues = false;  // has data management
  std::string name = "sim";
};

class SimCluster final : public kusto::Kusto {
 public:
  SimCluster(SimBlobs& blobs, SimClusterOptions options = {});

  // ---- The door. `run` is `apply(begin(command))`.
  Result<kusto::Answer> run(const kusto::Command& command,
                            const kusto::CallOptions& options) override;
  void close() override { closed_ = true; }
  std::string describe() const override { return options_.name; }

  // ---- A command on its way: never applied (request lost), applied and not told (answer lost), or
  // applied late.
  struct Pending {
    kusto::Command command;
  };
  Pending begin(const kusto::Command& command) const { return {command}; }
  Result<kusto::Answer> apply(const Pending& pending);
  // How many requests the command is on the wire; more than one only for SetStagingPolicies and a
  // queued ingestion.
  static int steps(const kusto::Command& command);
  // Applies only the first `count` requests; the answer is the error of a connection that broke
  // then.
  Result<kusto::Answer> apply_partly(const Pending& pending, int count);

  // ---- Asynchronous operations.
  std::vector<OperationRef> running()
      const;  // by start; includes those whose late effect is still to come
  void finish(const Uuid& id, Ending ending);
  bool knows(const Uuid& operation) const;
  void finish_all(Ending ending = Ending::completed);
  void forget_operation(
      const Uuid& id);  // later reads do not list it; a pending effect is dropped with it

  // ---- Time. May step either way; cursors never go back.
  Ticks now() const { return now_; }
  void set_now(Ticks now) { now_ = now; }
  void advance(Timespan by) { now_ = now_ + by; }

  // ---- What happens on a cluster without the copy asking for it.
  void create_database(const std::string& db);
  void create_table(const std::string& db, const std::string& table, TableSchema schema);
  void set_schema(const std::string& db, const std::string& table,
                  TableSchema schema);  // columns added, reordered, …
  void drop_table(const std::string& db, const std::string& table);
  void swap_tables(const std::string& db, const std::string& a,
                   const std::string& b);  // `.rename tables a=b, b=a`
  // One new extent with a new cursor value and the present ingestion time; at most
  // `rows_per_extent` rows in each.
  void ingest(const std::string& db, const std::string& table, const std::vector<Row>& rows,
              std::size_t rows_per_extent = SIZE_MAX);
  void ingest_new_rows(const std::string& db, const std::string& table,
                       std::int64_t count);  // values never seen before
  void ingest_unstamped(const std::string& db, const std::string& table,
                        const std::vector<Row>& rows);
  // Unions extents with equal drop-by tag sets, where the merge policy allows it; the union has a
  // new id.
  void merge_extents(const std::string& db, const std::string& table);
  // The oldest extents go; returns the rows that went.
  std::vector<Row> drop_rows_by_retention(const std::string& db, const std::string& table,
                                          std::size_t extents = 1);
  // What a tag retention policy of table or database does; staging tables with their own empty
  // policy are spared.
  void drop_tags(const std::string& db, std::string_view prefix);
  // Drops tables whose auto-delete instant has passed.
  void apply_auto_delete();

  // ---- For checkers.
  std::vector<Row> rows_of(const std::string& db,
                           const std::string& table) const;  // sorted; empty where no table
  std::vector<Row> rows_with_tag(const std::string& db, const std::string& table,
                                 std::string_view tag) const;  // sorted
  std::vector<std::string> tables(const std::string& db, std::string_view prefix = {}) const;
  std::vector<std::string> tags(const std::string& db,
                                std::string_view prefix = {}) const;  // of all tables, unique
  const std::vector<TableEvent>& table_log() const { return log_; }
  Cursor cursor(const std::string& db) const;

 private:
  struct Stored {
    std::int64_t value;
    std::int64_t at;  // ingestion time; kUnstamped where there is none
    std::int64_t cursor;
  };
  struct SimExtent {
    Uuid id;
    std::vector<Stored> rows;
    std::vector<std::string> tags;  // sorted
  };
  struct Table {
    Uuid id;
    TableSchema schema;
    unsigned policies = 0;  // bits of kPolicies
    Ticks auto_delete_at{};
    std::vector<SimExtent> extents;
  };
  struct Database {
    std::map<std::string, Table, std::less<>> tables;
    std::int64_t cursor = 638'000'000'000'000'000;
  };
  struct SimOperation {
    Uuid id;
    OperationKind kind = OperationKind::export_;
    kusto::Write command;
    std::int64_t started = 0, ended = 0;
    bool running = true;  // as its caller reads it
    bool effect_to_come = true;
    std::string state = "InProgress";
    std::string status;
    std::vector<kusto::ExportedBlob> blobs;
    std::int64_t messages = 0, delivered = 0;  // of a queued ingestion
    bool begun = false;                        // it has had its first `finish`
  };

  Result<kusto::Answer> read(const kusto::ReadCursor& what);
  Result<kusto::Answer> read(const kusto::ReadTables& what);
  Result<kusto::Answer> read(const kusto::ReadPlanGroups& what);
  Result<kusto::Answer> read(const kusto::ReadPlanSlices& what);
  Result<kusto::Answer> read(const kusto::ReadCount& what);
  Result<kusto::Answer> read(const kusto::ReadUnstampedCount& what);
  Result<kusto::Answer> read(const kusto::ReadTableCount& what);
  Result<kusto::Answer> read(const kusto::ReadOperations& what);
  Result<kusto::Answer> read(const kusto::ReadExportsUnderWay& what);
  Result<kusto::Answer> read(const kusto::ReadExportDetails& what);
  Result<kusto::Answer> read(const kusto::ReadExtents& what);
  Result<kusto::Answer> read(const kusto::ReadStagingPolicies& what);
  Result<kusto::Answer> read(const kusto::ReadCapacity& what);
  Result<kusto::Answer> read(const kusto::ReadDigest& what);
  Result<kusto::Answer> read(const kusto::ReadIngestionOffer& what);
  Result<kusto::Answer> read(const kusto::ReadQueuedIngestions& what);

  Result<kusto::Answer> write(const kusto::StartExport& what);
  Result<kusto::Answer> write(const kusto::CreateTable& what);
  Result<kusto::Answer> write(const kusto::CreateStaging& what);
  Result<kusto::Answer> write(const kusto::SetStagingPolicies& what);
  Result<kusto::Answer> write(const kusto::StartIngest& what);
  Result<kusto::Answer> write(const kusto::StartQueuedIngest& what);
  Result<kusto::Answer> write(const kusto::StartMove& what);
  Result<kusto::Answer> write(const kusto::DropExtents& what);
  Result<kusto::Answer> write(const kusto::DropExtentTags& what);
  Result<kusto::Answer> write(const kusto::DropTable& what);

  static kusto::Operation told(const SimOperation& one);  // as the cluster lists it
  // The effects of operations; false, with the reason, where the cluster cannot do it.
  bool export_now(SimOperation& operation, bool partly, std::string& why);
  bool ingest_now(SimOperation& operation, bool partly, std::string& why);
  bool ingest_blobs(const kusto::StartIngest& what, std::string& why);
  bool move_now(SimOperation& operation, std::string& why);
  bool take_effect(SimOperation& operation, bool partly, std::string& why);

  // Data management: sim_cluster_queued.cc.
  Result<kusto::Answer> queue(const kusto::StartQueuedIngest& what, std::int64_t messages);
  bool deliver(const SimOperation& operation, std::int64_t from, std::int64_t to, std::string& why);
  void finish_queued(SimOperation& one, Ending ending);
  void finish_delivery(SimOperation& one, Ending ending);

  Result<Database*> database(const DatabaseName& db);
  Result<Table*> table(const DatabaseName& db, const TableName& name);
  Table& table_at(const std::string& db, const std::string& name);
  template <class Visit>
  Result<std::int64_t> select(const DatabaseName& db, const kusto::RowSet& rows, Visit&& visit);
  Result<kusto::Answer> start(OperationKind kind, kusto::Write command);
  std::int64_t in_progress(OperationKind kind) const;
  Uuid next_id();
  void add_table(Database& in, const std::string& db, const std::string& name, TableSchema schema);
  void remove_table(Database& in, const std::string& db, const std::string& name);

  SimBlobs& blobs_;
  SimClusterOptions options_;
  Ticks now_;
  std::map<std::string, Database, std::less<>> databases_;
  std::vector<SimOperation> operations_;
  std::vector<TableEvent> log_;
  std::uint64_t ids_ = 0;
  std::int64_t values_ = 0;
  std::int64_t blob_names_ = 0;
  bool closed_ = false;
};

// The digest and slice hash of a simulated row.
std::uint64_t hash_of(Row row);

}  // namespace kc::sim
