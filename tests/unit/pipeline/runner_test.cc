#include "core/pipeline/runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "core/base/guarded.h"
#include "core/lake/forwarding_lake.h"
#include "tests/unit/pipeline/runner_fixture.h"

namespace kc::pipeline {
namespace {

void expect_exact(const Outside& outside) {
  for (const char* table : {"Alpha", "Beta", "Gamma"}) {
    EXPECT_EQ(outside.source_rows(table).size(), 40u);
    EXPECT_EQ(outside.destination_rows(table), outside.source_rows(table)) << table;
  }
}

void expect_nothing_left(const Outside& outside) {
  EXPECT_TRUE(outside.staging_tables().empty());
  EXPECT_TRUE(outside.tags().empty());
}

void expect_failed(const std::optional<JobResult>& end, const std::string& code) {
  ASSERT_TRUE(end.has_value()) << "the job never ended";
  EXPECT_EQ(end->state, JobState::failed);
  ASSERT_TRUE(end->problem.has_value());
  EXPECT_EQ(end->problem->code, code) << end->problem->detail;
}

TEST(Runner, CopiesThreeTablesExactly) {
  Outside outside;
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  const auto end = process.heard.end_of("copy");
  ASSERT_TRUE(end.has_value());
  ASSERT_EQ(end->state, JobState::succeeded) << (end->problem ? end->problem->detail : "");
  EXPECT_FALSE(end->found_ended);
  expect_exact(outside);
  expect_nothing_left(outside);
  const auto told = process.heard.sequence();
  EXPECT_FALSE(told.empty());
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(process.heard.percent_fell_by(), 0);
}

TEST(Runner, RunsTwoJobsBesideEachOther) {
  Outside outside;
  ProcessOfOne process(outside);
  JobWish a = wish("one"), b = wish("two");
  a.spec.tables_include = {"Alpha"};
  b.spec.tables_include = {"Beta", "Gamma"};
  ASSERT_TRUE(process.runner.start(a).has_value());
  ASSERT_TRUE(process.runner.start(b).has_value());
  for (const char* id : {"one", "two"}) {
    const auto end = process.heard.end_of(id);
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->state, JobState::succeeded);
  }
  expect_exact(outside);
  expect_nothing_left(outside);
}

TEST(Runner, LeavesNothingBehindWhenCanceledInMidCopy) {
  Outside outside;
  outside.hold_after(8);
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  ASSERT_TRUE(process.heard.wait_for_record("export_started"));
  ASSERT_TRUE(process.runner.cancel("copy").has_value());
  ASSERT_TRUE(process.runner.cancel("copy").has_value() || process.heard.end_of("copy"));
  const auto end = process.heard.end_of("copy");
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->state, JobState::canceled);
  expect_nothing_left(outside);
  for (const auto& [name, bytes] : outside.lake("copy").contents())
    EXPECT_FALSE(name.starts_with("data/")) << name;
}

TEST(Runner, CancelOfAnUnknownJobIsNotFound) {
  Outside outside;
  ProcessOfOne process(outside);
  const auto canceled = process.runner.cancel("nobody");
  ASSERT_FALSE(canceled.has_value());
  EXPECT_EQ(canceled.error().code, "job.not_found");
}

TEST(Runner, ANewProcessGoesOnExactlyWhereAStoppedOneWas) {
  Outside outside;
  // Held at several depths: in the first exports, among the ingests, among the moves.
  for (const int operations : {1, 9, 14, 20}) {
    SCOPED_TRACE(operations);
    Outside fresh;
    fresh.hold_after(operations);
    {
      ProcessOfOne first(fresh);
      ASSERT_TRUE(first.runner.start(wish("copy")).has_value());
      ASSERT_TRUE(first.heard.wait_for_record("export_started"));
      first.runner.stop();
      EXPECT_EQ(first.runner.start(wish("other")).error().kind, ErrorKind::unavailable);
    }
    fresh.release();
    ProcessOfOne second(fresh);
    JobWish again = wish("copy");
    again.progress_known = true;
    ASSERT_TRUE(second.runner.start(again).has_value());
    const auto end = second.heard.end_of("copy");
    ASSERT_TRUE(end.has_value());
    ASSERT_EQ(end->state, JobState::succeeded) << (end->problem ? end->problem->detail : "");
    expect_exact(fresh);
    expect_nothing_left(fresh);
  }
}

// It can only wait, and must say for what.
TEST(Runner, SaysThatAClusterDoesNotTellHowItsOperationsStand) {
  Outside outside;
  outside.hold_after(0);
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  ASSERT_TRUE(process.heard.wait_for_record("export_started"));
  outside.silent(true);
  const auto told = process.heard.progress_that(
      [](const Progress& now) { return now.status_reason.starts_with("Trying again: "); });
  ASSERT_TRUE(told.has_value());
  EXPECT_NE(told->status_reason.find("nobody tells"), std::string::npos) << told->status_reason;
  EXPECT_FALSE(told->problems.empty());
  EXPECT_FALSE(told->eta_seconds.has_value());
  outside.silent(false);
  EXPECT_TRUE(process.heard
                  .progress_that(
                      [](const Progress& now) { return now.status_reason.starts_with("Copying"); })
                  .has_value());
  outside.release();
  const auto end = process.heard.end_of("copy");
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->state, JobState::succeeded);
}

TEST(Runner, RefusesASecondStartOfARunningJob) {
  Outside outside;
  outside.hold_after(0);
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  const auto second = process.runner.start(wish("copy"));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_EQ(second.error().code, "job.exists");
}

TEST(Runner, ALeaseHeldByAnotherEndsTheWish) {
  Outside outside;
  const auto lease = outside.lake("copy").acquire_lease("another process");
  ASSERT_TRUE(lease.has_value());
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  const auto end = process.heard.end_of("copy");
  expect_failed(end, "lake.lease_held");
  EXPECT_NE(end->problem->detail.find("another process"), std::string::npos);
  EXPECT_TRUE(outside.lake("copy").contents().empty());
}

struct Renewals {
  Guarded<int> count{0};
  std::atomic<bool> held{false};
};

// A lease that has to be renewed, and that another process has taken.
class LostLease final : public Lease {
 public:
  LostLease(std::unique_ptr<Lease> inner, Renewals& renewals)
      : inner_(std::move(inner)), renewals_(renewals) {
    renewals_.held = true;
  }
  ~LostLease() override { renewals_.held = false; }
  std::optional<Timespan> renew_every() const override { return Timespan::milliseconds(1); }
  Result<void> renew() override {
    renewals_.count.change([](int& count) { ++count; });
    return fail(ErrorKind::conflict, "lake.lease_lost", "another process has it");
  }

 private:
  std::unique_ptr<Lease> inner_;
  Renewals& renewals_;
};

class LostLeaseLake final : public ForwardingLake {
 public:
  LostLeaseLake(Lake& inner, Renewals& renewals) : ForwardingLake(inner), renewals_(renewals) {}
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override {
    KC_TRY(auto lease, ForwardingLake::acquire_lease(holder));
    return std::make_unique<LostLease>(std::move(lease), renewals_);
  }

 private:
  Renewals& renewals_;
};

TEST(Runner, RenewsTheLeaseAndLeavesItsLossToTheJournal) {
  Renewals renewals;
  Outside outside;
  outside.decorate = [&](Lake& lake) { return std::make_unique<LostLeaseLake>(lake, renewals); };
  outside.hold_after(0);
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  ASSERT_TRUE(
      renewals.count.wait_for(std::chrono::minutes(1), [](int count) { return count >= 3; }));
  outside.release();
  const auto end = process.heard.end_of("copy");
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->state, JobState::succeeded);
  // Whoever hears of the end may start the job again at once.
  EXPECT_FALSE(renewals.held);
  expect_exact(outside);
}

// What one waits for, or is doing, in a lake that does not answer.
struct Held {
  int waiting = 0;
  bool interrupted = false;
};

class SilentLake final : public ForwardingLake {
 public:
  SilentLake(Lake& inner, Guarded<Held>& held, bool lease) : ForwardingLake(inner), held_(held) {
    lease_ = lease;
  }
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override {
    if (lease_) return wait();
    return ForwardingLake::acquire_lease(holder);
  }
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override {
    if (!name.ends_with("1.jsonl")) return wait();
    return ForwardingLake::create_if_absent(name, bytes);
  }

 private:
  Failure wait() {
    held_.change([](Held& held) { ++held.waiting; });
    held_.when([](const Held& held) { return held.interrupted; }, [](Held&) {});
    return fail(ErrorKind::cancelled, "lake.cancelled", "interrupted");
  }
  Guarded<Held>& held_;
  bool lease_ = false;
};

TEST(Runner, StoppingInterruptsALakeAndTellsOfNoEnd) {
  for (const bool lease : {true, false}) {
    Guarded<Held> held;
    Outside outside;
    outside.decorate = [&](Lake& lake) { return std::make_unique<SilentLake>(lake, held, lease); };
    outside.interrupt = [&] { held.change([](Held& now) { now.interrupted = true; }); };
    ProcessOfOne process(outside);
    ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
    ASSERT_TRUE(
        held.wait_for(std::chrono::minutes(1), [](const Held& now) { return now.waiting > 0; }));
    process.runner.stop();
    EXPECT_FALSE(process.heard.has_end_of("copy")) << lease;
  }
}

TEST(Runner, NeverBeginsAnewWhereProgressIsKnown) {
  Outside outside;
  ProcessOfOne process(outside);
  JobWish known = wish("copy");
  known.progress_known = true;
  ASSERT_TRUE(process.runner.start(known).has_value());
  expect_failed(process.heard.end_of("copy"), "checkpoint.missing");
  EXPECT_TRUE(outside.lake("copy").contents().empty());
  EXPECT_EQ(outside.calls(), 0);
}

TEST(Runner, FindsAFinishedJobEndedAndWritesNothing) {
  Outside outside;
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  ASSERT_TRUE(process.heard.end_of("copy").has_value());
  const auto before = outside.lake("copy").contents();
  // At once, and again and again: the lease of one look must be gone when its end is told.
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
    const auto end = process.heard.end_of("copy");
    ASSERT_TRUE(end.has_value());
    ASSERT_EQ(end->state, JobState::succeeded) << (end->problem ? end->problem->detail : "");
    EXPECT_TRUE(end->found_ended);
  }
  EXPECT_EQ(outside.lake("copy").contents(), before);
}

TEST(Runner, RefusesALakeOfAnotherDefinition) {
  Outside outside;
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  ASSERT_TRUE(process.heard.end_of("copy").has_value());
  JobWish other = wish("copy");
  other.spec.tables_exclude = {"Beta"};
  ASSERT_TRUE(process.runner.start(other).has_value());
  const auto end = process.heard.end_of("copy");
  expect_failed(end, "job.exists");
  EXPECT_NE(end->problem->detail.find("tablesExclude"), std::string::npos);
}

TEST(Runner, TellsSoonThatAClusterIsUnreachableAndTakesTheJobUpAgain) {
  Outside outside;
  outside.unreachable(true);
  ProcessOfOne process(outside);
  ASSERT_TRUE(process.runner.start(wish("copy")).has_value());
  const auto end = process.heard.end_of("copy");
  expect_failed(end, "source.unreachable");
  EXPECT_TRUE(end->problem->retryable);
  EXPECT_GE(outside.calls(), JobLimits{}.start_failures_max);
  outside.unreachable(false);
  JobWish retry = wish("copy");
  retry.resume_failed = true;
  ASSERT_TRUE(process.runner.start(retry).has_value());
  const auto second = process.heard.end_of("copy");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->state, JobState::succeeded);
  expect_exact(outside);
}

}  // namespace
}  // namespace kc::pipeline
