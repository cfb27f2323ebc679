// The core by itself, event by event: what it asks for, and what must be on record before.
#include "core/pipeline/job_core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <regex>

#include "tests/sim/sim_cluster.h"

namespace kc::pipeline {
namespace {

JobSpec spec_of(std::vector<std::string> include = {}) {
  JobSpec spec;
  spec.id = "job-1";
  spec.source = "source";
  spec.destination = "destination";
  spec.db = "db";
  spec.tables_include = std::move(include);
  spec.block_rows_max = 4;
  return spec;
}

Ledger created(const JobSpec& spec) {
  Ledger ledger;
  EXPECT_TRUE(
      ledger.apply(record::JobCreated{.spec = spec, .uid = Uuid{}, .at = Ticks{1}}).has_value());
  return ledger;
}

// A shell in one thread over two simulated clusters. It keeps a ledger of its own, of what is
// committed, and looks at every write against it.
class Shell {
 public:
  explicit Shell(const JobSpec& spec)
      : source(blobs, {.id_seed = 1, .name = "source"}),
        destination(blobs, {.id_seed = 2, .name = "destination"}),
        durable(created(spec)),
        core(durable, {}, 7) {
    destination.create_database("db");
    source.create_table("db", "T",
                        {.columns = {{"a", ScalarType::long_}}, .folder = {}, .docstring = {}});
    for (int i = 0; i < 3; ++i) {
      source.ingest_new_rows("db", "T", 3);
      source.advance(Timespan::seconds(1));
    }
  }

  void tell(Event event) {
    now = now + Timespan::milliseconds(1);
    for (Effect& effect : core.handle(now, std::move(event))) {
      if (auto* publish = std::get_if<Publish>(&effect)) published.push_back(publish->progress);
      if (auto* write = std::get_if<RunWrite>(&effect)) check(*write);
      if (auto* commit = std::get_if<CommitRecords>(&effect)) {
        EXPECT_FALSE(committing.has_value()) << "two commits at once";
        committing = std::move(commit->records);
        continue;
      }
      effects.push_back(std::move(effect));
    }
  }

  void commit_done() {
    ASSERT_TRUE(committing.has_value());
    for (const Record& record : *committing) {
      words.emplace_back(type_word(record));
      ASSERT_TRUE(durable.apply(record).has_value());
    }
    committing.reset();
    tell(CommitDone{});
  }

  // Performs everything but commits, until nothing is left to do.
  void perform() {
    while (!effects.empty()) {
      Effect effect = std::move(effects.front());
      effects.pop_front();
      perform(effect);
    }
  }

  void run_to_end() {
    tell(Started{});
    for (int turn = 0; turn < 10'000 && !core.over(); ++turn) {
      perform();
      if (committing) {
        commit_done();
      } else if (!timers.empty()) {
        const auto first = std::min_element(
            timers.begin(), timers.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
        const SetTimer timer = *first;
        timers.erase(first);
        now = std::max(now, timer.at);
        tell(TimerDue{timer.timer});
      } else if (effects.empty()) {
        FAIL() << "the job waits for nothing";
      }
    }
    ASSERT_TRUE(core.over());
  }

  sim::SimBlobs blobs;
  sim::SimCluster source, destination;
  Ledger durable;
  JobCore core;
  Ticks now{638'000'000'000'000'000};
  std::deque<Effect> effects;
  std::deque<SetTimer> timers;
  std::optional<std::vector<Record>> committing;
  std::vector<std::string> words, request_ids;
  std::vector<Progress> published;
  int writes = 0;
  bool refuses_staging = false;
  bool closes_folders = true;
  int exports_without_answer = 0;  // the first ones

 private:
  sim::SimCluster& at(Side side) { return side == Side::source ? source : destination; }

  void check(const RunWrite& run) {
    writes += 1;
    request_ids.push_back(run.options.request_id);
    const auto any_block = [&](auto&& fits) {
      return std::any_of(durable.blocks.begin(), durable.blocks.end(),
                         [&](const auto& entry) { return fits(entry.second); });
    };
    if (const auto* start = std::get_if<kusto::StartExport>(&run.write)) {
      EXPECT_TRUE(any_block([&](const Block& block) {
        return block.state == BlockState::exporting && block.folder == start->folder_uri;
      })) << "an export ahead of its intent";
    } else if (const auto* ingest = std::get_if<kusto::StartIngest>(&run.write)) {
      EXPECT_TRUE(any_block([&](const Block& block) {
        return block.state == BlockState::ingesting && block.tag == ingest->tag;
      })) << "an ingest ahead of its intent";
      EXPECT_EQ(durable.tables.at({"T"}).staging.state, StagingState::ready);
    } else if (const auto* move = std::get_if<kusto::StartMove>(&run.write)) {
      EXPECT_TRUE(any_block([&](const Block& block) {
        return block.state == BlockState::moving && !block.extents.empty() &&
               block.extents.front().id == move->extents.front();
      })) << "a move ahead of its intent";
    } else if (std::holds_alternative<kusto::CreateStaging>(run.write)) {
      EXPECT_EQ(durable.tables.at({"T"}).staging.state, StagingState::intended);
    } else if (const auto* tags = std::get_if<kusto::DropExtentTags>(&run.write)) {
      for (const std::string& tag : tags->tags) {
        EXPECT_TRUE(any_block([&](const Block& block) {
          return block.state == BlockState::verified && block.tag == tag;
        })) << "a tag dropped ahead of its fact";
      }
    } else if (std::holds_alternative<kusto::DropTable>(run.write)) {
      EXPECT_EQ(durable.tables.at({"T"}).staging.state, StagingState::dropping);
    }
  }

  void answer(Side side, CallId call, const kusto::Command& command) {
    const auto* sent = std::get_if<kusto::Write>(&command);
    if (refuses_staging && sent && std::holds_alternative<kusto::CreateStaging>(*sent)) {
      return tell(Answered{.call = call,
                           .answer = fail(ErrorKind::denied, "kusto.denied", "no right to do so")});
    }
    auto answer = at(side).run(command, {});
    at(side).finish_all();
    if (sent && std::holds_alternative<kusto::StartExport>(*sent) && exports_without_answer > 0) {
      exports_without_answer -= 1;
      answer = fail(ErrorKind::unavailable, "kusto.no_answer", "no answer");
    }
    tell(Answered{.call = call, .answer = std::move(answer)});
  }

  void perform(Effect& effect) {
    if (auto* read = std::get_if<RunRead>(&effect)) {
      answer(read->side, read->call, kusto::Command{read->read});
    } else if (auto* write = std::get_if<RunWrite>(&effect)) {
      if (const auto* start = std::get_if<kusto::StartExport>(&write->write))
        blobs.open(start->folder_uri);
      answer(write->side, write->call, kusto::Command{write->write});
    } else if (auto* close = std::get_if<CloseFolder>(&effect)) {
      blobs.close(close->folder);
      tell(FolderAnswered{.call = close->call, .closed = closes_folders});
    } else if (auto* slot = std::get_if<AskSlot>(&effect)) {
      if (!slot->in_use) tell(SlotGranted{slot->slot});
    } else if (auto* watch = std::get_if<Watch>(&effect)) {
      auto answer =
          at(watch->side)
              .run(kusto::Command{kusto::Read{kusto::ReadOperations{.ids = {watch->operation}}}},
                   {});
      const auto& operations = std::get<kusto::OperationList>(*answer).operations;
      tell(OperationEnded{.side = watch->side, .operation = operations.at(0)});
    } else if (auto* timer = std::get_if<SetTimer>(&effect)) {
      timers.push_back(*timer);
    }
  }
};

template <class R>
const R* read_in(const std::deque<Effect>& effects) {
  for (const Effect& effect : effects) {
    const auto* run = std::get_if<RunRead>(&effect);
    if (run && std::holds_alternative<R>(run->read)) return &std::get<R>(run->read);
  }
  return nullptr;
}

template <class W>
int count_writes(const std::deque<Effect>& effects) {
  int count = 0;
  for (const Effect& effect : effects) {
    const auto* run = std::get_if<RunWrite>(&effect);
    count += run && std::holds_alternative<W>(run->write) ? 1 : 0;
  }
  return count;
}

TEST(JobCore, ReadsTheCursorBeforeTheTables) {
  Shell shell(spec_of());
  shell.tell(Started{});
  ASSERT_NE(read_in<kusto::ReadCursor>(shell.effects), nullptr);
  EXPECT_EQ(read_in<kusto::ReadTables>(shell.effects), nullptr);
  EXPECT_FALSE(shell.committing.has_value());
  const CallId call = std::get<RunRead>(shell.effects.front()).call;
  shell.effects.clear();
  shell.tell(Answered{.call = call, .answer = kusto::Answer{Cursor{"7"}}});
  EXPECT_NE(read_in<kusto::ReadTables>(shell.effects), nullptr);
  EXPECT_FALSE(shell.committing.has_value());
}

TEST(JobCore, CopiesATableWithEveryEffectBehindItsRecord) {
  Shell shell(spec_of());
  ASSERT_NO_FATAL_FAILURE(shell.run_to_end());
  EXPECT_EQ(shell.durable.state, JobState::succeeded);
  EXPECT_EQ(shell.destination.rows_of("db", "T"), shell.source.rows_of("db", "T"));
  EXPECT_TRUE(shell.destination.tables("db", "kc-stg-").empty());
  EXPECT_TRUE(shell.destination.tags("db").empty());
  EXPECT_EQ(shell.blobs.size(), 0u);
  EXPECT_GT(shell.writes, 10);
  EXPECT_EQ(shell.words.front(), "iteration_started");
  EXPECT_EQ(shell.words.back(), "job_ended");
}

TEST(JobCore, EstimatesByTheWorkDoneAndNotByTheRowsThatArrived) {
  Shell shell(spec_of());
  ASSERT_NO_FATAL_FAILURE(shell.run_to_end());
  int before_any_row = 0, estimated = 0;
  for (const Progress& at : shell.published) {
    if (!at.eta_seconds) continue;
    ++estimated;
    before_any_row += at.rows_done == 0 ? 1 : 0;
    // So far, and at this pace to the end.
    const double here = (at.as_of - shell.published.front().as_of).to_seconds();
    EXPECT_NEAR((here + *at.eta_seconds) * *at.percent, here * 100, here) << *at.percent;
  }
  EXPECT_GT(before_any_row, 0);
  EXPECT_GT(estimated, before_any_row);
  EXPECT_FALSE(shell.published.back().eta_seconds);
}

TEST(JobCore, StartsNoExportBeforeItsIntentIsCommitted) {
  Shell shell(spec_of());
  shell.tell(Started{});
  const auto intends = [&] {
    if (!shell.committing) return false;
    return std::any_of(shell.committing->begin(), shell.committing->end(), [](const Record& r) {
      return std::holds_alternative<record::ExportIntended>(r);
    });
  };
  for (int turn = 0; turn < 100 && !intends(); ++turn) {
    shell.perform();
    if (shell.committing && !intends()) shell.commit_done();
  }
  ASSERT_TRUE(intends());
  shell.perform();
  EXPECT_EQ(count_writes<kusto::StartExport>(shell.effects), 0);
  // Without an answer from the journal it may be there or not: still no export.
  shell.tell(CommitFailed{
      Error{.kind = ErrorKind::unavailable, .code = "lake.unreachable", .message = "no answer"}});
  EXPECT_EQ(count_writes<kusto::StartExport>(shell.effects), 0);
  shell.commit_done();
  EXPECT_GT(count_writes<kusto::StartExport>(shell.effects), 0);
}

TEST(JobCore, StopsAllWorkOnceItIsFenced) {
  Shell shell(spec_of());
  shell.tell(Started{});
  shell.perform();
  ASSERT_TRUE(shell.committing.has_value());
  shell.committing.reset();
  shell.tell(CommitFailed{
      Error{.kind = ErrorKind::conflict, .code = "checkpoint.fenced", .message = "taken over"}});
  EXPECT_TRUE(shell.core.over());
  ASSERT_TRUE(shell.core.abandoned().has_value());
  EXPECT_EQ(shell.core.abandoned()->code, "checkpoint.fenced");
  shell.effects.clear();
  shell.tell(CommitDone{});
  EXPECT_TRUE(shell.effects.empty());
}

TEST(JobCore, EndsBeforeAnyWriteWhereAnIncludeEntryIsNotThere) {
  Shell shell(spec_of({"Missing"}));
  ASSERT_NO_FATAL_FAILURE(shell.run_to_end());
  EXPECT_EQ(shell.durable.state, JobState::failed);
  ASSERT_TRUE(shell.durable.problem.has_value());
  EXPECT_EQ(shell.durable.problem->code, "preflight.table_not_found");
  EXPECT_EQ(shell.writes, 0);
  EXPECT_EQ(shell.words, std::vector<std::string>{"job_ended"});
}

// The blocks that wait for it would otherwise wait for ever, and the job with them.
TEST(JobCore, EndsWhereAStagingTableCannotBeMade) {
  Shell shell(spec_of());
  shell.refuses_staging = true;
  shell.run_to_end();
  EXPECT_EQ(shell.durable.state, JobState::failed);
  ASSERT_TRUE(shell.durable.problem.has_value());
  EXPECT_EQ(shell.durable.problem->code, "staging.create_failed");
  EXPECT_TRUE(shell.durable.folders.empty()) << "an export is left behind";
}

TEST(JobCore, SaysThatItWaitsForAnExportLeftBehind) {
  Shell shell(spec_of());
  shell.closes_folders = false;
  shell.exports_without_answer = 1;
  ASSERT_NO_FATAL_FAILURE(shell.run_to_end());
  EXPECT_EQ(shell.durable.state, JobState::succeeded);
  int waited = 0;
  for (const Progress& at : shell.published) {
    if (!at.status_reason.starts_with("Waiting until 1 export left behind")) continue;
    ++waited;
    EXPECT_EQ(at.phase, JobPhase::finalizing);
    EXPECT_EQ(at.rows_done, 9);
    EXPECT_FALSE(at.eta_seconds);
  }
  EXPECT_GT(waited, 0);
}

TEST(JobCore, RequestIdsNameTheStepTheBlockAndTheAttempt) {
  Shell shell(spec_of());
  ASSERT_NO_FATAL_FAILURE(shell.run_to_end());
  const std::string uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
  const std::regex any("KustoCopy\\.[a-z-]+;.*;" + uuid);
  const std::regex exported("KustoCopy\\.export;job-1/1/[0-9]+/e1;" + uuid);
  const std::regex ingested("KustoCopy\\.ingest;job-1/1/[0-9]+/i1;" + uuid);
  int exports = 0, ingests = 0;
  for (const std::string& id : shell.request_ids) {
    EXPECT_TRUE(std::regex_match(id, any)) << id;
    exports += std::regex_match(id, exported) ? 1 : 0;
    ingests += std::regex_match(id, ingested) ? 1 : 0;
  }
  EXPECT_EQ(exports, 3);
  EXPECT_EQ(ingests, 3);
  std::sort(shell.request_ids.begin(), shell.request_ids.end());
  EXPECT_EQ(std::adjacent_find(shell.request_ids.begin(), shell.request_ids.end()),
            shell.request_ids.end());
}

}  // namespace
}  // namespace kc::pipeline
