#include "core/cluster/cluster_core.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <set>

namespace kc::cluster {
namespace {

constexpr Ticks kStart{638'000'000'000'000'000};

Uuid operation_number(int n) {
  Uuid id;
  id.bytes[14] = static_cast<std::uint8_t>(n >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

Operation told(const Uuid& id, OperationOutcome outcome = OperationOutcome::running) {
  Operation operation;
  operation.id = id;
  operation.outcome = outcome;
  return operation;
}

// A shell with a clock of its own: keeps only the last wake, as the effect promises.
class Shell {
 public:
  explicit Shell(ClusterLimits limits = {}) : core(limits) {}

  std::vector<Effect> tell(Event event) {
    auto effects = core.handle(now, std::move(event));
    for (const Effect& effect : effects) {
      if (const auto* wake = std::get_if<WakeAt>(&effect)) wake_at = wake->at;
      if (std::holds_alternative<Poll>(effect)) polls_under_way += 1;
      if (std::holds_alternative<PollQueued>(effect)) queued_under_way += 1;
      if (std::holds_alternative<AskCapacity>(effect)) capacity_under_way += 1;
      EXPECT_LE(polls_under_way, 1);
      EXPECT_LE(queued_under_way, 1);
      EXPECT_LE(capacity_under_way, 1);
    }
    return effects;
  }
  std::vector<Effect> polled(Result<std::vector<Operation>> operations) {
    polls_under_way -= 1;
    return tell(Polled{.queued = false, .operations = std::move(operations)});
  }
  std::vector<Effect> polled_queued(Result<std::vector<Operation>> operations) {
    queued_under_way -= 1;
    return tell(Polled{.queued = true, .operations = std::move(operations)});
  }
  std::vector<Effect> capacity(int exports, int ingestions, int queries = 100) {
    capacity_under_way -= 1;
    return tell(CapacityAnswered{std::vector<Capacity>{{"data-export", exports, 0, exports},
                                                       {"Ingestions", ingestions, 0, ingestions},
                                                       {"queries", queries, 0, queries}}});
  }
  // To the moment that the core asked for; false where it asked for none.
  bool sleep(std::vector<Effect>& effects) {
    if (!wake_at) return false;
    now = std::max(now, *wake_at);
    wake_at.reset();
    effects = tell(TimerDue{});
    return true;
  }
  void join(JobKey job, Shares shares = {}) { tell(JobJoined{.job = job, .shares = shares}); }
  std::vector<Effect> ask(JobKey job, SlotId slot, SlotKind kind = SlotKind::export_,
                          bool in_use = false) {
    return tell(SlotAsked{.job = job, .slot = slot, .kind = kind, .in_use = in_use});
  }

  ClusterCore core;
  Ticks now = kStart;
  std::optional<Ticks> wake_at;
  int polls_under_way = 0, queued_under_way = 0, capacity_under_way = 0;
};

template <class E>
std::vector<E> only(const std::vector<Effect>& effects) {
  std::vector<E> out;
  for (const Effect& effect : effects) {
    if (const auto* one = std::get_if<E>(&effect)) out.push_back(*one);
  }
  return out;
}

TEST(ClusterCore, GrantsNothingBeforeTheCapacityIsKnownThenUpToTheLimit) {
  Shell shell;
  shell.join(1);
  EXPECT_EQ(shell.capacity_under_way, 1);
  for (SlotId slot = 1; slot <= 5; ++slot) EXPECT_TRUE(only<GrantSlot>(shell.ask(1, slot)).empty());
  const auto granted = only<GrantSlot>(shell.capacity(3, 2));
  ASSERT_EQ(granted.size(), 3u);
  for (SlotId i = 0; i < 3; ++i) EXPECT_EQ(granted[i].slot, i + 1);
  EXPECT_EQ(shell.core.slots(1, SlotKind::export_).used, 3);
  EXPECT_EQ(shell.core.slots(1, SlotKind::export_).limit, 3);
  const auto next = only<GrantSlot>(shell.tell(SlotReturned{.job = 1, .slot = 2}));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].slot, 4u);
}

TEST(ClusterCore, SharesAreCountsOrPercentagesAndAtLeastOne) {
  Shell shell;
  shell.join(1, {.query = {.percent = true, .amount = 10},
                 .export_ = {.percent = true, .amount = 50},
                 .ingestion = {.percent = false, .amount = 3}});
  shell.join(2, {.query = {.percent = true, .amount = 1},
                 .export_ = {.percent = true, .amount = 1},
                 .ingestion = {.percent = false, .amount = 500}});
  shell.capacity(20, 8);
  EXPECT_EQ(shell.core.slots(1, SlotKind::query).limit, 10);
  EXPECT_EQ(shell.core.slots(1, SlotKind::export_).limit, 10);
  EXPECT_EQ(shell.core.slots(1, SlotKind::ingestion).limit, 3);
  EXPECT_EQ(shell.core.slots(2, SlotKind::query).limit, ClusterLimits{}.query_slots_min);
  EXPECT_EQ(shell.core.slots(2, SlotKind::export_).limit, 1);
  EXPECT_EQ(shell.core.slots(2, SlotKind::ingestion).limit, 8);
}

TEST(ClusterCore, CountsSlotsThatAreInUseAlreadyWhateverTheLimit) {
  Shell shell;
  shell.join(1);
  for (SlotId slot = 1; slot <= 3; ++slot)
    EXPECT_TRUE(only<GrantSlot>(shell.ask(1, slot, SlotKind::export_, true)).empty());
  shell.ask(1, 4);
  EXPECT_TRUE(only<GrantSlot>(shell.capacity(2, 2)).empty());
  EXPECT_EQ(shell.core.slots(1, SlotKind::export_).used, 3);
  EXPECT_TRUE(only<GrantSlot>(shell.tell(SlotReturned{.job = 1, .slot = 1})).empty());
  EXPECT_EQ(only<GrantSlot>(shell.tell(SlotReturned{.job = 1, .slot = 2})).size(), 1u);
}

TEST(ClusterCore, ReturnedSlotsGoRoundTheJobs) {
  Shell shell;
  shell.join(1);
  shell.join(2);
  std::deque<GrantSlot> held;
  std::map<JobKey, int> granted;
  const auto take = [&](const std::vector<Effect>& effects) {
    for (const auto& grant : only<GrantSlot>(effects)) {
      held.push_back(grant);
      granted[grant.job] += 1;
    }
  };
  for (SlotId slot = 1; slot <= 500; ++slot) {
    take(shell.ask(1, slot));
    take(shell.ask(2, 1000 + slot));
  }
  take(shell.capacity(4, 4));
  ASSERT_EQ(held.size(), 4u);
  for (int round = 0; round < 400; ++round) {
    const GrantSlot oldest = held.front();
    held.pop_front();
    take(shell.tell(SlotReturned{.job = oldest.job, .slot = oldest.slot}));
    ASSERT_EQ(held.size(), 4u);
  }
  EXPECT_NEAR(granted[1], granted[2], 4);
}

TEST(ClusterCore, CallsWaitForQuerySlotsAndStartsThatHoldTheirSlotDoNot) {
  Shell shell;
  shell.join(1);
  const int most = ClusterLimits{}.query_slots_min;
  int dispatched = 0;
  for (CallId call = 1; call <= 10; ++call)
    dispatched += static_cast<int>(only<Dispatch>(shell.tell(CallAsked{1, call})).size());
  EXPECT_EQ(dispatched, most);
  EXPECT_EQ(only<Dispatch>(shell.tell(CallAsked{1, 50, SlotKind::export_})).size(), 1u);
  EXPECT_EQ(only<Dispatch>(shell.tell(CallAsked{1, 51, SlotKind::ingestion})).size(), 1u);
  EXPECT_TRUE(only<Dispatch>(shell.tell(CallAnswered{1, 50})).empty());
  const auto next = only<Dispatch>(shell.tell(CallAnswered{1, 1}));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].call, static_cast<CallId>(most + 1));
  EXPECT_TRUE(only<Dispatch>(shell.tell(CallAnswered{1, 1})).empty());  // the same answer twice
}

TEST(ClusterCore, CallsOfAllJobsShareTheQuerySlotsInTurns) {
  ClusterLimits limits;
  limits.query_slots_min = 3;
  Shell shell(limits);
  const Shares all{.query = {.percent = true, .amount = 100}};
  shell.join(1, all);
  shell.join(2, all);
  shell.capacity(1, 1, 6);
  std::map<JobKey, int> dispatched;
  std::deque<Dispatch> running;
  const auto take = [&](const std::vector<Effect>& effects) {
    for (const auto& one : only<Dispatch>(effects)) {
      dispatched[one.job] += 1;
      running.push_back(one);
    }
  };
  for (CallId call = 1; call <= 50; ++call) take(shell.tell(CallAsked{1, call}));
  EXPECT_EQ(running.size(), 6u) << "more calls at once than the cluster can bear";
  for (CallId call = 1; call <= 50; ++call) take(shell.tell(CallAsked{2, call}));
  EXPECT_EQ(running.size(), 6u) << "each job took the whole cluster";
  for (int answered = 0; answered < 40; ++answered) {
    const Dispatch one = running.front();
    running.pop_front();
    take(shell.tell(CallAnswered{one.job, one.call}));
    ASSERT_EQ(running.size(), 6u);
  }
  EXPECT_NEAR(dispatched[1] - 6, dispatched[2], 1);
}

TEST(ClusterCore, SlotsThatComeFreeTogetherAreDealtOneToEachJob) {
  Shell shell;
  shell.join(1);
  shell.join(2);
  for (SlotId slot = 1; slot <= 10; ++slot) {
    shell.ask(1, slot);
    shell.ask(2, slot);
  }
  std::map<JobKey, int> granted;
  for (const auto& grant : only<GrantSlot>(shell.capacity(6, 1))) granted[grant.job] += 1;
  EXPECT_EQ(granted[1], 3);
  EXPECT_EQ(granted[2], 3);
}

TEST(ClusterCore, WhatComesForAJobThatLeftChangesNothing) {
  Shell shell;
  shell.join(1);
  shell.capacity(1, 1, 1);
  shell.tell(CallAsked{1, 1});
  shell.ask(1, 1);
  shell.tell(JobLeft{1});
  EXPECT_TRUE(shell.tell(CallAnswered{1, 1, true}).empty());
  EXPECT_FALSE(shell.core.throttled());
  EXPECT_TRUE(shell.tell(SlotReturned{.job = 1, .slot = 1}).empty());
  EXPECT_TRUE(only<GrantSlot>(shell.ask(1, 2)).empty());
  EXPECT_TRUE(only<Dispatch>(shell.tell(CallAsked{1, 2, SlotKind::export_})).empty());
  shell.tell(WatchAsked{1, operation_number(1), SlotKind::export_});
  shell.now = shell.now + Timespan::seconds(30);
  EXPECT_TRUE(only<Poll>(shell.tell(TimerDue{})).empty());
  shell.join(2);
  EXPECT_EQ(only<GrantSlot>(shell.ask(2, 1)).size(), 1u) << "the slot of the job that left";
}

TEST(ClusterCore, AsksForAllOperationsInOneCallAndOneCallAtATime) {
  Shell shell;
  shell.join(1);
  for (int n = 0; n < 30; ++n) shell.tell(WatchAsked{1, operation_number(n), SlotKind::export_});
  std::vector<Effect> effects;
  ASSERT_TRUE(shell.sleep(effects));
  const auto polls = only<Poll>(effects);
  ASSERT_EQ(polls.size(), 1u);
  EXPECT_EQ(polls[0].operations.size(), 30u);
  EXPECT_EQ(shell.now - kStart, ClusterLimits{}.poll_first);
  shell.now = shell.now + Timespan::seconds(100);
  EXPECT_TRUE(only<Poll>(shell.tell(TimerDue{})).empty());
  const auto ended = only<TellEnded>(
      shell.polled(std::vector<Operation>{told(operation_number(3), OperationOutcome::completed)}));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].operation.id, operation_number(3));
}

TEST(ClusterCore, NamesNoMoreOperationsInOneCallThanItMay) {
  Shell shell({.poll_ids_max = 10});
  shell.join(1);
  for (int n = 0; n < 25; ++n) shell.tell(WatchAsked{1, operation_number(n), SlotKind::export_});
  std::vector<Effect> effects;
  ASSERT_TRUE(shell.sleep(effects));
  std::set<Uuid> asked;
  for (int turn = 0; turn < 200 && asked.size() < 25; ++turn) {
    for (const auto& poll : only<Poll>(effects)) {
      EXPECT_LE(poll.operations.size(), 10u);
      std::vector<Operation> running;
      for (const Uuid& id : poll.operations) {
        asked.insert(id);
        running.push_back(told(id));
      }
      effects = shell.polled(running);
    }
    if (only<Poll>(effects).empty()) {
      ASSERT_TRUE(shell.sleep(effects));
    }
  }
  EXPECT_EQ(asked.size(), 25u);
}

TEST(ClusterCore, AsksLessOftenTheLongerAnOperationRuns) {
  Shell shell;
  shell.join(1);
  shell.capacity(1, 1);
  shell.tell(WatchAsked{1, operation_number(1), SlotKind::export_});
  std::vector<Timespan> pauses;
  std::vector<Effect> effects;
  Ticks last = shell.now;
  while (shell.now - kStart < Timespan::seconds(50)) {
    ASSERT_TRUE(shell.sleep(effects));
    if (only<Poll>(effects).empty()) continue;
    pauses.push_back(shell.now - last);
    last = shell.now;
    shell.polled(std::vector<Operation>{told(operation_number(1))});
  }
  EXPECT_TRUE(std::is_sorted(pauses.begin(), pauses.end()));
  EXPECT_EQ(pauses.front(), ClusterLimits{}.poll_first);
  EXPECT_EQ(pauses.back(), ClusterLimits{}.poll_max);
  EXPECT_LT(pauses.size(), 100u);
}

TEST(ClusterCore, AnOperationIsLostOnlyAfterBothFormsWereTried) {
  Shell shell;
  shell.join(1);
  shell.tell(WatchAsked{1, operation_number(1), SlotKind::export_});
  bool older_tried = false;
  std::vector<Effect> effects;
  for (int turn = 0; turn < 1000; ++turn) {
    ASSERT_TRUE(shell.sleep(effects));
    for (const auto& poll : only<Poll>(effects)) {
      if (poll.older_than_window) {
        EXPECT_GE(shell.now - kStart, ClusterLimits{}.lost_after);
        older_tried = true;
      }
      const auto lost = only<TellLost>(shell.polled(std::vector<Operation>{}));
      if (lost.empty()) continue;
      EXPECT_TRUE(older_tried);
      EXPECT_EQ(lost[0].operation, operation_number(1));
      return;
    }
    if (shell.capacity_under_way > 0) shell.capacity(1, 1);
  }
  FAIL() << "never lost";
}

TEST(ClusterCore, AReadingThatFailedSaysNothingAboutOperations) {
  Shell shell;
  shell.join(1);
  shell.tell(WatchAsked{1, operation_number(1), SlotKind::export_});
  std::vector<Effect> effects;
  ASSERT_TRUE(shell.sleep(effects));
  const Ticks failed_at = shell.now;
  effects = shell.polled(fail(ErrorKind::unavailable, "kusto.no_answer", "no answer"));
  EXPECT_TRUE(only<TellLost>(effects).empty());
  ASSERT_TRUE(shell.sleep(effects));
  EXPECT_EQ(only<Poll>(effects).size(), 1u);
  EXPECT_EQ(shell.now - failed_at, ClusterLimits{}.poll_retry);
}

TEST(ClusterCore, AReadingOfQueuesDoesNotHoldUpOneOfOperations) {
  Shell shell;
  shell.join(1);
  shell.tell(WatchAsked{1, operation_number(1), SlotKind::queued, 3});
  std::vector<Effect> effects;
  ASSERT_TRUE(shell.sleep(effects));
  const auto queued = only<PollQueued>(effects);
  ASSERT_EQ(queued.size(), 1u);
  EXPECT_EQ(queued[0].ingestions.at(0).operation, operation_number(1));
  EXPECT_EQ(queued[0].ingestions.at(0).blobs, 3);
  // Its answer is still to come.
  shell.tell(WatchAsked{1, operation_number(2), SlotKind::export_});
  ASSERT_TRUE(shell.sleep(effects));
  const auto polls = only<Poll>(effects);
  ASSERT_EQ(polls.size(), 1u);
  EXPECT_EQ(polls[0].operations, std::vector<Uuid>{operation_number(2)});
  const auto ended = only<TellEnded>(shell.polled_queued(
      std::vector<Operation>{told(operation_number(1), OperationOutcome::completed)}));
  ASSERT_EQ(ended.size(), 1u);
}

TEST(ClusterCore, EveryQueuedIngestionHasItsTurnToBeAskedAbout) {
  Shell shell({.queued_ids_max = 2});
  shell.join(1);
  for (int n = 0; n < 9; ++n) shell.tell(WatchAsked{1, operation_number(n), SlotKind::queued, 1});
  std::vector<Effect> effects;
  std::set<Uuid> asked;
  ASSERT_TRUE(shell.sleep(effects));
  for (int turn = 0; turn < 30 && asked.size() < 9; ++turn) {
    for (const auto& poll : only<PollQueued>(effects)) {
      EXPECT_LE(poll.ingestions.size(), 2u);
      std::vector<Operation> running;
      for (const auto& one : poll.ingestions) {
        asked.insert(one.operation);
        running.push_back(told(one.operation));
      }
      // Each answer takes so long that those that were asked first are due again.
      shell.now = shell.now + Timespan::seconds(10);
      effects = shell.polled_queued(running);
    }
    if (only<PollQueued>(effects).empty()) {
      ASSERT_TRUE(shell.sleep(effects));
    }
  }
  EXPECT_EQ(asked.size(), 9u);
}

TEST(ClusterCore, AQueuedIngestionWithoutAnOutcomeIsLostInTheEnd) {
  Shell shell;
  shell.join(1);
  shell.tell(WatchAsked{1, operation_number(1), SlotKind::queued, 1});
  std::vector<Effect> effects;
  for (int turn = 0; turn < 100'000; ++turn) {
    ASSERT_TRUE(shell.sleep(effects));
    if (shell.capacity_under_way > 0) shell.capacity(1, 1);
    for ([[maybe_unused]] const auto& poll : only<PollQueued>(effects)) {
      const auto lost =
          only<TellLost>(shell.polled_queued(std::vector<Operation>{told(operation_number(1))}));
      if (lost.empty()) continue;
      EXPECT_GT(shell.now - kStart, ClusterLimits{}.queued_life);
      return;
    }
  }
  FAIL() << "never lost";
}

TEST(ClusterCore, QueuedIngestionsTakeNoSlotOfTheCluster) {
  Shell shell({.queued_max = 3});
  shell.join(1, {.query = {.percent = true, .amount = 10}, .export_ = {}, .ingestion = {}});
  shell.capacity(1, 1);
  std::size_t granted = 0;
  for (SlotId slot = 1; slot <= 5; ++slot)
    granted += only<GrantSlot>(shell.ask(1, slot, SlotKind::queued)).size();
  EXPECT_EQ(granted, 3u);
  EXPECT_EQ(only<GrantSlot>(shell.ask(1, 9, SlotKind::ingestion)).size(), 1u);
  shell.join(2, {.query = {}, .export_ = {}, .ingestion = {.percent = false, .amount = 2}});
  EXPECT_EQ(shell.core.slots(2, SlotKind::queued).limit, 2);
}

TEST(ClusterCore, AThrottleHalvesTheSlotsAndTheyComeBack) {
  Shell shell;
  shell.join(1);
  shell.capacity(8, 8);
  for (SlotId slot = 1; slot <= 8; ++slot) shell.ask(1, slot);
  shell.tell(CallAsked{1, 1, SlotKind::export_});
  shell.tell(CallAnswered{.job = 1, .call = 1, .throttled = true});
  EXPECT_TRUE(shell.core.throttled());
  EXPECT_EQ(shell.core.slots(1, SlotKind::export_).limit, 4);
  EXPECT_EQ(shell.core.slots(1, SlotKind::ingestion).limit, 8);
  std::vector<Effect> effects;
  std::vector<int> limits{4};
  while (shell.core.throttled()) {
    ASSERT_TRUE(shell.sleep(effects));
    if (shell.capacity_under_way > 0) shell.capacity(8, 8);
    const int limit = *shell.core.slots(1, SlotKind::export_).limit;
    if (limit != limits.back()) limits.push_back(limit);
  }
  EXPECT_EQ(limits, (std::vector{4, 5, 6, 7, 8}));
  EXPECT_GE(shell.now - kStart, Timespan::seconds(4 * 30));
}

TEST(ClusterCore, NeverFallsBelowOneSlot) {
  Shell shell;
  shell.join(1);
  shell.capacity(2, 2);
  for (CallId call = 1; call <= 6; ++call) {
    shell.tell(CallAsked{1, call, SlotKind::export_});
    shell.tell(CallAnswered{.job = 1, .call = call, .throttled = true});
  }
  EXPECT_EQ(shell.core.slots(1, SlotKind::export_).limit, 1);
  EXPECT_EQ(only<GrantSlot>(shell.ask(1, 1)).size(), 1u);
}

TEST(ClusterCore, WithoutTheRightToReadTheCapacityItTakesOneOfEach) {
  Shell shell;
  shell.join(1);
  shell.ask(1, 1);
  shell.ask(1, 2);
  shell.ask(1, 3, SlotKind::ingestion);
  shell.ask(1, 4, SlotKind::ingestion);
  shell.capacity_under_way -= 1;
  const auto granted = only<GrantSlot>(
      shell.tell(CapacityAnswered{fail(ErrorKind::denied, "kusto.denied", "not allowed")}));
  ASSERT_EQ(granted.size(), 2u);
  EXPECT_EQ(granted[0].slot, 1u);
  EXPECT_EQ(granted[1].slot, 3u);
}

TEST(ClusterCore, AnUnansweredCapacityIsAskedForAgain) {
  Shell shell;
  shell.join(1);
  shell.ask(1, 1);
  shell.capacity_under_way -= 1;
  shell.tell(CapacityAnswered{fail(ErrorKind::unavailable, "kusto.no_answer", "no answer")});
  std::vector<Effect> effects;
  ASSERT_TRUE(shell.sleep(effects));
  EXPECT_EQ(only<AskCapacity>(effects).size(), 1u);
  EXPECT_EQ(shell.now - kStart, ClusterLimits{}.capacity_retry);
}

TEST(ClusterCore, AJobThatLeavesGivesItsSlotsToTheOthers) {
  Shell shell;
  shell.join(1);
  shell.join(2);
  shell.capacity(1, 1);
  EXPECT_EQ(only<GrantSlot>(shell.ask(1, 1)).size(), 1u);
  EXPECT_TRUE(only<GrantSlot>(shell.ask(2, 1)).empty());
  const auto granted = only<GrantSlot>(shell.tell(JobLeft{1}));
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].job, 2u);
}

// With only the last wake honoured: whatever is watched is asked about, and whatever is asked for
// is granted, in the end.
TEST(ClusterCore, NothingIsForgottenAfterAnyOrderOfEvents) {
  EXPECT_TRUE(rc::check("all ends", [] {
    Shell shell;
    std::set<Uuid> watched;
    std::set<std::pair<JobKey, SlotId>> asked, held;
    std::set<std::pair<JobKey, CallId>> waiting, running;
    std::optional<std::vector<Uuid>> polling;
    std::uint64_t ids = 0;
    const auto take = [&](const std::vector<Effect>& effects) {
      for (const auto& e : only<GrantSlot>(effects)) {
        RC_ASSERT(asked.erase({e.job, e.slot}) == 1u);
        held.insert({e.job, e.slot});
      }
      for (const auto& e : only<Dispatch>(effects)) {
        RC_ASSERT(waiting.erase({e.job, e.call}) == 1u);
        running.insert({e.job, e.call});
      }
      for (const auto& e : only<Poll>(effects)) polling = e.operations;
      for (const auto& e : only<TellEnded>(effects)) RC_ASSERT(watched.erase(e.operation.id) == 1u);
      for (const auto& e : only<TellLost>(effects)) RC_ASSERT(watched.erase(e.operation) == 1u);
      if (shell.polls_under_way + shell.capacity_under_way == 0)
        RC_ASSERT(shell.wake_at.has_value());
    };
    const auto step = [&](int what, bool bad) {
      const JobKey job = 1 + ids % 2;
      switch (what) {
        case 0:
          asked.insert({job, ++ids});
          return take(shell.ask(job, ids, bad ? SlotKind::ingestion : SlotKind::export_));
        case 1:
          waiting.insert({job, ++ids});
          return take(shell.tell(CallAsked{job, ids, SlotKind::query}));
        case 2:
          watched.insert(operation_number(static_cast<int>(++ids)));
          return take(shell.tell(
              WatchAsked{job, operation_number(static_cast<int>(ids)), SlotKind::export_}));
        case 3: {
          if (held.empty()) return;
          const auto [owner, slot] = *held.begin();
          held.erase(held.begin());
          return take(shell.tell(SlotReturned{owner, slot}));
        }
        case 4: {
          if (running.empty()) return;
          const auto [owner, call] = *running.begin();
          running.erase(running.begin());
          return take(shell.tell(CallAnswered{owner, call, bad}));
        }
        case 5: {
          if (!polling) return;
          const auto ids_polled = *std::exchange(polling, std::nullopt);
          if (bad) return take(shell.polled(fail(ErrorKind::unavailable, "x", "x")));
          std::vector<Operation> ended;
          for (const Uuid& id : ids_polled) {
            if (ended.size() % 2 == 0 || ids_polled.size() == 1)
              ended.push_back(told(id, OperationOutcome::completed));
          }
          return take(shell.polled(ended));
        }
        case 6:
          if (shell.capacity_under_way == 0) return;
          if (!bad) return take(shell.capacity(2, 2));
          shell.capacity_under_way -= 1;
          return take(shell.tell(CapacityAnswered{fail(ErrorKind::unavailable, "x", "x")}));
        default: {
          std::vector<Effect> effects;
          if (shell.sleep(effects)) take(effects);
        }
      }
    };
    shell.join(1);
    shell.join(2);
    const auto script = *rc::gen::container<std::vector<std::pair<int, bool>>>(
        rc::gen::pair(rc::gen::inRange(0, 8), rc::gen::arbitrary<bool>()));
    for (const auto& [what, bad] : script) step(what, bad);
    for (int turn = 0; turn < 5000; ++turn) {
      if (watched.empty() && asked.empty() && waiting.empty()) return;
      for (const int what : {3, 4, 5, 6, 7}) step(what, false);
    }
    RC_FAIL("something was never granted, dispatched or ended");
  }));
}

}  // namespace
}  // namespace kc::cluster
