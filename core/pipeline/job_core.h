// JobCore: the copy protocol of one job as a pure function of its events. It does no I/O, reads no
// clock, starts no thread; ids and jitter come from its seed. What it remembers beyond the ledger
// may be lost at any moment: a new core on the same ledger goes on exactly. Thread promise: one
// owner at a time.
//
// One file per part of the protocol: job_core.cc (events, commits, the job's own life), _plan,
// _table (destination and staging), _export, _ingest, _move, _clean, _progress.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/model/ledger.h"
#include "core/pipeline/effects.h"

namespace kc::pipeline {

// Limits and times of the protocol, named. Defaults are the product's; the simulation draws its
// own.
struct JobLimits {
  std::int64_t planned_ahead_max = 1000;  // live blocks of a job before planning waits
  std::int64_t plan_groups_max = 5000;    // ingestion instants per planning query
  int move_reads_max = 12;  // reads of a contradictory move before it is called unknown
  int call_failures_max =
      10;  // of one read or cleaning step in a row, before its table or job gives up
  int start_failures_max = 4;  // the same before the job has begun: a wrong address is told soon
  int commit_tries_max = 10;   // of one journal file in a row, before this process lets the job go
  int commit_tries_full_max = 4;  // the same where the lake has no room: somebody must make some
  int tags_per_drop_max = 100;
  int folders_closing_max = 8;
  Timespan backoff_first = Timespan::milliseconds(500);
  Timespan backoff_max = Timespan::seconds(60);
  Timespan grant_life = Timespan::seconds(4 * 3600);  // of a folder given to an export
  Timespan create_deadline = Timespan::seconds(30);   // of the request that creates a staging table
  // Of the request that starts an export: until then it may land.
  Timespan export_start_deadline = Timespan::seconds(60);
  Timespan exports_read_every = Timespan::seconds(10);   // while a folder is in doubt
  Timespan clock_slack = Timespan::seconds(12 * 3600);   // a cluster\'s clock may have been set
  Timespan staging_life = Timespan::seconds(7 * 86400);  // auto_delete of a staging table
};

class JobCore {
 public:
  // `ledger` as the journal says it, after this writer's takeover. A terminal ledger is legal:
  // nothing happens then.
  JobCore(Ledger ledger, JobLimits limits, std::uint64_t seed);
  JobCore(const JobCore&) = delete;  // continuations hold `this`
  JobCore& operator=(const JobCore&) = delete;

  // Handles one event; effects are to be executed in order.
  std::vector<Effect> handle(Ticks now, Event event);

  const Ledger& ledger() const { return ledger_; }
  // True once nothing more will come out: the job has ended or was let go.
  bool over() const { return over_; }
  // Why this process let the job go, if it did.
  const std::optional<Problem>& abandoned() const { return abandoned_; }

 private:
  using Then = std::function<void()>;
  using OnAnswer = std::function<void(Result<kusto::Answer>)>;
  using OnOperation = std::function<void(const kusto::Operation*)>;  // nullptr: lost

  enum class Waiting { nothing, answer, slot, operation, timer };  // answer: of a commit or a call

  using FolderKey = std::pair<BlockId, int>;  // block and export attempt

  // What this core is doing about a block; absent means nothing.
  struct BlockWork {
    std::uint64_t turn = 0;  // continuations of an older turn are void
    Waiting waiting = Waiting::nothing;
    std::optional<SlotId> slot;
    Side slot_side = Side::source;
    std::optional<Uuid> watched;
    Side watched_side = Side::source;
    int move_reads = 0;
    int move_failures = 0;
    std::optional<Problem> give_up;  // the move is to be revoked and the block quarantined
    bool unsettled =
        false;  // the move could not be settled: left as it is until the job is run again
    int read_failures = 0;
    int backoff = 0;  // attempts in a row that ended without progress
  };
  struct TableWork {
    bool preparing = false;
    bool unstamped_checked = false;
    bool planning = false;
    bool staging_busy = false;
    bool tags_busy = false;
    bool finishing = false;
    int failures = 0;                         // of the table's own calls in a row
    std::optional<Ticks> create_doubt_until;  // a create without an answer may land until then
    std::set<BlockId> want_staging;
    std::set<BlockId> tags_to_drop;
  };

  // A folder whose export may still write: that export got no answer, failed, or was left behind.
  struct Doubt {
    Ticks read_at;  // from then on the export is listed if it runs at all
    std::optional<std::set<Uuid>>
        writers;  // the exports that may be the one; nullopt: not read yet
  };

  // job_core.cc
  void start(std::optional<JobSpec> resume);
  void begin_iteration();
  void take_tables(const Cursor& to, const kusto::TableList& tables);
  void read_destination();
  void choose_ingestion();
  void cancel();
  void stop(std::optional<Problem> problem);
  void interrupt(BlockId id);
  void resume_failed(JobSpec spec);
  void job_call_failed(const Error& error, std::string_view code, Then again);
  void finish_if_done();
  void end_job(JobState state, std::optional<Problem> problem);
  void let_go(Problem problem);
  void commit(std::vector<Record> records, Then then = {});
  void flush_commits();
  void committed();
  void read(Side side, kusto::Read read, const std::string& step, OnAnswer then);
  void write(Side side, Proof proof, kusto::Write write, const std::string& step, OnAnswer then,
             Ticks grant_expiry = {}, Timespan deadline = Timespan::seconds(240),
             bool holds_slot = false);
  void after(Timespan delay, Then then);
  Timespan backoff(int failures);
  kusto::CallOptions options(const std::string& step, Timespan deadline = Timespan::seconds(240));
  void emit(Effect effect) { effects_.push_back(std::move(effect)); }
  bool stopping() const { return stopping_; }
  DatabaseName source_db() const { return {ledger_.spec.db}; }
  DatabaseName destination_db() const;
  static Problem problem_of(const Error& error, std::string_view fallback_code);
  bool answer_is_permanent(const Error& error) const;

  // Blocks
  void advance(BlockId id);
  void advance_all();
  BlockWork& work(BlockId id) { return blocks_[id]; }
  Block* block(BlockId id);
  bool waits(BlockId id) const;
  TableCopy& table_of(const Block& block);
  // Runs `then` only if the block is still there and still in this turn.
  Then in_turn(BlockId id, std::function<void(Block&)> then);
  void rest(BlockId id);  // waits for nothing any more; advances
  void rest_after(BlockId id, Timespan delay);
  void ask_slot(BlockId id, Side side, SlotKind kind, std::function<void(Block&)> then);
  void adopt_slot(BlockId id, Side side, SlotKind kind);
  void give_back_slot(BlockId id);
  void watch(BlockId id, Side side, SlotKind kind, Uuid operation,
             std::function<void(Block&, const kusto::Operation*)> then, std::int64_t blobs = 0);
  void unwatch(BlockId id);
  kusto::RowSet row_set(const Block& block);
  void fail_block(Block& block, const Problem& problem);
  bool gives_up(const Block& block, bool counted, bool permanent) const;
  std::string block_step(std::string_view step, const Block& block, char letter, int attempt) const;

  // job_core_plan.cc
  void plan(TableCopy& table);
  void plan_held_back();
  void planned(const TableName& name, const kusto::PlanGroups& groups);
  void plan_crowd(const TableName& name, const BlockRange& range, std::int64_t slices);
  void plan_failed(const TableName& name, const Error& error);

  // job_core_table.cc
  void advance_table(const TableName& name);
  void prepare_destination(TableCopy& table);
  void check_unstamped(TableCopy& table);
  void table_call_failed(const TableName& name, const Error& error, std::string_view code,
                         Then again);
  void fail_table(const TableName& name, const Problem& problem);
  void table_failed(const TableName& name, const Problem& problem);
  void want_staging(Block& block);
  void make_staging(TableCopy& table);
  void create_staging(const TableName& name);
  void create_staging_again(const TableName& name);
  void set_staging_policies(const TableName& name);
  void read_staging_policies(const TableName& name);
  void staging_is_ready(const TableName& name);
  void drop_staging(const TableName& name, Then then);
  void drop_staging_now(const TableName& name, const Then& then);
  void finish_table(const TableName& name);
  bool table_is_quiet(const TableCopy& table) const;
  bool in_doubt(const TableCopy& table) const;

  // job_core_export.cc
  void start_export(Block& block);
  void export_slot_granted(Block& block);
  void send_export(Block& block);
  void follow_export(Block& block, Uuid operation);
  void read_export_details(Block& block, Uuid operation);
  void export_details(Block& block, const kusto::ExportDetails& details);
  void recount(Block& block, std::vector<ExportedBlob> blobs, std::int64_t rows);
  void end_export(Block& block, bool over, bool counted, const Problem& problem, bool permanent);

  // job_core_ingest.cc
  void start_ingest(Block& block);
  void ingest_slot_granted(Block& block);
  void send_ingest(Block& block);
  kusto::Write ingestion(const Block& block);
  bool queues(const TableCopy& table) const;
  void follow_ingest(Block& block, Uuid operation);
  void check_stage(Block& block);
  void stage_answer(Block& block, const kusto::ExtentList& extents);
  void end_ingest(Block& block, bool counted, const Problem& problem, bool permanent);

  // job_core_move.cc
  void start_move(Block& block, std::vector<StagedExtent> extents);
  void send_move(Block& block);
  void follow_move(Block& block, Uuid operation);
  void move_failed(Block& block, Problem problem, bool counted, bool permanent);
  void settle_move(Block& block);
  void settle_answer(Block& block, const kusto::ExtentList& extents);
  void revoke(Block& block, const std::vector<StagedExtent>& in_staging);
  void read_move_again(Block& block, const std::string& seen);
  void mark_moved(Block& block);

  // job_core_clean.cc
  void clean_tags(const TableName& name);
  void clean_folders();
  void close_folder(FolderKey key, bool quiet = false);
  void doubt_folder(FolderKey key);
  void read_exports_when_due();
  void exports_read(Ticks asked, const Result<kusto::Answer>& answer);
  bool folder_is_done_with(BlockId id, int attempt) const;

  // job_core_progress.cc
  void publish();
  Progress progress() const;
  std::string status_reason() const;
  bool waits_for_exports() const;
  const Problem* trouble() const;

  Ledger ledger_;
  JobLimits limits_;
  Rng rng_;
  Ticks now_;
  std::vector<Effect> effects_;
  bool over_ = false;
  std::optional<Problem> stop_problem_;
  bool stopping_ = false;  // cancel, or a stop after an error: settle and clean, start nothing new
  bool ending_ = false;
  bool job_busy_ = false;  // the job's own first steps are under way
  bool destination_read_ = false;
  bool destination_busy_ = false;
  std::optional<bool> queues_;  // whether this process queues ingestions; nullopt: not known yet
  int job_failures_ = 0;
  int folder_failures_ = 0;
  std::optional<Problem> abandoned_;
  std::optional<Problem> trouble_;  // what the job waits for right now, for the status line
  std::map<Side, Problem> silent_;  // clusters whose operations cannot be read
  std::map<TableName, kusto::TableEntry> destination_tables_;

  BlockId next_block_ = 0;
  std::uint64_t last_id_ = 0;
  std::map<BlockId, BlockWork> blocks_;
  std::map<TableName, TableWork> tables_;
  std::set<TableName> plans_held_back_;  // by planned_ahead_max
  std::map<CallId, OnAnswer> calls_;
  std::map<CallId, std::function<void(Result<bool>)>> folder_calls_;
  std::map<SlotId, Then> slots_;
  std::map<std::pair<Side, Uuid>, OnOperation> watched_;
  std::map<TimerId, Then> timers_;
  std::set<FolderKey> folders_closing_;
  std::map<FolderKey, Doubt> doubts_;  // of folders that are closing
  bool exports_busy_ = false;
  int exports_failures_ = 0;

  struct Batch {
    std::vector<Record> records;
    std::vector<Then> then;
  };
  Batch next_batch_;
  std::optional<Batch> batch_in_flight_;
  int commit_tries_ = 0;

  std::uint64_t revision_ = 0;
  bool changed_ = false;  // since the last published progress
  std::optional<Ticks> last_advance_;
  std::optional<Ticks> started_at_;
  std::int64_t rows_done_at_start_ = 0;
  double percent_at_start_ = 0;
};

}  // namespace kc::pipeline
