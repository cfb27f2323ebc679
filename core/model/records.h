// The journal's records: everything a job must remember, as facts in order (copy protocol, "The
// journal in the lake"). A record's type word on the wire is its struct's name in snake_case.
// `*Intended` is committed before its effect, the others after. Thread promise: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/model/block.h"
#include "core/model/job.h"
#include "core/model/names.h"
#include "core/model/schema.h"

namespace kc {

namespace record {

struct JobCreated {
  JobSpec spec;
  Uuid uid;
  Ticks at;
};  // secrets already redacted
struct Takeover {
  std::uint64_t epoch = 0;
  Uuid writer;
  Ticks at;
};
struct IterationStarted {
  std::int64_t iteration = 0;
  Cursor to;
  Ticks at;
};

// plan-started: the table takes part in the iteration, with the schema read after `to` was taken.
struct TableStarted {
  TableName table;
  Uuid source_id;  // the source table's own id
  std::int64_t schema_version = 0;
  TableSchema schema;
  ExportFormat format = ExportFormat::csv;
  Cursor from, to;
  std::int64_t rows_estimate = 0, bytes_estimate = 0;
};
struct DestinationReady {
  TableName table;
};  // it exists, fits, and held no rows that are not ours
// `covers`: with this block everything below range.high is planned. False for all but the last
// slice of a sliced range; slices that hold no rows are left out.
struct Planned {
  BlockId block = 0;
  TableName table;
  BlockRange range;
  std::int64_t rows = 0;
  bool covers = true;
};
struct PlanDone {
  TableName table;
};

struct ExportIntended {
  BlockId block = 0;
  int attempt = 0;
  std::string folder;
  Ticks grant_expiry;
};
struct ExportStarted {
  BlockId block = 0;
  int attempt = 0;
  Uuid operation;
};
struct Exported {
  BlockId block = 0;
  int attempt = 0;
  std::vector<ExportedBlob> blobs;
  std::int64_t rows = 0;
};
// exporting -> planned. `over`: the attempt is known to write no more.
struct ExportEnded {
  BlockId block = 0;
  int attempt = 0;
  bool over = false;
  bool counted = false;
  Problem problem;
};
struct SourceShrunk {
  BlockId block = 0;
  std::int64_t planned = 0, rows = 0;
};
struct FolderClosed {
  BlockId block = 0;
  int attempt = 0;
};  // removed, and nothing can be written there any more

struct StagingIntended {
  TableName table;
  int generation = 0;
  TableName name;
};
// A request that creates the staging table and got no answer may still land until
// `create_doubt_until`.
struct StagingReady {
  TableName table;
  int generation = 0;
  std::optional<Ticks> create_doubt_until = {};
};
struct StagingDropIntended {
  TableName table;
  int generation = 0;
  std::optional<Ticks> create_doubt_until = {};
};
struct StagingDropped {
  TableName table;
  int generation = 0;
};

struct IngestIntended {
  BlockId block = 0;
  int attempt = 0;
  std::string tag;
  std::optional<Uuid> queued = {};  // the id under which data management tells its outcome
};
struct IngestStarted {
  BlockId block = 0;
  int attempt = 0;
  Uuid operation;
};
struct IngestEnded {
  BlockId block = 0;
  int attempt = 0;
  bool counted = false;
  Problem problem;
};  // -> exported
struct Staged {
  BlockId block = 0;
  int attempt = 0;
  std::vector<StagedExtent> extents;
  std::int64_t rows = 0;
};

struct MoveIntended {
  BlockId block = 0;
  std::vector<StagedExtent> extents;
  std::int64_t rows = 0;
};
struct MoveStarted {
  BlockId block = 0;
  Uuid operation;
};
struct Moved {
  BlockId block = 0;
  std::int64_t rows = 0;
};
struct RevokeIntended {
  BlockId block = 0;
};
struct Revoked {
  BlockId block = 0;
};  // moving -> exported
struct Verified {
  BlockId block = 0;
  std::int64_t rows = 0;
};
struct TagsDropped {
  std::vector<BlockId> blocks;
};  // from the destination's extents

struct BlockFailed {
  BlockId block = 0;
  Problem problem;
};
struct BlockRetried {
  BlockId block = 0;
};  // failed -> where it failed, with a fresh count
struct TableDone {
  TableName table;
};
struct TableFailed {
  TableName table;
  Problem problem;
};
struct CancelRequested {
  Ticks at;
};
// A failed job is taken up again; its definition may change only while nothing was started.
struct JobResumed {
  JobSpec spec;
  Ticks at;
};
struct JobEnded {
  JobState state = JobState::succeeded;
  std::optional<Problem> problem;
  Ticks at;
};

// A snapshot is these three kinds, the job first; folding them gives the state that was written.
struct SnapshotJob {
  JobSpec spec;
  Uuid uid;
  Ticks created_at;
  JobState state = JobState::running;
  std::optional<Problem> problem;
  std::optional<Ticks> ended_at;
  std::uint64_t epoch = 0;
  Uuid writer;
  std::int64_t iteration = 0;
  Cursor to;
  BlockId last_block = 0;
  double percent_floor = 0;
  std::int64_t retried = 0;
  std::int64_t lake_bytes = 0;
};
struct SnapshotTable {
  TableName table;
  Uuid source_id;
  std::int64_t schema_version = 0;
  TableSchema schema;
  ExportFormat format = ExportFormat::csv;
  Cursor from, to;
  std::int64_t rows_estimate = 0, bytes_estimate = 0;
  TableState state = TableState::running;
  std::optional<Problem> problem;
  bool destination_ready = false;
  bool plan_done = false;
  std::optional<Ticks> covered_to;  // planned up to here, exclusive; nullopt: nothing yet
  std::int64_t blocks_planned = 0, rows_planned = 0;
  std::int64_t blocks_finished = 0, rows_finished = 0;
  int staging_generation = 0;
  std::string staging_state;  // "", intended, ready, dropping, dropped
  TableName staging_name;
  std::optional<Ticks> staging_create_doubt_until;
};
struct SnapshotBlock {
  Block block;
};
struct SnapshotFolder {
  BlockId block = 0;
  int attempt = 0;
  std::string folder;
  Ticks grant_expiry;
  bool over = false;
};

}  // namespace record

using Record = std::variant<
    record::JobCreated, record::Takeover, record::IterationStarted, record::TableStarted,
    record::DestinationReady, record::Planned, record::PlanDone, record::ExportIntended,
    record::ExportStarted, record::Exported, record::ExportEnded, record::SourceShrunk,
    record::FolderClosed, record::StagingIntended, record::StagingReady,
    record::StagingDropIntended, record::StagingDropped, record::IngestIntended,
    record::IngestStarted, record::IngestEnded, record::Staged, record::MoveIntended,
    record::MoveStarted, record::Moved, record::RevokeIntended, record::Revoked, record::Verified,
    record::TagsDropped, record::BlockFailed, record::BlockRetried, record::TableDone,
    record::TableFailed, record::CancelRequested, record::JobResumed, record::JobEnded,
    record::SnapshotJob, record::SnapshotTable, record::SnapshotBlock, record::SnapshotFolder>;

// The type word: "job_created", "export_intended", …
std::string_view type_word(const Record& record);

}  // namespace kc
