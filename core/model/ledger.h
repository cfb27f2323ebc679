// Ledger: what the journal of one job adds up to. `apply` is the only thing that changes it, one
// committed record at a time, so a replay, the running job and the mirror agree by construction.
// Thread promise: one owner at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/model/block.h"
#include "core/model/job.h"
#include "core/model/records.h"

namespace kc {

enum class StagingState { none, intended, ready, dropping, dropped };
std::string_view to_string(StagingState state);
std::optional<StagingState> parse_staging_state(std::string_view word);

struct Staging {
  int generation = 0;  // 0: never made
  TableName name;
  StagingState state = StagingState::none;
  std::optional<Ticks> create_doubt_until = {};  // a create without an answer may land until then
  // A create may have reached the cluster and no drop of it is confirmed.
  bool may_exist() const { return state != StagingState::none && state != StagingState::dropped; }
};

struct StateCount {
  std::int64_t blocks = 0, rows = 0;
};

// One source table -> the destination table of the same name.
struct TableCopy {
  TableName name;
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
  std::optional<Ticks> covered_to;  // planned up to here, exclusive; nullopt: nothing, or
  bool covered_whole = false;       // everything: the plan reached +inf (plan_done is next)
  std::int64_t blocks_planned = 0, rows_planned = 0;
  std::int64_t blocks_finished = 0, rows_finished = 0;  // folded away: verified and cleaned
  Staging staging;
  std::array<StateCount, kBlockStates>
      live{};  // blocks not folded away, by the furthest state they reached
  std::int64_t blocks_live = 0;
  std::int64_t blocks_failed = 0;

  // The denominator: what was planned once the plan is done; until then at least the estimate.
  std::int64_t rows_total() const {
    return plan_done ? rows_planned : std::max(rows_planned, rows_estimate);
  }
  // Blocks and rows that have ever reached `stage`, finished ones included.
  StateCount reached(BlockState stage) const;
};

// A folder of the lake that an export was given and that is not known to be closed for good.
struct OpenFolder {
  std::string folder;
  Ticks grant_expiry;
  bool over = false;  // the export that was to write there has ended
};

// Order of the keys is the order of the work: no unordered container, so that every run of a seed
// is the same.
struct Ledger {
  JobSpec spec;
  Uuid uid;
  bool created = false;
  Ticks created_at;
  JobState state = JobState::pending;  // pending, running, canceling or a terminal word
  std::optional<Problem> problem;
  std::optional<Ticks> ended_at;
  std::uint64_t epoch = 0;
  Uuid writer;
  std::int64_t iteration = 0;  // 0: none started
  Cursor to;
  BlockId last_block = 0;
  double percent_floor = 0;  // the highest percentage any prefix of the journal amounted to
  std::int64_t retried = 0;  // attempts that ended without effect and were, or will be, made again
  std::int64_t lake_bytes = 0;  // exported so far
  std::map<TableName, TableCopy> tables;
  std::map<BlockId, Block> blocks;
  std::map<std::pair<BlockId, int>, OpenFolder> folders;  // by block and export attempt

  // Applies one committed record. Kind corrupt, code checkpoint.corrupt, where it cannot follow
  // this state; the ledger is then unchanged.
  Result<void> apply(const Record& record);
  // Records that fold to this very ledger, the job first.
  std::vector<Record> snapshot() const;

  // 0 to 100 by rows and stages; nullopt while a table's total is unknown.
  std::optional<double> percent() const;
  bool totals_final() const;

  // Sums over the tables, kept as records are applied: `percent` must not cost a walk over ten
  // thousand tables.
  std::int64_t rows_total = 0;
  double work_done = 0;         // rows weighted by the stages they have passed, 0 to 100 per row
  std::int64_t plans_open = 0;  // tables whose plan is not done
};

// The name of a staging table's generation: `kc-stg-<table, shortened>-<16 hex>-g<n>`.
TableName staging_name(const Uuid& job, const TableName& table, int generation);
// `drop-by:kc/<job uid>/<iteration>/<block>/i<n>`
std::string block_tag(const Uuid& job, std::int64_t iteration, BlockId block, int ingest_attempt);
// The common prefix of every tag of this job.
std::string tag_prefix(const Uuid& job);
// `data/<iteration>/<block>/e<n>`, relative to the job's lake.
std::string export_folder(std::int64_t iteration, BlockId block, int export_attempt);

}  // namespace kc
