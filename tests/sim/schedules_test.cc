// The schedules that break a careless implementation (copy protocol §9), each by its name. What the
// journal alone decides (numbers freed by compaction, holes, late creates) is in
// tests/unit/checkpoint under the same names.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/world.h"

namespace kc::sim {
namespace {

using Delivery = WorldOptions::Delivery;

// No chance at all: only what the schedule says goes wrong.
WorldOptions calm(std::uint64_t seed = 7) {
  WorldOptions options;
  options.seed = seed;
  options.tables = 1;
  options.rows_min = 3;
  options.rows_max = 40;
  options.extents_max = 4;
  options.block_rows_max = 6;
  options.plan_groups_max = 2;
  options.new_rows = false;
  return options;
}

// Plays the schedule under several orders of everything else.
void expect_end(WorldOptions options, JobState end) {
  const bool has_script = !options.deliveries.empty() || !options.endings.empty() ||
                          !options.on_command.empty() || !options.crash_before_commit.empty() ||
                          !options.crash_after_commit.empty();
  int scripted = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    options.seed = seed;
    const Verdict verdict = World(options).run();
    ASSERT_TRUE(verdict.held) << "seed " << seed << " broke " << to_string(verdict.broken) << ": "
                              << verdict.detail;
    ASSERT_EQ(verdict.end, end) << "seed " << seed;
    scripted += verdict.scripted;
  }
  EXPECT_EQ(scripted > 0, has_script) << "the schedule was never played";
}
void expect_exact(const WorldOptions& options) { expect_end(options, JobState::succeeded); }

TEST(Schedule, NothingGoesWrong) { expect_exact(calm()); }

TEST(Schedule, MoveAnsweredLateAfterRecoveryMovedAgain) {
  WorldOptions options = calm();
  options.deliveries[{"move", 1}] = Delivery::applied_late;
  options.deliveries[{"move", 2}] = Delivery::applied_late;
  expect_exact(options);
}

TEST(Schedule, MoveLandsBetweenReadingTheTwoTables) {
  WorldOptions options = calm();
  options.deliveries[{"move", 1}] = Delivery::answer_lost;
  for (const int reading : {2, 3, 4}) {
    // The stage check is the first reading; those that settle come after it.
    options.on_command[{"read-extents", reading}] = [](World& world) {
      world.destination().finish_all();
    };
  }
  expect_exact(options);
}

TEST(Schedule, OldOwnersMoveArrivesAfterTakeoverAndCancel) {
  WorldOptions options = calm();
  options.deliveries[{"move", 1}] = Delivery::applied_late;
  options.crash_after_commit = {{"move_intended", 2}};
  options.on_command[{"read-extents", 3}] = [](World& world) {
    world.at_later(Timespan::milliseconds(1), [&world] { world.cancel_now(); });
  };
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    options.seed = seed;
    const Verdict verdict = World(options).run();
    ASSERT_TRUE(verdict.held) << "seed " << seed << " broke " << to_string(verdict.broken) << ": "
                              << verdict.detail;
    ASSERT_TRUE(is_terminal(verdict.end));
  }
}

TEST(Schedule, OperationReadsFailedButWasApplied) {
  for (const char* what : {"export", "ingest", "move"}) {
    WorldOptions options = calm();
    options.endings[{what, 1}] = Ending::failed_but_applied;
    options.endings[{what, 2}] = Ending::failed_but_applied;
    SCOPED_TRACE(what);
    expect_exact(options);
  }
}

TEST(Schedule, OperationIsAbandonedAndAppliedMinutesLater) {
  for (const char* what : {"export", "ingest", "move"}) {
    for (const bool closes : {true, false}) {
      WorldOptions options = calm();
      options.closes_folders = closes;
      options.endings[{what, 1}] = Ending::abandoned_and_applied_later;
      options.endings[{what, 2}] = Ending::failed_and_applied_soon;
      SCOPED_TRACE(what);
      expect_exact(options);
    }
  }
}

TEST(Schedule, AClusterThatRestartsManyTimesIsNoFaultOfTheBlocks) {
  for (const char* what : {"export", "ingest", "move"}) {
    WorldOptions options = calm();
    options.max_failures = 1;
    for (int nth = 1; nth <= 12; ++nth) {
      options.endings[{what, nth}] = Ending::abandoned_without_effect;
    }
    SCOPED_TRACE(what);
    expect_exact(options);
  }
}

TEST(Schedule, CrashBetweenTheFirstPlannedAndPlanDoneWithBlockOneAlreadyMoved) {
  WorldOptions options = calm();
  options.plan_groups_max = 1;
  options.crash_after_commit = {{"moved", 1}};
  expect_exact(options);
}

TEST(Schedule, ColumnAddedBetweenSchemaReadAndTo) {
  WorldOptions options = calm();
  options.on_command[{"read-tables", 1}] = [](World& world) {
    world.source().set_schema("Samples", "T0",
                              {.columns = {{"Id", ScalarType::long_},
                                           {"Text", ScalarType::string_},
                                           {"New", ScalarType::long_}},
                               .folder = {},
                               .docstring = {}});
  };
  World world(options);
  const Verdict verdict = world.run();
  ASSERT_TRUE(verdict.held) << verdict.detail;
  ASSERT_EQ(verdict.end, JobState::succeeded);
  // `to` was taken before: whatever the window holds, the schema that is copied knows the column.
  EXPECT_EQ(world.truth().tables.at({"T0"}).schema.columns.size(), 3u);
}

TEST(Schedule, ColumnsReorderedBetweenTwoExports) {
  WorldOptions options = calm();
  options.on_command[{"export", 2}] = [](World& world) {
    world.source().set_schema(
        "Samples", "T0",
        {.columns = {{"Text", ScalarType::string_}, {"Id", ScalarType::long_}},
         .folder = {},
         .docstring = {}});
  };
  expect_exact(options);
}

TEST(Schedule, TagRemovedByTheDatabasesTagRetention) {
  WorldOptions options = calm();
  options.rows_max = 6;
  options.extents_max = 1;
  // Every reading after the move finds no tag: never a second copy, never a silent success.
  for (int reading = 2; reading < 100; ++reading) {
    options.on_command[{"read-extents", reading}] = [](World& world) {
      world.destination().finish_all();
      world.destination().drop_tags("Samples", "drop-by:");
    };
  }
  World world(options);
  const Verdict verdict = world.run();
  ASSERT_TRUE(verdict.held) << verdict.detail;
  EXPECT_EQ(verdict.end, JobState::failed);
  ASSERT_TRUE(world.truth().problem.has_value());
  EXPECT_EQ(world.truth().problem->code, "move.unknown");
}

TEST(Schedule, LateDropOfAStagingTable) {
  WorldOptions options = calm();
  options.tables = 2;
  options.deliveries[{"drop-table", 1}] = Delivery::applied_late;
  options.deliveries[{"drop-table", 2}] = Delivery::applied_late;
  expect_exact(options);
}

TEST(Schedule, CrashBetweenCreateAndPoliciesOfAStagingTable) {
  WorldOptions options = calm();
  options.on_command[{"set-policies", 1}] = [](World& world) { world.crash_now(); };
  options.deliveries[{"set-policies", 1}] = Delivery::applied_late;
  expect_exact(options);
}

TEST(Schedule, LateCreateOfAStagingTableAfterItsDrop) {
  WorldOptions options = calm();
  options.rows_max = 4;
  options.deliveries[{"create-staging", 1}] = Delivery::applied_late;
  expect_exact(options);
}

TEST(Schedule, ExtentsMergedInStagingBetweenCheckAndMove) {
  WorldOptions options = calm();
  for (const int nth : {1, 2, 3}) {
    options.on_command[{"move", nth}] = [](World& world) {
      for (const auto& table : world.destination().tables("Samples", "kc-stg-")) {
        world.destination().merge_extents("Samples", table);
      }
    };
  }
  expect_exact(options);
}

TEST(Schedule, RetentionDropsSourceRowsBetweenPlanAndExport) {
  WorldOptions options = calm();
  options.on_command[{"export", 1}] = [](World& world) { world.drop_oldest("T0"); };
  options.retention = true;
  expect_exact(options);
}

TEST(Schedule, ExportListedAsFailedThatStillWritesBlobs) {
  for (const bool closes : {true, false}) {
    WorldOptions options = calm();
    options.closes_folders = closes;
    options.endings[{"export", 1}] = Ending::abandoned_and_applied_later;
    options.endings[{"export", 2}] = Ending::failed_partly_applied;
    options.endings[{"export", 3}] = Ending::failed_and_applied_soon;
    expect_exact(options);
  }
}

// On a lake whose grants only expire, here after a day.
TEST(Schedule, AnExportInDoubtHoldsTheJobUpOnlyUntilNoneRuns) {
  for (const Delivery delivery :
       {Delivery::request_lost, Delivery::answer_lost, Delivery::applied_late}) {
    WorldOptions options = calm();
    options.closes_folders = false;
    options.grant_life = Timespan::seconds(86400);
    options.ends_within = Timespan::seconds(600);
    options.deliveries[{"export", 1}] = delivery;
    SCOPED_TRACE(static_cast<int>(delivery));
    expect_exact(options);
  }
}

TEST(Schedule, AProcessThatDiedInAnExportDoesNotCostTheLifeOfAGrant) {
  for (const bool started : {true, false}) {
    WorldOptions options = calm();
    options.closes_folders = false;
    options.grant_life = Timespan::seconds(86400);
    options.ends_within = Timespan::seconds(600);
    (started ? options.crash_before_commit : options.crash_after_commit)
        .insert({started ? "export_started" : "export_intended", 1});
    expect_exact(options);
  }
}

TEST(Schedule, ACancelWaitsForTheEndOfTheExportsAndNotOfTheirGrants) {
  WorldOptions options = calm();
  options.closes_folders = false;
  options.grant_life = Timespan::seconds(86400);
  options.ends_within = Timespan::seconds(600);
  options.on_command[{"export", 1}] = [](World& world) {
    world.at_later(Timespan::milliseconds(10), [&world] { world.cancel_now(); });
  };
  expect_end(options, JobState::canceled);
}

// The blocks that were given up, and those that had been exported when the job stopped.
TEST(Schedule, AJobThatFailedIsResumedToAnExactEnd) {
  for (const char* what : {"export", "ingest", "move"}) {
    for (const bool closes : {true, false}) {
      for (const OnError on_error : {OnError::continue_, OnError::stop}) {
        WorldOptions options = calm();
        options.tables = 2;
        options.closes_folders = closes;
        options.on_error = on_error;
        options.max_failures = 1;
        options.resumes = 1;
        options.endings[{what, 2}] = Ending::failed_without_effect;
        SCOPED_TRACE(what);
        expect_exact(options);
      }
    }
  }
}

TEST(Schedule, TwentyRestartsOfOneHealthyBlock) {
  WorldOptions options = calm();
  options.rows_max = 4;
  options.extents_max = 1;
  options.max_failures = 1;  // a restart is no failure
  for (int nth = 1; nth <= 20; ++nth) options.crash_after_commit.insert({"export_intended", nth});
  World world(options);
  const Verdict verdict = world.run();
  ASSERT_TRUE(verdict.held) << verdict.detail;
  EXPECT_EQ(verdict.end, JobState::succeeded);
  EXPECT_EQ(verdict.crashes, 20);
}

TEST(Schedule, ClockStepsByHoursOnEitherSide) {
  WorldOptions options = calm();
  options.clock_steps = true;
  options.new_rows = true;
  for (const int nth : {1, 2}) {
    options.on_command[{"export", nth}] = [nth](World& world) {
      world.source().advance(Timespan::seconds(nth == 1 ? 3 * 3600 : -5 * 3600));
    };
    options.on_command[{"move", nth}] = [nth](World& world) {
      world.destination().advance(Timespan::seconds(nth == 1 ? -4 * 3600 : 6 * 3600));
    };
  }
  expect_exact(options);
}

TEST(Schedule, CrashBeforeAndAfterEveryKindOfCommit) {
  for (const char* word : {"iteration_started", "destination_ready",     "planned",
                           "plan_done",         "export_intended",       "export_started",
                           "exported",          "folder_closed",         "staging_intended",
                           "staging_ready",     "staging_drop_intended", "staging_dropped",
                           "ingest_intended",   "ingest_started",        "staged",
                           "move_intended",     "move_started",          "moved",
                           "verified",          "tags_dropped",          "table_done",
                           "job_ended"}) {
    SCOPED_TRACE(word);
    for (const bool before : {true, false}) {
      WorldOptions options = calm();
      (before ? options.crash_before_commit : options.crash_after_commit) = {{word, 1}, {word, 2}};
      for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        options.seed = seed;
        const Verdict verdict = World(options).run();
        ASSERT_TRUE(verdict.held) << "seed " << seed << " broke " << to_string(verdict.broken)
                                  << ": " << verdict.detail;
        ASSERT_EQ(verdict.end, JobState::succeeded);
        ASSERT_GT(verdict.crashes, 0);
      }
    }
  }
}

TEST(Schedule, CancelAtEveryMoment) {
  for (std::int64_t at = 100; at < 40'000; at += 650) {
    WorldOptions options = calm(static_cast<std::uint64_t>(at));
    options.tables = 2;
    World world(options);
    world.at_later(Timespan::milliseconds(at), [&world] { world.cancel_now(); });
    const Verdict verdict = world.run();
    ASSERT_TRUE(verdict.held) << "at " << at << " ms: " << verdict.detail;
    ASSERT_TRUE(verdict.end == JobState::canceled || verdict.end == JobState::succeeded);
  }
}

// ---- Queued ingestion: at least once, and whenever it likes.

WorldOptions queued() {
  WorldOptions options = calm();
  options.queues = true;
  options.ingest = IngestChoice::queued;
  return options;
}

TEST(QueuedSchedule, NothingGoesWrong) { expect_exact(queued()); }

TEST(QueuedSchedule, BlobADeliveredTwiceWhileBIsNotYetThere) {
  WorldOptions options = queued();
  for (const int nth : {1, 2, 3}) options.endings[{"queue", nth}] = Ending::first_twice_last_later;
  expect_exact(options);
}

TEST(QueuedSchedule, EveryBlobOfTheFirstAttemptsComesTwice) {
  WorldOptions options = queued();
  for (const int nth : {1, 2}) options.endings[{"queue", nth}] = Ending::delivered_twice;
  expect_exact(options);
}

TEST(QueuedSchedule, ADuplicateComesMinutesAfterTheOutcomeWasTold) {
  WorldOptions options = queued();
  for (int nth = 1; nth <= 9; ++nth)
    options.endings[{"queue", nth}] = Ending::delivered_again_later;
  expect_exact(options);
}

TEST(QueuedSchedule, ADuplicateComesWhileTheMoveIsInDoubt) {
  WorldOptions options = queued();
  for (int nth = 1; nth <= 9; ++nth)
    options.endings[{"queue", nth}] = Ending::delivered_again_later;
  options.deliveries[{"move", 1}] = Delivery::applied_late;
  options.deliveries[{"move", 2}] = Delivery::request_lost;
  for (const int reading : {2, 3, 4}) {
    options.on_command[{"read-extents", reading}] = [](World& world) {
      world.destination().finish_all();
    };
  }
  expect_exact(options);
}

TEST(QueuedSchedule, MessagesThatAreLostForGoodAreSentAgain) {
  WorldOptions options = queued();
  for (const int nth : {1, 2}) options.endings[{"queue", nth}] = Ending::abandoned_without_effect;
  expect_exact(options);
}

TEST(QueuedSchedule, MessagesThatComeLateLandUnderATagThatIsNeverMoved) {
  WorldOptions options = queued();
  options.deliveries[{"queue", 1}] = Delivery::answer_lost;
  options.deliveries[{"queue", 2}] = Delivery::applied_late;
  options.crash_before_commit = {{"ingest_started", 1}, {"ingest_started", 2}};
  expect_exact(options);
}

TEST(QueuedSchedule, AnIngestionThatAProcessQueuedIsFollowedByTheNext) {
  WorldOptions options = queued();
  options.crash_after_commit = {{"ingest_started", 1}, {"ingest_started", 3}};
  expect_exact(options);
}

TEST(QueuedSchedule, WithoutDataManagementAutoIsDirectAndQueuedIsRefused) {
  WorldOptions options = queued();
  options.queues = false;
  options.ingest = IngestChoice::auto_;
  expect_exact(options);
  options.ingest = IngestChoice::queued;
  expect_end(options, JobState::failed);
}

}  // namespace
}  // namespace kc::sim
