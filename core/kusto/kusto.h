// The Kusto door: typed commands and queries with typed answers, against one cluster. rest_kusto
// (HTTP) ships; tests/sim/sim_cluster is its simulated twin; both pass tests/doors/kusto_suite. The
// text of each command is in COMMANDS.md beside this file. Thread promise: `run` is safe from any
// thread and blocks until the cluster answers, the deadline passes or the door is closed.
//
// Errors (core/base/result.h), classified here and nowhere else: invalid (permanent), denied,
// not_found, throttled, unavailable (it may have happened), conflict (state of the cluster: read
// again), cancelled (the door was closed).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/model/block.h"
#include "core/model/job.h"
#include "core/model/names.h"
#include "core/model/operation.h"
#include "core/model/schema.h"

namespace kc::kusto {

// ---- The rows that planning, export and counts speak of: a cursor window, an ingestion-time
// range, a hash slice.

using kc::Slice;

struct RowSet {
  TableName table;
  Cursor after = {};               // exclusive; empty: from the beginning
  Cursor before_or_at = {};        // inclusive; never empty
  std::optional<Ticks> low = {};   // inclusive; nullopt: -inf
  std::optional<Ticks> high = {};  // exclusive; nullopt: +inf
  Slice slice = {};                // by hash of the canonical row text over `hash_columns`
  std::vector<Column> hash_columns =
      {};  // the columns of the schema version; only read where slice.count > 1
  friend bool operator==(const RowSet&, const RowSet&) = default;
};

// ---- Reads: no consequences, repeatable.

struct ReadCursor {
  DatabaseName db;
};  // -> Cursor
struct ReadTables {
  DatabaseName db;
};  // -> TableList, sorted by name
struct ReadPlanGroups {
  DatabaseName db;
  RowSet rows;
  std::int64_t groups_max = 0;
};  // -> PlanGroups, by time ascending
struct ReadPlanSlices {
  DatabaseName db;
  RowSet rows;
  std::int64_t slices = 0;
};  // -> PlanSlices (rows.slice unused)
struct ReadCount {
  DatabaseName db;
  RowSet rows;
};  // -> RowCount
struct ReadUnstampedCount {
  DatabaseName db;
  TableName table;
};  // rows without ingestion time -> RowCount
struct ReadTableCount {
  DatabaseName db;
  TableName table;
};  // `T | count` -> RowCount
struct ReadOperations {
  std::vector<Uuid> ids;
  bool older_than_window = false;
};  // -> OperationList (unknown: absent)
// Exports, whoever started them, that began within that time and may still write: those that have
// not ended, those that the cluster abandoned, and those that failed so short a time ago that not
// all of their nodes need have heard of it.
struct ReadExportsUnderWay {
  Timespan within;
  Timespan straggling = Timespan::seconds(60);
};  // -> OperationList
struct ReadExportDetails {
  Uuid operation;
};  // -> ExportDetails
// Extents of the tables that exist among `tables` (at least one must, or kind not_found),
// optionally with one exact tag.
struct ReadExtents {
  DatabaseName db;
  std::vector<TableName> tables;
  std::optional<std::string> tag;
};  // -> ExtentList
struct ReadStagingPolicies {
  DatabaseName db;
  TableName table;
  bool queued = false;   // as SetStagingPolicies
};                       // -> StagingPolicies; kind not_found if no table
struct ReadCapacity {};  // -> CapacityList
struct ReadDigest {
  DatabaseName db;
  TableName table;
  std::vector<Column> columns;
};  // -> Digest of the whole table
// Is there a data management service that ingests what is queued and tells the outcome of each
// blob?
struct ReadIngestionOffer {};  // -> IngestionOffer
// How queued ingestions stand, each as an operation whose id is the attempt's. One that data
// management does not know wholly is absent.
struct ReadQueuedIngestions {
  struct One {
    Uuid attempt;
    std::int64_t blobs = 0;  // as many were queued
  };
  std::vector<One> ingestions;
};  // -> OperationList

using Read = std::variant<ReadCursor, ReadTables, ReadPlanGroups, ReadPlanSlices, ReadCount,
                          ReadUnstampedCount, ReadTableCount, ReadOperations, ReadExportsUnderWay,
                          ReadExportDetails, ReadExtents, ReadStagingPolicies, ReadCapacity,
                          ReadDigest, ReadIngestionOffer, ReadQueuedIngestions>;

// ---- Writes: with consequences; sent only with the proof of a committed intent or fact.

struct StartExport {  // -> StartedOperation
  DatabaseName db;
  RowSet rows;
  std::vector<Column> columns;  // projected, in this order
  ExportFormat format = ExportFormat::csv;
  std::string folder_uri;  // secret
};
struct CreateTable {  // creates, or adds the columns it lacks; fails with invalid on another type
                      // -> Done
  DatabaseName db;
  TableName table;
  TableSchema schema;
};
struct CreateStaging {  // `.create table`, succeeds if it exists; policies are SetStagingPolicies
                        // -> Done
  DatabaseName db;
  TableName table;
  std::vector<Column> columns;
};
struct SetStagingPolicies {  // not atomic: after an error any of them may be set -> Done
  DatabaseName db;
  TableName table;
  Ticks auto_delete_at;  // the table's expiry, the last safety net
  bool queued = false;   // a batching policy too, so that what is queued does not wait for minutes
};
struct StartIngest {  // -> StartedOperation
  DatabaseName db;
  TableName table;
  std::vector<std::string> blob_uris;  // secret; at least one
  ExportFormat format = ExportFormat::csv;
  std::vector<Column>
      columns;      // the export's projection, in its order: the mapping by name is made from it
  std::string tag;  // one, `drop-by:…`
};
// One message per blob to the destination's data management. Delivery is at least once, and may be
// late: only what every blob's own status and the rows in staging agree on counts. An error may
// leave some blobs queued, under this attempt's tag (kind unavailable), or none (any other kind).
struct StartQueuedIngest {  // -> StartedOperation of that very id
  StartIngest ingest;
  Uuid attempt;                         // random, never used before
  std::vector<std::int64_t> raw_bytes;  // of each blob, uncompressed, about; 0: unknown
};
struct StartMove {  // atomic: all extents or none; consumes their ids -> StartedOperation
  DatabaseName db;
  TableName from, to;
  std::vector<Uuid> extents;  // at least one
  bool new_ingestion_time = true;
};
struct DropExtents {
  DatabaseName db;
  TableName table;
  std::vector<Uuid> extents;
};  // ids already gone are no error -> Done
struct DropExtentTags {
  DatabaseName db;
  TableName table;
  std::vector<std::string> tags;
};  // idempotent -> Done
struct DropTable {
  DatabaseName db;
  TableName table;
};  // idempotent -> Done

using Write = std::variant<StartExport, CreateTable, CreateStaging, SetStagingPolicies, StartIngest,
                           StartQueuedIngest, StartMove, DropExtents, DropExtentTags, DropTable>;
using Command = std::variant<Read, Write>;

// ---- Answers

struct TableEntry {
  TableName name;
  Uuid id;
  TableSchema schema;
  std::int64_t rows = 0;            // from extent statistics; an estimate
  std::int64_t original_bytes = 0;  // likewise
};
struct TableList {
  std::vector<TableEntry> tables;
};
using PlanGroup = kc::InstantRows;
struct PlanGroups {
  std::vector<PlanGroup> groups;
};  // fewer than groups_max: that is all there is
struct PlanSlices {
  std::vector<std::int64_t> rows;
};  // by slice index, exactly `slices` of them
struct RowCount {
  std::int64_t rows = 0;
};
struct StartedOperation {
  Uuid id;
};
using kc::Operation;
using kc::OperationOutcome;
struct OperationList {
  std::vector<Operation> operations;
};
using kc::ExportedBlob;
struct ExportDetails {
  std::vector<ExportedBlob> blobs;
};
struct Extent {
  Uuid id;
  TableName table;
  std::int64_t rows = 0;
  std::vector<std::string> tags;
};
struct ExtentList {
  std::vector<Extent> extents;
};                        // sorted by table, then id
struct StagingPolicies {  // each as `staging-ready` wants it?
  bool complete = false;
  std::string missing;  // the first policy that is not as it must be; empty when complete
};
using kc::Capacity;
struct CapacityList {
  std::vector<Capacity> resources;
};  // resource: DataExport, Ingestions, Queries, … as sent
struct Digest {
  std::int64_t rows = 0;
  std::int64_t hash_sum = 0;  // sum of the low 32 bits of each row's xxhash64
  std::int64_t hash_xor = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};
struct IngestionOffer {
  bool queued = false;
  std::string why_not;  // one sentence, where it is not
};
struct Done {};

using Answer = std::variant<Done, Cursor, TableList, PlanGroups, PlanSlices, RowCount,
                            StartedOperation, OperationList, ExportDetails, ExtentList,
                            StagingPolicies, CapacityList, Digest, IngestionOffer>;

// Travels with each call so that it can be found on the cluster: x-ms-client-request-id.
struct CallOptions {
  std::string request_id;  // `KustoCopy.<step>;<job>/<iteration>/<block>/<e or i n>;<uuid>`
  Timespan deadline = Timespan::seconds(240);  // total, for one request
};

class Kusto {
 public:
  virtual ~Kusto() = default;
  virtual Result<Answer> run(const Command& command, const CallOptions& options) = 0;
  // Ends every call in flight with kind cancelled and refuses later ones.
  virtual void close() = 0;
  // For messages: the cluster's host without secrets.
  virtual std::string describe() const = 0;
};

}  // namespace kc::kusto
