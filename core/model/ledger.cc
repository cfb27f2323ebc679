// The fold of the journal. One file because it is one function in as many overloads as there are
// records, and what each may follow is read best beside the others.
#include "core/model/ledger.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "core/base/check.h"

namespace kc {
namespace {

// How much of a row's copy is behind it once it has reached a stage.
constexpr double kWorkExported = 40, kWorkStaged = 45, kWorkMoved = 10, kWorkVerified = 5;
// 100 is said only by a job that has succeeded.
constexpr double kPercentRunningMax = 99.9;

Failure impossible(const Record& record, const std::string& why) {
  return fail(ErrorKind::corrupt, "checkpoint.corrupt",
              "record '" + std::string(type_word(record)) +
                  "' cannot follow what the journal says: " + why);
}

double work(const TableCopy& table) {
  return kWorkExported * static_cast<double>(table.reached(BlockState::exported).rows) +
         kWorkStaged * static_cast<double>(table.reached(BlockState::staged).rows) +
         kWorkMoved * static_cast<double>(table.reached(BlockState::moved).rows) +
         kWorkVerified * static_cast<double>(table.reached(BlockState::verified).rows);
}

// What the record that starts a table and the snapshot of a table tell alike.
template <class R>
TableCopy copy_told_by(const R& r) {
  TableCopy table;
  table.name = r.table;
  table.source_id = r.source_id;
  table.schema_version = r.schema_version;
  table.schema = r.schema;
  table.format = r.format;
  table.from = r.from;
  table.to = r.to;
  table.rows_estimate = r.rows_estimate;
  table.bytes_estimate = r.bytes_estimate;
  return table;
}

bool in_order(BlockState state) { return state <= BlockState::verified; }

}  // namespace

std::string_view to_string(StagingState state) {
  switch (state) {
    case StagingState::none:
      return "none";
    case StagingState::intended:
      return "intended";
    case StagingState::ready:
      return "ready";
    case StagingState::dropping:
      return "dropping";
    case StagingState::dropped:
      return "dropped";
  }
  KC_UNREACHABLE();
}

std::optional<StagingState> parse_staging_state(std::string_view word) {
  for (int i = 0; i < 5; ++i) {
    if (to_string(static_cast<StagingState>(i)) == word) return static_cast<StagingState>(i);
  }
  return std::nullopt;
}

StateCount TableCopy::reached(BlockState stage) const {
  StateCount sum{blocks_finished, rows_finished};
  for (auto at = static_cast<std::size_t>(stage);
       at <= static_cast<std::size_t>(BlockState::verified); ++at) {
    sum.blocks += live[at].blocks;
    sum.rows += live[at].rows;
  }
  return sum;
}

std::optional<double> Ledger::percent() const {
  if (state == JobState::succeeded) return 100.0;
  if (iteration == 0 || tables.empty() || (rows_total == 0 && plans_open > 0)) return std::nullopt;
  return percent_floor;
}

bool Ledger::totals_final() const { return iteration > 0 && plans_open == 0; }

// One overload per record: check first, then change, so that a refused record leaves no trace.
struct LedgerFold {
  Ledger& ledger;
  const Record& record;

  Failure no(const std::string& why) const { return impossible(record, why); }

  Result<Block*> block_at(BlockId id) const {
    const auto found = ledger.blocks.find(id);
    if (found == ledger.blocks.end()) return no("block " + std::to_string(id) + " is not known");
    return &found->second;
  }
  Result<Block*> block_in(BlockId id, BlockState state) const {
    KC_TRY(Block * block, block_at(id));
    if (block->state != state) {
      return no("block " + std::to_string(id) + " is " + std::string(to_string(block->state)));
    }
    return block;
  }
  Result<TableCopy*> table_at(const TableName& name) const {
    const auto found = ledger.tables.find(name);
    if (found == ledger.tables.end()) return no("table '" + name.value + "' is not known");
    return &found->second;
  }
  TableCopy& table_of(const Block& block) const {
    const auto found = ledger.tables.find(block.table);
    KC_ASSERT(found != ledger.tables.end());
    return found->second;
  }

  // Moves a block along an edge and keeps its table's counts by the furthest state.
  Result<void> to(Block& block, BlockState next) const {
    if (!can_move(block.state, next)) {
      return no("block " + std::to_string(block.id) + " cannot go from " +
                std::string(to_string(block.state)) + " to " + std::string(to_string(next)));
    }
    block.state = next;
    block.operation.reset();
    if (in_order(next) && next > block.furthest) refile(block, next, block.rows);
    return {};
  }
  void refile(Block& block, BlockState furthest, std::int64_t rows) const {
    auto& live = table_of(block).live;
    auto& from = live[static_cast<std::size_t>(block.furthest)];
    from.blocks -= 1;
    from.rows -= block.rows;
    block.furthest = furthest;
    block.rows = rows;
    auto& into = live[static_cast<std::size_t>(furthest)];
    into.blocks += 1;
    into.rows += rows;
  }
  // A verified block whose tag is gone and whose folders are closed needs no memory of its own any
  // more.
  void fold_if_finished(BlockId id) const {
    const auto found = ledger.blocks.find(id);
    if (found == ledger.blocks.end()) return;
    const Block& block = found->second;
    if (block.state != BlockState::verified || block.tag_at_destination) return;
    const auto folder = ledger.folders.lower_bound({id, 0});
    if (folder != ledger.folders.end() && folder->first.first == id) return;
    TableCopy& table = table_of(block);
    auto& live = table.live[static_cast<std::size_t>(block.furthest)];
    live.blocks -= 1;
    live.rows -= block.rows;
    table.blocks_live -= 1;
    table.blocks_finished += 1;
    table.rows_finished += block.rows;
    ledger.blocks.erase(found);
  }

  Result<void> operator()(const record::JobCreated& r) const {
    if (ledger.created) return no("the job exists already");
    ledger.created = true;
    ledger.spec = r.spec;
    ledger.uid = r.uid;
    ledger.created_at = r.at;
    ledger.state = JobState::running;
    return {};
  }
  Result<void> operator()(const record::Takeover& r) const {
    if (r.epoch <= ledger.epoch)
      return no("its epoch is not above " + std::to_string(ledger.epoch));
    ledger.epoch = r.epoch;
    ledger.writer = r.writer;
    return {};
  }
  Result<void> operator()(const record::IterationStarted& r) const {
    if (r.iteration != ledger.iteration + 1)
      return no("iteration " + std::to_string(r.iteration) + " is out of turn");
    if (r.to.empty()) return no("an iteration needs its upper cursor");
    ledger.iteration = r.iteration;
    ledger.to = r.to;
    return {};
  }
  Result<void> operator()(const record::TableStarted& r) const {
    if (ledger.tables.contains(r.table))
      return no("table '" + r.table.value + "' has started already");
    if (ledger.iteration == 0) return no("no iteration has started");
    if (r.schema.columns.empty()) return no("table '" + r.table.value + "' has no columns");
    TableCopy table = copy_told_by(r);
    ledger.tables.emplace(r.table, std::move(table));
    ledger.plans_open += 1;
    return {};
  }
  Result<void> operator()(const record::DestinationReady& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    table->destination_ready = true;
    return {};
  }
  Result<void> operator()(const record::Planned& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    if (table->plan_done) return no("the plan of table '" + r.table.value + "' is done");
    if (r.block != ledger.last_block + 1)
      return no("block " + std::to_string(r.block) + " is out of turn");
    if (r.rows < 0 || r.range.slice.count < 1 || r.range.slice.index < 0 ||
        r.range.slice.index >= r.range.slice.count) {
      return no("its row count or slice is out of range");
    }
    // Ranges tile: each begins where the one before ended; all slices of one range begin where it
    // does.
    if (table->covered_whole || r.range.low != table->covered_to)
      return no("its range leaves a gap or overlaps");
    if (r.range.low && r.range.high && *r.range.high <= *r.range.low)
      return no("its range is empty");
    ledger.last_block = r.block;
    Block block;
    block.id = r.block;
    block.table = r.table;
    block.iteration = ledger.iteration;
    block.range = r.range;
    block.rows = r.rows;
    auto& live = table->live[static_cast<std::size_t>(BlockState::planned)];
    live.blocks += 1;
    live.rows += r.rows;
    table->blocks_live += 1;
    table->blocks_planned += 1;
    table->rows_planned += r.rows;
    if (r.covers) {
      table->covered_to = r.range.high;
      table->covered_whole = !r.range.high;
    }
    ledger.blocks.emplace(r.block, std::move(block));
    return {};
  }
  Result<void> operator()(const record::PlanDone& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    if (table->plan_done) return no("the plan of table '" + r.table.value + "' is done already");
    table->plan_done = true;
    ledger.plans_open -= 1;
    return {};
  }
  Result<void> operator()(const record::ExportIntended& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::planned));
    if (r.attempt != block->export_attempt + 1) return no("export attempt out of turn");
    KC_CHECK_OK(to(*block, BlockState::exporting));
    block->export_attempt = r.attempt;
    block->folder = r.folder;
    ledger.folders[{r.block, r.attempt}] =
        OpenFolder{.folder = r.folder, .grant_expiry = r.grant_expiry, .over = false};
    return {};
  }
  Result<void> operator()(const record::ExportStarted& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::exporting));
    if (r.attempt != block->export_attempt) return no("export attempt out of turn");
    block->operation = r.operation;
    return {};
  }
  Result<void> operator()(const record::Exported& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::exporting));
    if (r.attempt != block->export_attempt) return no("export attempt out of turn");
    if (r.rows != block->rows) return no("it exported another number of rows than planned");
    KC_CHECK_OK(to(*block, BlockState::exported));
    block->blobs = r.blobs;
    for (const auto& blob : r.blobs) ledger.lake_bytes += blob.bytes;
    if (const auto folder = ledger.folders.find({r.block, r.attempt});
        folder != ledger.folders.end()) {
      folder->second.over = true;
    }
    return {};
  }
  Result<void> operator()(const record::ExportEnded& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::exporting));
    if (r.attempt != block->export_attempt) return no("export attempt out of turn");
    KC_CHECK_OK(to(*block, BlockState::planned));
    if (r.counted) block->failures += 1;
    ledger.retried += 1;
    block->problem = r.problem;
    if (const auto folder = ledger.folders.find({r.block, r.attempt});
        folder != ledger.folders.end()) {
      folder->second.over = r.over;
    }
    return {};
  }
  Result<void> operator()(const record::SourceShrunk& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::exporting));
    if (r.planned != block->rows || r.rows < 0 || r.rows >= r.planned)
      return no("its counts do not fit the block's");
    table_of(*block).rows_planned -= r.planned - r.rows;
    refile(*block, block->furthest, r.rows);
    block->recounted = true;
    return {};
  }
  Result<void> operator()(const record::FolderClosed& r) const {
    if (ledger.folders.erase({r.block, r.attempt}) == 0) return no("the folder is not open");
    fold_if_finished(r.block);
    return {};
  }
  Result<void> operator()(const record::StagingIntended& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    // The same generation once more: its create is to be sent again.
    if (table->staging.state == StagingState::intended &&
        r.generation == table->staging.generation && r.name == table->staging.name) {
      return {};
    }
    if (table->staging.may_exist()) return no("a staging generation is there already");
    if (r.generation != table->staging.generation + 1) return no("staging generation out of turn");
    table->staging =
        Staging{.generation = r.generation, .name = r.name, .state = StagingState::intended};
    return {};
  }
  Result<void> staging_step(const TableName& name, int generation, StagingState from,
                            StagingState next) const {
    KC_TRY(TableCopy * table, table_at(name));
    if (table->staging.generation != generation || table->staging.state != from) {
      return no("staging generation " + std::to_string(table->staging.generation) + " is " +
                std::string(to_string(table->staging.state)));
    }
    table->staging.state = next;
    return {};
  }
  Result<void> operator()(const record::StagingReady& r) const {
    KC_CHECK_OK(staging_step(r.table, r.generation, StagingState::intended, StagingState::ready));
    ledger.tables.at(r.table).staging.create_doubt_until = r.create_doubt_until;
    return {};
  }
  Result<void> operator()(const record::StagingDropIntended& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    if (!table->staging.may_exist() || table->staging.generation != r.generation)
      return no("there is nothing to drop");
    table->staging.state = StagingState::dropping;
    table->staging.create_doubt_until = r.create_doubt_until;
    return {};
  }
  Result<void> operator()(const record::StagingDropped& r) const {
    return staging_step(r.table, r.generation, StagingState::dropping, StagingState::dropped);
  }
  Result<void> operator()(const record::IngestIntended& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::exported));
    if (r.attempt != block->ingest_attempt + 1) return no("ingest attempt out of turn");
    if (table_of(*block).staging.state != StagingState::ready)
      return no("the staging table is not ready");
    KC_CHECK_OK(to(*block, BlockState::ingesting));
    block->ingest_attempt = r.attempt;
    block->tag = r.tag;
    block->queued = r.queued;
    return {};
  }
  Result<void> operator()(const record::IngestStarted& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::ingesting));
    if (r.attempt != block->ingest_attempt) return no("ingest attempt out of turn");
    if (block->queued && r.operation != *block->queued)
      return no("a queued ingestion has the id that was intended");
    block->operation = r.operation;
    return {};
  }
  Result<void> operator()(const record::IngestEnded& r) const {
    KC_TRY(Block * block, block_at(r.block));
    if (r.attempt != block->ingest_attempt) return no("ingest attempt out of turn");
    if (block->state != BlockState::ingesting && block->state != BlockState::staged)
      return no("no ingest to end");
    KC_CHECK_OK(to(*block, BlockState::exported));
    block->extents.clear();
    if (r.counted) block->failures += 1;
    ledger.retried += 1;
    block->problem = r.problem;
    return {};
  }
  Result<void> operator()(const record::Staged& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::ingesting));
    if (r.attempt != block->ingest_attempt) return no("ingest attempt out of turn");
    if (r.rows != block->rows) return no("it staged another number of rows than exported");
    KC_CHECK_OK(to(*block, BlockState::staged));
    block->extents = r.extents;
    return {};
  }
  Result<void> operator()(const record::MoveIntended& r) const {
    KC_TRY(Block * block, block_at(r.block));
    if (r.rows != block->rows) return no("it moves another number of rows than staged");
    if (block->revoking) return no("the move is being revoked");
    KC_CHECK_OK(to(*block, BlockState::moving));
    block->extents = r.extents;
    return {};
  }
  Result<void> operator()(const record::MoveStarted& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::moving));
    block->operation = r.operation;
    return {};
  }
  Result<void> operator()(const record::Moved& r) const {
    KC_TRY(Block * block, block_at(r.block));
    if (r.rows != block->rows) return no("it moved another number of rows than staged");
    if (block->state == BlockState::exported && block->rows != 0)
      return no("only an empty block skips the staging");
    KC_CHECK_OK(to(*block, BlockState::moved));
    block->tag_at_destination = block->rows != 0;
    block->revoking = false;
    block->extents.clear();
    return {};
  }
  Result<void> operator()(const record::RevokeIntended& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::moving));
    block->revoking = true;
    block->operation.reset();
    return {};
  }
  Result<void> operator()(const record::Revoked& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::moving));
    if (!block->revoking) return no("no revoke was intended");
    KC_CHECK_OK(to(*block, BlockState::exported));
    block->revoking = false;
    block->extents.clear();
    return {};
  }
  Result<void> operator()(const record::Verified& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::moved));
    if (r.rows != block->rows) return no("it verified another number of rows than moved");
    KC_CHECK_OK(to(*block, BlockState::verified));
    block->problem.reset();
    fold_if_finished(r.block);
    return {};
  }
  Result<void> operator()(const record::TagsDropped& r) const {
    for (const BlockId id : r.blocks) {
      KC_TRY(Block * block, block_in(id, BlockState::verified));
      if (!block->tag_at_destination)
        return no("the tag of block " + std::to_string(id) + " is gone already");
      if (std::count(r.blocks.begin(), r.blocks.end(), id) != 1)
        return no("block " + std::to_string(id) + " is named twice");
    }
    for (const BlockId id : r.blocks) {
      ledger.blocks.at(id).tag_at_destination = false;
      fold_if_finished(id);
    }
    return {};
  }
  Result<void> operator()(const record::BlockFailed& r) const {
    KC_TRY(Block * block, block_at(r.block));
    KC_CHECK_OK(to(*block, BlockState::failed));
    // A retry begins with a new export, so that nothing has to be kept in the lake for a block that
    // may never be retried.
    block->failed_from = BlockState::planned;
    block->problem = r.problem;
    block->extents.clear();
    table_of(*block).blocks_failed += 1;
    return {};
  }
  Result<void> operator()(const record::BlockRetried& r) const {
    KC_TRY(Block * block, block_in(r.block, BlockState::failed));
    block->state = block->failed_from;
    block->failures = 0;
    block->problem.reset();
    table_of(*block).blocks_failed -= 1;
    return {};
  }
  Result<void> operator()(const record::TableDone& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    if (!table->plan_done || table->blocks_live != 0)
      return no("table '" + r.table.value + "' has work left");
    table->state = TableState::done;
    table->problem.reset();
    return {};
  }
  Result<void> operator()(const record::TableFailed& r) const {
    KC_TRY(TableCopy * table, table_at(r.table));
    table->state = TableState::failed;
    table->problem = r.problem;
    return {};
  }
  Result<void> operator()(const record::CancelRequested&) const {
    if (is_terminal(ledger.state)) return no("the job has ended");
    ledger.state = JobState::canceling;
    return {};
  }
  Result<void> operator()(const record::JobResumed& r) const {
    if (ledger.state != JobState::failed) return no("only a failed job is resumed");
    if (ledger.iteration > 0 && r.spec != ledger.spec)
      return no("its definition changed after it had started");
    ledger.spec = r.spec;
    ledger.state = JobState::running;
    ledger.problem.reset();
    ledger.ended_at.reset();
    for (auto& [name, table] : ledger.tables) {
      if (table.state == TableState::failed) table.state = TableState::running;
      table.problem.reset();
    }
    for (auto& [id, block] : ledger.blocks) export_anew(block);
    return {};
  }
  // A job that stops cleans up behind blocks on their way to staging: what such a one would be
  // ingested from is gone.
  void export_anew(Block& block) const {
    const bool before_move = block.state == BlockState::exported ||
                             block.state == BlockState::ingesting ||
                             block.state == BlockState::staged;
    if (!before_move || ledger.folders.contains({block.id, block.export_attempt})) return;
    block.state = BlockState::planned;
    block.operation.reset();
    block.queued.reset();
    block.extents.clear();
    block.blobs.clear();
  }
  Result<void> operator()(const record::JobEnded& r) const {
    if (is_terminal(ledger.state)) return no("the job has ended already");
    if (!is_terminal(r.state)) return no("'" + std::string(to_string(r.state)) + "' is no end");
    ledger.state = r.state;
    ledger.problem = r.problem;
    ledger.ended_at = r.at;
    return {};
  }
  Result<void> operator()(const record::SnapshotJob& r) const {
    if (ledger.created) return no("a snapshot comes first");
    ledger.created = true;
    ledger.spec = r.spec;
    ledger.uid = r.uid;
    ledger.created_at = r.created_at;
    ledger.state = r.state;
    ledger.problem = r.problem;
    ledger.ended_at = r.ended_at;
    ledger.epoch = r.epoch;
    ledger.writer = r.writer;
    ledger.iteration = r.iteration;
    ledger.to = r.to;
    ledger.last_block = r.last_block;
    ledger.percent_floor = r.percent_floor;
    ledger.retried = r.retried;
    ledger.lake_bytes = r.lake_bytes;
    return {};
  }
  Result<void> operator()(const record::SnapshotTable& r) const {
    if (ledger.tables.contains(r.table)) return no("table '" + r.table.value + "' comes twice");
    const auto staging = parse_staging_state(r.staging_state);
    if (!staging) return no("'" + r.staging_state + "' is no staging state");
    TableCopy table = copy_told_by(r);
    table.state = r.state;
    table.problem = r.problem;
    table.destination_ready = r.destination_ready;
    table.plan_done = r.plan_done;
    table.covered_to = r.covered_to;
    table.blocks_planned = r.blocks_planned;
    table.rows_planned = r.rows_planned;
    table.blocks_finished = r.blocks_finished;
    table.rows_finished = r.rows_finished;
    table.staging = Staging{.generation = r.staging_generation,
                            .name = r.staging_name,
                            .state = *staging,
                            .create_doubt_until = r.staging_create_doubt_until};
    ledger.plans_open += r.plan_done ? 0 : 1;
    ledger.tables.emplace(r.table, std::move(table));
    return {};
  }
  Result<void> operator()(const record::SnapshotBlock& r) const {
    KC_TRY(TableCopy * table, table_at(r.block.table));
    if (r.block.id > ledger.last_block || ledger.blocks.contains(r.block.id))
      return no("its block is out of turn");
    auto& live = table->live[static_cast<std::size_t>(r.block.furthest)];
    live.blocks += 1;
    live.rows += r.block.rows;
    table->blocks_live += 1;
    table->blocks_failed += r.block.state == BlockState::failed ? 1 : 0;
    ledger.blocks.emplace(r.block.id, r.block);
    return {};
  }
  Result<void> operator()(const record::SnapshotFolder& r) const {
    ledger.folders[{r.block, r.attempt}] =
        OpenFolder{.folder = r.folder, .grant_expiry = r.grant_expiry, .over = r.over};
    return {};
  }
};

namespace {

// The table that a record changes, if it is one table's: its part in the job's sums is taken out
// before and put back after.
const TableName* table_touched(const Ledger& ledger, const Record& record) {
  return std::visit(
      [&]<class R>(const R& r) -> const TableName* {
        if constexpr (requires { r.table; }) {
          return &r.table;
        } else if constexpr (std::is_same_v<R, record::SnapshotBlock>) {
          return &r.block.table;
        } else if constexpr (std::is_same_v<R, record::TagsDropped>) {
          return nullptr;  // changes no sum: a finished block counts as what it was
        } else if constexpr (requires { r.block; }) {
          const auto found = ledger.blocks.find(r.block);
          if (found == ledger.blocks.end()) return nullptr;
          const auto table = ledger.tables.find(found->second.table);
          return table == ledger.tables.end() ? nullptr : &table->first;
        } else {
          return nullptr;
        }
      },
      record);
}

}  // namespace

Result<void> Ledger::apply(const Record& record) {
  const bool first = std::holds_alternative<record::JobCreated>(record) ||
                     std::holds_alternative<record::SnapshotJob>(record) ||
                     std::holds_alternative<record::Takeover>(record);
  if (!created && !first) return impossible(record, "the job does not exist yet");
  const TableName* touched = table_touched(*this, record);
  const std::optional<TableName> name = touched ? std::optional(*touched) : std::nullopt;
  const auto reckon = [&](int sign) {
    if (!name) return;
    const auto found = tables.find(*name);
    if (found == tables.end()) return;
    rows_total += sign * found->second.rows_total();
    work_done += sign * work(found->second);
  };
  reckon(-1);
  auto applied = std::visit(LedgerFold{*this, record}, record);
  reckon(+1);
  // A snapshot brings its own floor; the sums are not whole before its last record.
  const bool whole = std::visit(
      []<class R>(const R&) {
        return !std::is_same_v<R, record::SnapshotTable> &&
               !std::is_same_v<R, record::SnapshotBlock>;
      },
      record);
  if (applied && whole && rows_total > 0) {
    const double now = work_done / static_cast<double>(rows_total);
    percent_floor = std::clamp(now, percent_floor, std::max(percent_floor, kPercentRunningMax));
  }
  return applied;
}

}  // namespace kc
