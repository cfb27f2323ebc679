#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>

#include "core/base/check.h"
#include "core/base/overloaded.h"
#include "core/checkpoint/journal_file.h"
#include "core/checkpoint/record_codec.h"
#include "tests/sim/world_process.h"

namespace kc::sim {
namespace {

constexpr Ticks kStart{638'500'000'000'000'000};
constexpr std::int64_t kEventsMax = 400'000;
constexpr Timespan kFaultsLast = Timespan::seconds(1800);
constexpr Timespan kTimeMax = Timespan::seconds(7 * 86400);

std::string table_name(int index) { return "T" + std::to_string(index); }

TableSchema schema_of() {
  return {.columns = {{"Id", ScalarType::long_}, {"Text", ScalarType::string_}},
          .folder = {},
          .docstring = {}};
}

}  // namespace

std::string word_of(const kusto::Command& command) {
  return std::visit(
      Overloaded{[](const kusto::Read& read) -> std::string {
                   static constexpr const char* kWords[] = {
                       "read-cursor",   "read-tables",  "read-groups",  "read-slices",
                       "read-count",    "read-null",    "read-rows",    "read-operations",
                       "read-exports",  "read-details", "read-extents", "read-policies",
                       "read-capacity", "read-digest",  "read-offer",   "read-queued"};
                   return kWords[read.index()];
                 },
                 [](const kusto::Write& write) -> std::string {
                   static constexpr const char* kWords[] = {
                       "export", "create-table", "create-staging", "set-policies", "ingest",
                       "queue",  "move",         "drop-extents",   "drop-tags",    "drop-table"};
                   return kWords[write.index()];
                 }},
      command);
}

pipeline::JobLimits limits_of(const WorldOptions& options) {
  pipeline::JobLimits limits;
  limits.plan_groups_max = options.plan_groups_max;
  limits.planned_ahead_max = 6;
  limits.move_reads_max = 40;
  limits.call_failures_max = 40;
  limits.start_failures_max = 40;
  limits.commit_tries_max = 40;
  limits.tags_per_drop_max = 3;
  limits.folders_closing_max = 2;
  limits.grant_life = options.grant_life;
  return limits;
}

cluster::ClusterLimits cluster_limits() {
  cluster::ClusterLimits limits;
  limits.query_slots_min = 2;
  limits.poll_ids_max = 3;
  limits.queued_ids_max = 2;
  limits.queued_max = 3;
  limits.queued_life = Timespan::seconds(3600);
  return limits;
}

World::World(WorldOptions options)
    : options_(std::move(options)),
      rng_(options_.seed),
      now_(kStart),
      faults_until_(kStart + kFaultsLast),
      source_(blobs_, {.id_seed = options_.seed * 2 + 1,
                       .start = kStart,
                       .export_capacity = options_.slots,
                       .ingest_capacity = options_.slots,
                       .query_capacity = 20,
                       .name = "source"}),
      destination_(blobs_, {.id_seed = options_.seed * 2 + 2,
                            .start = kStart,
                            .export_capacity = options_.slots,
                            .ingest_capacity = options_.slots,
                            .query_capacity = 20,
                            .queues = options_.queues,
                            .name = "destination"}),
      lake_(MemoryLake::Options{.closes_folders = options_.closes_folders}),
      uid_(Uuid::random(rng_)) {
  spec_.id = "job";
  spec_.lake = "lake";
  spec_.source = "source";
  spec_.destination = "destination";
  spec_.db = spec_.destination_db = kDb;
  spec_.block_rows_max = options_.block_rows_max;
  spec_.max_failures = options_.max_failures;
  spec_.ingest = options_.ingest;
  spec_.on_error = options_.on_error;
  fill_source();
}

World::~World() = default;

const Ledger& World::ledger_of(const Process& process) { return process.core->ledger(); }

// ---- The world around the copy

void World::fill_source() {
  source_.create_database(kDb);
  destination_.create_database(kDb);
  for (int i = 0; i < options_.tables; ++i) {
    const std::string table = table_name(i);
    source_.create_table(kDb, table, schema_of());
    const auto extents = 1 + rng_.below(static_cast<std::uint64_t>(options_.extents_max));
    for (std::uint64_t extent = 0; extent < extents; ++extent) {
      const auto count = static_cast<std::uint64_t>(options_.rows_min) +
                         rng_.below(static_cast<std::uint64_t>(options_.rows_max) / extents + 1);
      std::vector<Row> rows;
      for (std::uint64_t row = 0; row < count; ++row) {
        rows.push_back({options_.repeated_rows ? rng_.between(1, 5) : next_value_++});
      }
      source_.advance(Timespan::seconds(rng_.between(1, 5000)));
      if (rows.empty()) continue;
      source_.ingest(kDb, table, rows);
      batches_[table].push_back({std::stoll(source_.cursor(kDb).value), rows});
    }
  }
}

void World::source_lives_on() {
  const std::string table =
      table_name(static_cast<int>(rng_.below(static_cast<std::uint64_t>(options_.tables))));
  if (options_.new_rows && rng_.chance(0.6)) {
    std::vector<Row> rows;
    for (std::int64_t i = 0; i < rng_.between(1, 5); ++i) rows.push_back({next_value_++});
    source_.ingest(kDb, table, rows);
    batches_[table].push_back({std::stoll(source_.cursor(kDb).value), rows});
  }
  if (options_.retention && rng_.chance(0.3)) {
    drop_oldest(table);
  }
  if (options_.clock_steps && rng_.chance(0.2))
    source_.advance(Timespan::seconds(rng_.between(-7200, 7200)));
  if (now_ < faults_until_)
    later(Timespan::seconds(rng_.between(5, 300)), [this] { source_lives_on(); });
}

void World::drop_oldest(const std::string& table) {
  for (const Row row : source_.drop_rows_by_retention(kDb, table)) retired_[table].push_back(row);
}

const std::vector<Row>& World::expected(const std::string& table) {
  auto [found, fresh] = expected_.try_emplace(table);
  if (fresh) {
    const std::int64_t to = std::stoll(truth_.to.value);
    for (const Batch& batch : batches_[table]) {
      if (batch.cursor <= to)
        found->second.insert(found->second.end(), batch.rows.begin(), batch.rows.end());
    }
    std::sort(found->second.begin(), found->second.end());
  }
  return found->second;
}

// ---- Time

void World::later(Timespan delay, std::function<void()> work) {
  queue_.emplace(std::pair{now_.value + delay.ticks, rng_.next()}, std::move(work));
}

void World::for_process(const std::shared_ptr<Process>& process, Timespan delay,
                        std::function<void(Process&)> work) {
  later(delay, [process, work = std::move(work)] {
    if (process->alive) work(*process);
  });
}

Timespan World::draw_delay(std::int64_t milliseconds_max) {
  return Timespan::milliseconds(rng_.between(1, milliseconds_max));
}

bool World::faults_on() const { return now_ < faults_until_; }

Verdict World::run() {
  start_process();
  if (options_.new_rows || options_.retention || options_.clock_steps) {
    later(Timespan::seconds(rng_.between(1, 60)), [this] { source_lives_on(); });
  }
  if (options_.second_writer) {
    later(Timespan::milliseconds(rng_.between(100, 60'000)), [this] { start_second_writer(); });
  }
  if (options_.cancel) {
    later(Timespan::milliseconds(rng_.between(10, 40'000)), [this] { cancel_now(); });
  }
  while (!queue_.empty() && verdict_.held) {
    auto first = queue_.begin();
    auto work = std::move(first->second);
    now_ = std::max(now_, Ticks{first->first.first});
    queue_.erase(first);
    source_.set_now(std::max(source_.now(), now_));
    destination_.set_now(std::max(destination_.now(), now_));
    work();
    verdict_.events += 1;
    if (verdict_.events > kEventsMax || now_ - kStart > kTimeMax) break;
  }
  // What was on its way when the job ended has arrived by now: nothing of it may have left a trace.
  if (verdict_.held && !ended_) {
    broken(Check::ends, "the job did not end: " + std::string(to_string(truth_.state)) + " after " +
                            std::to_string(verdict_.events) + " events");
  }
  if (verdict_.held) check_end();
  verdict_.end = truth_.state;
  return verdict_;
}

// ---- Processes

void World::start_process() {
  if (ended_) return;
  auto process = std::make_shared<Process>();
  process->number = ++processes_;
  process->writer = Uuid::random(rng_);
  process->lake = std::make_unique<SimLake>(
      lake_, faults_on() ? options_.odds.lake : LakeFaults{}, rng_.fork(),
      [this](const std::string& name, const std::string& bytes) { witness(name, bytes); },
      [this](std::function<void()> work) {
        later(Timespan::milliseconds(rng_.between(1, 30'000)), std::move(work));
      });
  process_ = process;
  open_process(process);
}

void World::open_process(std::shared_ptr<Process> process) {
  Ledger ledger;
  const JournalReplay replay{
      .begin = [&ledger] { ledger = Ledger{}; },
      .apply = [&ledger](const Record& record) { return ledger.apply(record); }};
  const auto listing = process->lake->list("checkpoint/");
  auto journal = [&]() -> Result<Journal> {
    if (!listing) return fail(listing.error());
    if (!listing->empty()) return Journal::open(*process->lake, process->writer, now_, replay);
    const std::vector<Record> first{record::JobCreated{.spec = spec_, .uid = uid_, .at = now_}};
    ledger = Ledger{};
    for (const Record& record : first) KC_ASSERT(ledger.apply(record).has_value());
    return Journal::create(*process->lake, process->writer, first);
  }();
  if (!journal) {
    if (!faults_on()) process->lake->set_faults({});
    if (journal.error().kind == ErrorKind::corrupt)
      return broken(Check::edges, journal.error().message);
    return for_process(process, draw_delay(5000),
                       [this, process](Process&) { open_process(process); });
  }
  if (options_.mutant == Mutant::forgets_move_in_doubt) {
    for (auto& [id, block] : ledger.blocks) {
      if (block.state == BlockState::moving) block.state = BlockState::exported;
    }
  }
  process->journal.emplace(std::move(*journal));
  if (processes_ > 1) verdict_.takeovers += 1;
  process->core =
      std::make_unique<pipeline::JobCore>(std::move(ledger), limits_of(options_), rng_.next());
  for (const Side side : {Side::source, Side::destination}) {
    cluster_event(*process, side, cluster::JobJoined{.job = 1, .shares = {}});
  }
  // Whoever starts a process on a failed job wants it to go on.
  const bool resume = process->core->ledger().state == JobState::failed;
  handle(*process, pipeline::Started{.resume = resume ? std::optional(spec_) : std::nullopt});
}

void World::start_second_writer() {
  if (ended_ || !process_ || !process_->core) return;
  others_.push_back(process_);
  start_process();
}

void World::crash_now() {
  if (process_ && process_->alive && !ended_) crash(*process_);
}

void World::cancel_now() {
  if (process_ && process_->alive && process_->core && !ended_) {
    handle(*process_, pipeline::Wished{pipeline::Wish::cancel});
  }
}

void World::crash(Process& process, bool restart) {
  process.alive = false;
  verdict_.crashes += 1;
  check_rows(false);
  check_explained();
  if (restart && process_.get() == &process && verdict_.held) {
    later(draw_delay(10'000), [this] { start_process(); });
  }
}

void World::job_over(Process& process) {
  process.alive = false;
  if (truth_.state == JobState::failed && verdict_.resumes < options_.resumes) {
    verdict_.resumes += 1;
    return later(draw_delay(30'000), [this] { start_process(); });
  }
  if (is_terminal(truth_.state)) {
    ended_ = true;
    if (options_.ends_within && now_ - kStart > *options_.ends_within) {
      broken(Check::ends,
             "the job took " + std::to_string((now_ - kStart).to_seconds()) + " s to end");
    }
    return;
  }
  // Let go: fenced, or tired of an outage. Somebody must go on, but only if nobody does.
  if (process_.get() == &process) later(draw_delay(30'000), [this] { start_process(); });
}

void World::handle(Process& process, pipeline::Event event) {
  if (!process.alive || !process.core) return;
  if (faults_on() && rng_.chance(options_.odds.crash)) return crash(process);
  if (!faults_on()) process.lake->set_faults({});
  std::vector<pipeline::Effect> effects;
  try {
    const AssertScope scope;
    effects = process.core->handle(now_, std::move(event));
  } catch (const AssertionFailed& failed) {
    return broken(Check::edges, failed.what());
  }
  for (auto& effect : effects) {
    if (!process.alive || !verdict_.held) return;
    perform(process, effect);
  }
  if (process.alive && process.core->over()) job_over(process);
}

// ---- Effects

void World::trace_effect(int number, const pipeline::Effect& effect) const {
  using namespace pipeline;
  std::string text = std::visit(
      Overloaded{[](const CommitRecords& e) {
                   std::string words = "commit";
                   for (const Record& record : e.records) words += " " + encode_record(record);
                   return words;
                 },
                 [](const CommitAgain&) { return std::string("commit again"); },
                 [](const RunRead& e) {
                   return word_of(kusto::Command{e.read}) + " " + e.options.request_id;
                 },
                 [](const RunWrite& e) {
                   return word_of(kusto::Command{e.write}) + " " + e.options.request_id;
                 },
                 [](const CloseFolder& e) { return "close " + e.folder; },
                 [](const AskSlot& e) { return "ask slot " + std::to_string(e.slot); },
                 [](const ReturnSlot& e) { return "return slot " + std::to_string(e.slot); },
                 [](const Watch& e) { return "watch " + e.operation.text(); },
                 [](const Unwatch& e) { return "unwatch " + e.operation.text(); },
                 [](const SetTimer& e) { return "timer " + std::to_string(e.timer); },
                 [](const Publish& e) { return "publish: " + e.progress.status_reason; },
                 [](const Abandon& e) { return "abandon: " + e.problem.detail; }},
      effect);
  std::fprintf(stderr, "%10.3f p%d %s\n", (now_ - kStart).to_seconds(), number, text.c_str());
}

void World::perform(Process& process, pipeline::Effect& effect) {
  using namespace pipeline;
  if (options_.trace) trace_effect(process.number, effect);
  if (process.knows_fenced && !std::holds_alternative<Publish>(effect) &&
      !std::holds_alternative<Abandon>(effect)) {
    broken(Check::fenced, "a fenced writer went on");
  }
  std::visit(Overloaded{
                 [&](CommitRecords& e) { commit(process, std::move(e.records), false); },
                 [&](CommitAgain&) { commit(process, {}, true); },
                 [&](RunRead& e) {
                   call(process, e.call,
                        Call{.side = e.side,
                             .command = e.read,
                             .reading = true,
                             .word = {},
                             .deadline = e.options.deadline,
                             .folder = {},
                             .grant_expiry = {},
                             .kind = SlotKind::query});
                 },
                 [&](RunWrite& e) {
                   check_effect(process, e.write);
                   Call made{.side = e.side,
                             .command = e.write,
                             .reading = false,
                             .word = {},
                             .deadline = e.options.deadline,
                             .folder = {},
                             .grant_expiry = e.grant_expiry,
                             .kind = SlotKind::query};
                   if (const auto* start = std::get_if<kusto::StartExport>(&e.write)) {
                     made.folder = start->folder_uri;
                     made.kind = SlotKind::export_;
                   }
                   if (std::holds_alternative<kusto::StartIngest>(e.write))
                     made.kind = SlotKind::ingestion;
                   if (std::holds_alternative<kusto::StartQueuedIngest>(e.write))
                     made.kind = SlotKind::queued;
                   call(process, e.call, std::move(made));
                 },
                 [&](CloseFolder& e) { close_folder(process, e.call, e.folder); },
                 [&](AskSlot& e) {
                   cluster_event(process, e.side,
                                 cluster::SlotAsked{
                                     .job = 1, .slot = e.slot, .kind = e.kind, .in_use = e.in_use});
                 },
                 [&](ReturnSlot& e) {
                   cluster_event(process, e.side, cluster::SlotReturned{.job = 1, .slot = e.slot});
                 },
                 [&](Watch& e) {
                   cluster_event(
                       process, e.side,
                       cluster::WatchAsked{
                           .job = 1, .operation = e.operation, .kind = e.kind, .blobs = e.blobs});
                 },
                 [&](Unwatch& e) {
                   cluster_event(process, e.side,
                                 cluster::WatchDropped{.job = 1, .operation = e.operation});
                 },
                 [&](SetTimer& e) {
                   const Timespan delay{std::max<std::int64_t>(0, (e.at - now_).ticks)};
                   for_process(process.shared_from_this(), delay,
                               [this, timer = e.timer](Process& p) { handle(p, TimerDue{timer}); });
                 },
                 [&](Publish& e) {
                   double percent = e.progress.percent.value_or(0);
                   if (options_.mutant == Mutant::percent_falls && process.percent) percent -= 1;
                   const double before = std::max(process.percent.value_or(0),
                                                  options_.second_writer ? 0 : percent_seen_);
                   if (wants(Check::edges) && percent + 1e-9 < before) {
                     broken(Check::edges, "percent fell from " + std::to_string(before) + " to " +
                                              std::to_string(percent));
                   }
                   process.percent = percent;
                   percent_seen_ = std::max(percent_seen_, percent);
                   if (e.progress.status_reason.empty())
                     broken(Check::edges, "an empty status reason");
                 },
                 [&](Abandon&) {},
             },
             effect);
}

void World::commit(Process& process, std::vector<Record> records, bool again) {
  if (options_.mutant == Mutant::skips_an_edge) {
    std::erase_if(records,
                  [](const Record& r) { return std::holds_alternative<record::StagingReady>(r); });
  }
  if (options_.mutant == Mutant::moves_before_commit) {
    for (const Record& record : records) {
      const auto* intent = std::get_if<record::MoveIntended>(&record);
      if (!intent || intent->extents.empty()) continue;
      const Block& block = process.core->ledger().blocks.at(intent->block);
      const TableCopy& table = process.core->ledger().tables.at(block.table);
      kusto::StartMove move{.db = {kDb},
                            .from = table.staging.name,
                            .to = table.name,
                            .extents = {},
                            .new_ingestion_time = true};
      for (const auto& extent : intent->extents) move.extents.push_back(extent.id);
      if (auto started = destination_.run(kusto::Write{move}, {})) {
        destination_.finish(std::get<kusto::StartedOperation>(*started).id, Ending::completed);
      }
    }
  }
  if (records.empty() && !again) {
    return for_process(process.shared_from_this(), draw_delay(20),
                       [this](Process& p) { handle(p, pipeline::CommitDone{}); });
  }
  std::vector<std::string> words;
  for (const Record& record : records) words.emplace_back(type_word(record));
  for_process(process.shared_from_this(), draw_delay(20),
              [this, records = std::move(records), words, again](Process& p) {
                for (const auto& word : words) {
                  if (options_.crash_before_commit.contains({word, ++counted_["before " + word]})) {
                    verdict_.scripted += 1;
                    return crash(p);
                  }
                }
                auto committed = again ? p.journal->retry() : p.journal->commit(records);
                const std::uint64_t seq = committed ? committed->seq() : 0;
                Result<void> result;
                if (!committed) result = fail(committed.error());
                if (result) {
                  for (const auto& word : words) {
                    if (options_.crash_after_commit.contains({word, ++counted_["after " + word]})) {
                      verdict_.scripted += 1;
                      return crash(p);
                    }
                  }
                }
                for_process(
                    p.shared_from_this(), draw_delay(20), [this, result, seq](Process& answered) {
                      if (!result) {
                        answered.knows_fenced =
                            answered.knows_fenced || result.error().kind == ErrorKind::conflict;
                        const bool ignored =
                            options_.mutant == Mutant::ignores_fencing && answered.knows_fenced;
                        if (!ignored)
                          return handle(answered, pipeline::CommitFailed{result.error()});
                      }
                      handle(answered, pipeline::CommitDone{});
                      if (answered.alive && seq > 0) compact(answered, seq);
                    });
              });
}

// As the product does it, but far more often: every few commits, and swept a step at a time.
void World::compact(Process& process, std::uint64_t seq) {
  if (options_.compact_every == 0 || seq % static_cast<std::uint64_t>(options_.compact_every) != 0)
    return;
  const std::vector<Record> snapshot = process.core->ledger().snapshot();
  Ledger folded;
  for (const Record& record : snapshot) KC_ASSERT(folded.apply(record).has_value());
  if (encode_file({}, folded.snapshot()) != encode_file({}, snapshot)) {
    return broken(Check::edges, "a snapshot does not fold to the ledger that it was taken of");
  }
  if (!process.journal->pending()) (void)process.journal->compact(snapshot, seq);
  if (process.journal->wants_sweep()) (void)process.journal->sweep();
}

void World::close_folder(Process& process, CallId id, const std::string& folder) {
  for_process(process.shared_from_this(), draw_delay(200), [this, id, folder](Process& p) {
    if (options_.mutant != Mutant::forgets_folders) {
      if (options_.closes_folders) {
        blobs_.close(folder);
      } else {
        for (const auto& path : blobs_.list(folder + "/")) blobs_.remove(path);
      }
    }
    Result<bool> closed = options_.closes_folders;
    if (faults_on() && rng_.chance(options_.odds.answer_lost)) {
      closed = fail(ErrorKind::unavailable, "lake.unreachable", "no answer");
    }
    handle(p, pipeline::FolderAnswered{.call = id, .closed = closed});
  });
}

}  // namespace kc::sim
