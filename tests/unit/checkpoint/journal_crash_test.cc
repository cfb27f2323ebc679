// A session of the journal with everything in it, ended before, after and during every single call
// to the lake.
#include <gtest/gtest.h>

#include "core/checkpoint/journal.h"
#include "core/lake/memory_lake.h"
#include "tests/doors/faulty_lake.h"
#include "tests/unit/checkpoint/journal_samples.h"

namespace kc {
namespace {

constexpr Ticks kNow{638'000'000'000'000'000};

struct Session {
  Numbers told;   // committed, as the caller was told
  Numbers asked;  // of the commit under way when the process ended
  bool finished = false;
};

void commit(Journal& journal, Session& session, const Numbers& numbers) {
  session.asked = numbers;
  const auto done = journal.commit(carrying(numbers));
  ASSERT_TRUE(done.has_value()) << done.error().message;
  session.told.insert(session.told.end(), numbers.begin(), numbers.end());
  session.asked.clear();
}

void compact(Journal& journal, const Session& session) {
  ASSERT_TRUE(journal.compact(snapshot_of(session.told), journal.position().seq).has_value());
  while (!journal.sweep().value()) continue;
}

// Three processes, about thirty operations: commits, takeovers, compactions with what an earlier
// one left.
void work(Lake& lake, Session& session) {
  std::int64_t next = 1;
  const auto several = [&](Journal& journal, int commits) {
    for (int i = 0; i < commits; ++i, next += 3)
      commit(journal, session, {next, next + 1, next + 2});
  };
  session.asked = {next, next + 1};
  auto first = Journal::create(lake, writer_number(1), carrying(session.asked));
  ASSERT_TRUE(first.has_value());
  session.told = session.asked;
  session.asked.clear();
  next += 2;
  several(*first, 7);
  for (int process = 2; process <= 3; ++process) {
    Collected collected;
    auto journal = Journal::open(lake, writer_number(process), kNow, collected.replay());
    ASSERT_TRUE(journal.has_value()) << journal.error().message;
    ASSERT_EQ(collected.numbers, session.told);
    several(*journal, 4);
    compact(*journal, session);
    several(*journal, 3);
    compact(*journal, session);
    several(*journal, 2);
  }
  session.finished = true;
}

// What the next process finds; then it works on, compacts, and the one after it finds that too.
void go_on(MemoryLake& store, FaultyLake& lake, Session session, bool lands_while_working,
           const std::string& where) {
  Collected collected;
  auto journal = Journal::open(store, writer_number(9), kNow, collected.replay());
  if (!journal && journal.error().code == "checkpoint.absent") {
    ASSERT_TRUE(session.told.empty()) << where;
    return;
  }
  ASSERT_TRUE(journal.has_value()) << where << ": " << journal.error().message;
  Numbers with = session.told;
  with.insert(with.end(), session.asked.begin(), session.asked.end());
  ASSERT_TRUE(collected.numbers == session.told || collected.numbers == with) << where;
  session.told = collected.numbers;
  commit(*journal, session, {1001, 1002});
  if (lands_while_working) lake.land_late(lake.late());
  commit(*journal, session, {1003});
  compact(*journal, session);
  commit(*journal, session, {1004});
  ASSERT_EQ(read_numbers(store), session.told) << where;
  ASSERT_TRUE(Journal::open(store, writer_number(10), kNow, collected.replay()).has_value())
      << where;
  ASSERT_EQ(collected.numbers, session.told) << where;
}

TEST(JournalCrash, AtEveryCallNothingCommittedIsLostAndNothingElseIsHalfThere) {
  std::uint64_t calls = 0;
  {
    MemoryLake store;
    FaultyLake lake(store);
    Session session;
    work(lake, session);
    ASSERT_TRUE(session.finished);
    calls = lake.calls();
  }
  ASSERT_GT(calls, 75u);
  int crashes = 0;
  for (const LakeFault fault :
       {LakeFault::crash_before, LakeFault::crash_after, LakeFault::crash_late}) {
    for (const bool lands_while_working : {false, true}) {
      if (lands_while_working && fault != LakeFault::crash_late) continue;
      for (std::uint64_t at = 0; at < calls; ++at) {
        MemoryLake store;
        FaultyLake lake(store, [&](const LakeCall& call) {
          return call.number == at ? fault : LakeFault::none;
        });
        Session session;
        try {
          work(lake, session);
        } catch (const LakeCrash&) {
          ++crashes;
        }
        ASSERT_FALSE(session.finished);
        lake.set_plan({});
        if (!lands_while_working) lake.land_late(lake.late());
        go_on(
            store, lake, session, lands_while_working,
            "fault " + std::to_string(static_cast<int>(fault)) + " at call " + std::to_string(at));
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
  EXPECT_EQ(crashes, static_cast<int>(4 * calls));
}

}  // namespace
}  // namespace kc
