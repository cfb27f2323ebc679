// The job's own life: events in, commits in order, first steps, stopping and ending.
#include "core/pipeline/job_core.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/overloaded.h"
#include "core/pipeline/committed.h"
#include "core/plan/selection.h"

namespace kc::pipeline {
namespace {

template <class Map, class Key>
auto take(Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  auto value = std::move(found->second);
  map.erase(found);
  return value;
}

}  // namespace

JobCore::JobCore(Ledger ledger, JobLimits limits, std::uint64_t seed)
    : ledger_(std::move(ledger)), limits_(limits), rng_(seed), next_block_(ledger_.last_block) {
  KC_ASSERT(ledger_.created, "a core needs a job");
}

std::vector<Effect> JobCore::handle(Ticks now, Event event) {
  now_ = now;
  effects_.clear();
  if (over_) return {};
  std::visit(Overloaded{
                 [&](Started& e) { start(std::move(e.resume)); },
                 [&](CommitDone&) { committed(); },
                 [&](CommitFailed& e) {
                   const int tries_max = e.error.code == "lake.full" ? limits_.commit_tries_full_max
                                                                     : limits_.commit_tries_max;
                   if (e.error.kind != ErrorKind::unavailable || ++commit_tries_ >= tries_max) {
                     return let_go(problem_of(e.error, "lake.unreachable"));
                   }
                   trouble_ = problem_of(e.error, "lake.unreachable");
                   changed_ = true;
                   after(backoff(commit_tries_), [this] { emit(CommitAgain{}); });
                 },
                 [&](Answered& e) {
                   if (auto then = take(calls_, e.call)) (*then)(std::move(e.answer));
                 },
                 [&](FolderAnswered& e) {
                   if (auto then = take(folder_calls_, e.call)) (*then)(std::move(e.closed));
                 },
                 [&](SlotGranted& e) {
                   // A slot that nobody waits for any more goes straight back.
                   if (auto then = take(slots_, e.slot)) (*then)();
                 },
                 [&](OperationEnded& e) {
                   if (auto then = take(watched_, std::pair{e.side, e.operation.id}))
                     (*then)(&e.operation);
                 },
                 [&](OperationLost& e) {
                   if (auto then = take(watched_, std::pair{e.side, e.operation})) (*then)(nullptr);
                 },
                 [&](OperationsRead& e) {
                   silent_.erase(e.side);
                   if (e.error)
                     silent_.emplace(e.side, problem_of(*e.error, std::string(to_string(e.side)) +
                                                                      ".unreachable"));
                   changed_ = true;
                 },
                 [&](TimerDue& e) {
                   if (auto then = take(timers_, e.timer)) (*then)();
                 },
                 [&](Wished& e) {
                   switch (e.wish) {
                     case Wish::cancel:
                       return cancel();
                   }
                 },
             },
             event);
  if (!over_) finish_if_done();
  if (!over_) flush_commits();
  if (changed_) publish();
  return std::move(effects_);
}

void JobCore::start(std::optional<JobSpec> resume) {
  started_at_ = now_;
  for (const auto& [name, table] : ledger_.tables)
    rows_done_at_start_ += table.reached(BlockState::moved).rows;
  percent_at_start_ = ledger_.percent().value_or(0);
  changed_ = true;
  if (ledger_.state == JobState::failed && resume) return resume_failed(std::move(*resume));
  if (is_terminal(ledger_.state)) {
    over_ = true;
    return;
  }
  stopping_ = ledger_.state == JobState::canceling;
  for (const auto& [name, table] : ledger_.tables) {
    if (table.state == TableState::failed && ledger_.spec.on_error == OnError::stop)
      stop(table.problem);
    // An older writer may have asked for this staging table and died: its request may still arrive.
    if (table.staging.state == StagingState::intended) {
      tables_[name].create_doubt_until = now_ + limits_.create_deadline;
    }
  }
  if (ledger_.iteration == 0) {
    if (!stopping_) begin_iteration();
  } else {
    advance_all();
  }
}

void JobCore::resume_failed(JobSpec spec) {
  std::vector<Record> records{record::JobResumed{.spec = std::move(spec), .at = now_}};
  for (const auto& [id, block] : ledger_.blocks) {
    if (block.state == BlockState::failed) records.emplace_back(record::BlockRetried{id});
  }
  job_busy_ = true;
  commit(std::move(records), [this] {
    job_busy_ = false;
    ledger_.iteration == 0 ? begin_iteration() : advance_all();
  });
}

// ---- The first steps: the cursor, then the tables with their schemas, then one commit that says
// so. The cursor comes first: a column added between the two would otherwise lose the values of the
// rows in the window.

void JobCore::begin_iteration() {
  job_busy_ = true;
  read(Side::source, kusto::ReadCursor{source_db()}, "cursor",
       [this](Result<kusto::Answer> answer) {
         if (!answer)
           return job_call_failed(answer.error(), "source.unreachable",
                                  [this] { begin_iteration(); });
         const Cursor to = std::get<Cursor>(*answer);
         if (stopping_) {
           job_busy_ = false;
           return;
         }
         read(Side::source, kusto::ReadTables{source_db()}, "tables",
              [this, to](Result<kusto::Answer> tables) {
                if (!tables)
                  return job_call_failed(tables.error(), "source.unreachable",
                                         [this] { begin_iteration(); });
                job_failures_ = 0;
                trouble_.reset();
                if (stopping_) {
                  job_busy_ = false;
                  return;
                }
                take_tables(to, std::get<kusto::TableList>(*tables));
              });
       });
}

void JobCore::take_tables(const Cursor& to, const kusto::TableList& tables) {
  std::vector<std::string> names;
  for (const auto& entry : tables.tables) names.push_back(entry.name.value);
  const auto selected = plan::select_tables(ledger_.spec, names);
  if (!selected) return end_job(JobState::failed, problem_of(selected.error(), "preflight.failed"));
  if (to.empty()) {
    return end_job(JobState::failed,
                   Problem{.code = "source.no_cursor",
                           .detail = "the source database gave no cursor",
                           .fix = "enable the ingestion time policy on its tables",
                           .retryable = false});
  }
  std::vector<Record> records{
      record::IterationStarted{.iteration = ledger_.iteration + 1, .to = to, .at = now_}};
  for (const auto& entry : tables.tables) {
    if (std::find(selected->begin(), selected->end(), entry.name.value) == selected->end())
      continue;
    records.emplace_back(
        record::TableStarted{.table = entry.name,
                             .source_id = entry.id,
                             .schema_version = 1,
                             .schema = entry.schema,
                             .format = plan::choose_format(ledger_.spec.format, entry.schema),
                             .from = {},
                             .to = to,
                             .rows_estimate = entry.rows,
                             .bytes_estimate = entry.original_bytes});
  }
  commit(std::move(records), [this] {
    job_busy_ = false;
    advance_all();
  });
}

void JobCore::read_destination() {
  destination_busy_ = true;
  read(Side::destination, kusto::ReadTables{destination_db()}, "tables",
       [this](Result<kusto::Answer> answer) {
         destination_busy_ = false;
         if (!answer) {
           destination_busy_ = true;
           return job_call_failed(answer.error(), "destination.unreachable",
                                  [this] { read_destination(); });
         }
         job_failures_ = 0;
         trouble_.reset();
         changed_ = true;
         for (auto& entry : std::get<kusto::TableList>(*answer).tables) {
           const TableName name = entry.name;
           destination_tables_.insert_or_assign(name, std::move(entry));
         }
         destination_read_ = true;
         advance_all();
       });
}

// A call of the job's own failed: again after a pause, or the end. A wrong address is told after a
// few tries; a job that had begun is given the whole count, since an outage passes.
void JobCore::job_call_failed(const Error& error, std::string_view code, Then again) {
  job_failures_ += 1;
  const bool begun = std::any_of(ledger_.tables.begin(), ledger_.tables.end(),
                                 [](const auto& entry) { return entry.second.destination_ready; });
  const int failures_max = begun ? limits_.call_failures_max : limits_.start_failures_max;
  if (error.kind != ErrorKind::throttled &&
      (answer_is_permanent(error) || job_failures_ >= failures_max)) {
    job_busy_ = false;
    destination_busy_ = false;
    if (!begun) return end_job(JobState::failed, problem_of(error, code));
    return stop(problem_of(error, code));
  }
  trouble_ = problem_of(error, code);
  changed_ = true;
  after(backoff(job_failures_), std::move(again));
}

// ---- Stopping and ending

void JobCore::cancel() {
  if (ledger_.state == JobState::canceling || ending_) return;
  commit({record::CancelRequested{now_}}, [this] { stop(std::nullopt); });
}

void JobCore::stop(std::optional<Problem> problem) {
  if (stopping_) return;
  stopping_ = true;
  stop_problem_ = std::move(problem);
  changed_ = true;
  std::vector<BlockId> ids;
  for (const auto& [id, work] : blocks_) ids.push_back(id);
  for (const BlockId id : ids) interrupt(id);
  if (ledger_.iteration > 0) advance_all();
}

// Waits that could be long end at once; a commit or a call under way is left to answer, and what
// follows it looks at `stopping_`.
void JobCore::interrupt(BlockId id) {
  BlockWork& at = work(id);
  const bool long_wait = at.waiting == Waiting::slot || at.waiting == Waiting::operation ||
                         at.waiting == Waiting::timer;
  if (!long_wait) return;
  at.turn += 1;
  unwatch(id);
  give_back_slot(id);
  at.waiting = Waiting::nothing;
}

void JobCore::finish_if_done() {
  if (ending_ || job_busy_ || destination_busy_ || batch_in_flight_ || !next_batch_.records.empty())
    return;
  if (ledger_.iteration == 0 && !stopping_) return;
  for (const auto& [name, table] : ledger_.tables) {
    if (!stopping_ && table.state == TableState::running) return;
    if (table.staging.may_exist() && !in_doubt(table)) return;
  }
  for (const auto& [id, block] : ledger_.blocks) {
    if (waits(id) || block.tag_at_destination) return;
  }
  for (const auto& [key, folder] : ledger_.folders) {
    const Block* owner = block(key.first);
    if (!owner || owner->state != BlockState::moving) return;
  }
  if (ledger_.state == JobState::canceling) return end_job(JobState::canceled, std::nullopt);
  if (stopping_) return end_job(JobState::failed, stop_problem_);
  const auto failed =
      std::find_if(ledger_.tables.begin(), ledger_.tables.end(),
                   [](const auto& entry) { return entry.second.state == TableState::failed; });
  if (failed == ledger_.tables.end()) return end_job(JobState::succeeded, std::nullopt);
  end_job(JobState::failed, failed->second.problem);
}

void JobCore::end_job(JobState state, std::optional<Problem> problem) {
  ending_ = true;
  job_busy_ = false;
  commit({record::JobEnded{.state = state, .problem = std::move(problem), .at = now_}}, [this] {
    over_ = true;
    changed_ = true;
  });
}

void JobCore::let_go(Problem problem) {
  over_ = true;
  abandoned_ = problem;
  changed_ = true;
  emit(Abandon{std::move(problem)});
}

// ---- Commits: one file at a time; what becomes ready meanwhile goes into the next one.

void JobCore::commit(std::vector<Record> records, Then then) {
  for (auto& record : records) next_batch_.records.push_back(std::move(record));
  if (then) next_batch_.then.push_back(std::move(then));
}

void JobCore::flush_commits() {
  if (batch_in_flight_ || next_batch_.records.empty()) return;
  batch_in_flight_ = std::exchange(next_batch_, {});
  emit(CommitRecords{batch_in_flight_->records});
}

void JobCore::committed() {
  KC_ASSERT(batch_in_flight_.has_value(), "a commit that nobody asked for");
  Batch batch = std::move(*batch_in_flight_);
  batch_in_flight_.reset();
  commit_tries_ = 0;
  if (trouble_ && trouble_->code.starts_with("lake.")) trouble_.reset();
  for (const Record& record : batch.records) {
    const auto applied = ledger_.apply(record);
    KC_ASSERT(applied.has_value(), applied ? std::string{} : applied.error().message);
  }
  last_advance_ = now_;
  changed_ = true;
  for (auto& then : batch.then) {
    then();
    if (over_) return;
  }
}

// ---- Calls and timers

void JobCore::read(Side side, kusto::Read read, const std::string& step, OnAnswer then) {
  const CallId call = ++last_id_;
  calls_.emplace(call, std::move(then));
  emit(RunRead{.call = call, .side = side, .read = std::move(read), .options = options(step)});
}

void JobCore::write(Side side, Proof proof, kusto::Write write, const std::string& step,
                    OnAnswer then, Ticks grant_expiry, Timespan deadline, bool holds_slot) {
  const CallId call = ++last_id_;
  calls_.emplace(call, std::move(then));
  emit(RunWrite{.call = call,
                .side = side,
                .proof = proof,
                .write = std::move(write),
                .options = options(step, deadline),
                .grant_expiry = grant_expiry,
                .holds_slot = holds_slot});
}

void JobCore::after(Timespan delay, Then then) {
  const TimerId timer = ++last_id_;
  timers_.emplace(timer, std::move(then));
  emit(SetTimer{.timer = timer, .at = now_ + delay});
}

// Exponential with full jitter above half, so that the retries of many blocks spread out.
Timespan JobCore::backoff(int failures) {
  std::int64_t ticks = limits_.backoff_first.ticks;
  for (int i = 1; i < failures && ticks < limits_.backoff_max.ticks; ++i) ticks *= 2;
  ticks = std::min(ticks, limits_.backoff_max.ticks);
  return {rng_.between(ticks / 2, ticks)};
}

kusto::CallOptions JobCore::options(const std::string& step, Timespan deadline) {
  return {.request_id = "KustoCopy." + step + ";" + Uuid::random(rng_).text(),
          .deadline = deadline};
}

std::string JobCore::block_step(std::string_view step, const Block& block, char letter,
                                int attempt) const {
  return std::string(step) + ";" + ledger_.spec.id + "/" + std::to_string(block.iteration) + "/" +
         std::to_string(block.id) + "/" + letter + std::to_string(attempt);
}

DatabaseName JobCore::destination_db() const {
  return {ledger_.spec.destination_db.empty() ? ledger_.spec.db : ledger_.spec.destination_db};
}

Problem JobCore::problem_of(const Error& error, std::string_view fallback_code) {
  const bool retryable = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::throttled;
  // The transport's and the service's own codes say what broke, ours say what it was needed for.
  const bool below =
      error.code.empty() || error.code.starts_with("kusto.") || error.code.starts_with("net.");
  return {.code = below ? std::string(fallback_code) : error.code,
          .detail = error.message,
          .fix = error.fix,
          .retryable = retryable};
}

bool JobCore::answer_is_permanent(const Error& error) const {
  return error.kind == ErrorKind::invalid || error.kind == ErrorKind::denied ||
         error.kind == ErrorKind::not_found;
}

// ---- Blocks: what state is, decides what is next; whoever finishes a piece of work calls `rest`.

void JobCore::advance_all() {
  if (ledger_.iteration == 0 || ending_ || over_) return;
  const bool unready =
      std::any_of(ledger_.tables.begin(), ledger_.tables.end(), [](const auto& entry) {
        return entry.second.state == TableState::running && !entry.second.destination_ready;
      });
  if (unready && !stopping_ && !destination_read_) {
    if (!destination_busy_) read_destination();
  }
  std::vector<TableName> names;
  for (const auto& [name, table] : ledger_.tables) names.push_back(name);
  for (const TableName& name : names) advance_table(name);
  std::vector<BlockId> ids;
  for (const auto& [id, block] : ledger_.blocks) ids.push_back(id);
  for (const BlockId id : ids) advance(id);
  clean_folders();
}

void JobCore::advance(BlockId id) {
  Block* at = block(id);
  if (!at || ending_ || work(id).waiting != Waiting::nothing) return;
  const TableCopy& table = table_of(*at);
  switch (at->state) {
    case BlockState::planned:
      if (!stopping_ && table.state == TableState::running && table.destination_ready)
        start_export(*at);
      return;
    case BlockState::exporting:
      // Found like this only after a restart or a stop: an operation that is known is followed, the
      // rest is a new attempt.
      if (at->operation && !stopping_) {
        adopt_slot(id, Side::source, SlotKind::export_);
        return follow_export(*at, *at->operation);
      }
      return end_export(*at, false, false,
                        {.code = "export.unknown",
                         .detail = "the export was left behind",
                         .fix = {},
                         .retryable = true},
                        false);
    case BlockState::exported:
      if (!stopping_) start_ingest(*at);
      return;
    case BlockState::ingesting:
      if (at->operation && !stopping_) {
        adopt_slot(id, Side::destination, at->queued ? SlotKind::queued : SlotKind::ingestion);
        return follow_ingest(*at, *at->operation);
      }
      return end_ingest(*at, false,
                        {.code = "ingest.unknown",
                         .detail = "the ingestion was left behind",
                         .fix = {},
                         .retryable = true},
                        false);
    case BlockState::staged:
      if (!stopping_) start_move(*at, at->extents);
      return;
    case BlockState::moving:
      if (work(id).unsettled) return;
      if (at->operation && !stopping_ && !at->revoking) return follow_move(*at, *at->operation);
      return settle_move(*at);
    case BlockState::moved:
      return mark_moved(*at);
    case BlockState::verified: {
      if (!at->tag_at_destination) return;
      tables_[at->table].tags_to_drop.insert(id);
      return clean_tags(at->table);
    }
    case BlockState::failed:
    case BlockState::superseded:
    case BlockState::mismatched:
      return;
  }
}

Block* JobCore::block(BlockId id) {
  const auto found = ledger_.blocks.find(id);
  return found == ledger_.blocks.end() ? nullptr : &found->second;
}

TableCopy& JobCore::table_of(const Block& block) {
  const auto found = ledger_.tables.find(block.table);
  KC_ASSERT(found != ledger_.tables.end());
  return found->second;
}

JobCore::Then JobCore::in_turn(BlockId id, std::function<void(Block&)> then) {
  const std::uint64_t turn = work(id).turn;
  return [this, id, turn, then = std::move(then)] {
    Block* at = block(id);
    if (at && work(id).turn == turn) then(*at);
  };
}

bool JobCore::waits(BlockId id) const {
  const auto found = blocks_.find(id);
  return found != blocks_.end() && found->second.waiting != Waiting::nothing;
}

void JobCore::rest(BlockId id) {
  work(id).waiting = Waiting::nothing;
  advance(id);
  // The last block to come to rest lets a failed or stopped table finish.
  const Block* at = block(id);
  if (stopping_) clean_folders();
  if (at && !waits(id) && (stopping_ || table_of(*at).state == TableState::failed))
    advance_table(at->table);
}

void JobCore::rest_after(BlockId id, Timespan delay) {
  if (stopping_) return rest(id);
  work(id).waiting = Waiting::timer;
  after(delay, in_turn(id, [this, id](Block&) { rest(id); }));
}

void JobCore::ask_slot(BlockId id, Side side, SlotKind kind, std::function<void(Block&)> then) {
  BlockWork& at = work(id);
  const SlotId slot = ++last_id_;
  at.slot = slot;
  at.slot_side = side;
  at.waiting = Waiting::slot;
  slots_.emplace(slot, in_turn(id, [this, id, then = std::move(then)](Block& granted) {
                   work(id).waiting = Waiting::answer;
                   then(granted);
                 }));
  emit(AskSlot{.slot = slot, .side = side, .kind = kind, .in_use = false});
}

// A command that runs already uses a slot whatever the limit says now.
void JobCore::adopt_slot(BlockId id, Side side, SlotKind kind) {
  BlockWork& at = work(id);
  at.slot = ++last_id_;
  at.slot_side = side;
  emit(AskSlot{.slot = *at.slot, .side = side, .kind = kind, .in_use = true});
}

void JobCore::give_back_slot(BlockId id) {
  BlockWork& at = work(id);
  if (!at.slot) return;
  slots_.erase(*at.slot);
  emit(ReturnSlot{.slot = *at.slot, .side = at.slot_side});
  at.slot.reset();
}

void JobCore::watch(BlockId id, Side side, SlotKind kind, Uuid operation,
                    std::function<void(Block&, const kusto::Operation*)> then, std::int64_t blobs) {
  BlockWork& at = work(id);
  at.watched = operation;
  at.watched_side = side;
  at.waiting = Waiting::operation;
  const std::uint64_t turn = at.turn;
  watched_[{side, operation}] = [this, id, turn,
                                 then = std::move(then)](const kusto::Operation* ended) {
    Block* found = block(id);
    if (!found || work(id).turn != turn) return;
    work(id).watched.reset();
    work(id).waiting = Waiting::answer;
    then(*found, ended);
  };
  emit(Watch{.side = side, .operation = operation, .kind = kind, .blobs = blobs});
}

void JobCore::unwatch(BlockId id) {
  BlockWork& at = work(id);
  if (!at.watched) return;
  watched_.erase({at.watched_side, *at.watched});
  emit(Unwatch{.side = at.watched_side, .operation = *at.watched});
  at.watched.reset();
}

bool JobCore::gives_up(const Block& block, bool counted, bool permanent) const {
  return permanent || (counted && block.failures + 1 >= ledger_.spec.max_failures);
}

void JobCore::fail_block(Block& block, const Problem& problem) {
  const TableName table = block.table;
  const BlockId id = block.id;
  // In one commit: a table whose failed block is known and whose failure is not would never end.
  commit({record::BlockFailed{.block = id, .problem = problem},
          record::TableFailed{.table = table, .problem = problem}},
         [this, id, table, problem] {
           rest(id);
           table_failed(table, problem);
           clean_folders();
         });
}

}  // namespace kc::pipeline
