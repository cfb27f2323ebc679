// The schedules of the copy protocol (section 9) that are about the journal, by name, and two
// writers under seeded faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/checkpoint/journal.h"
#include "core/lake/forwarding_lake.h"
#include "core/lake/memory_lake.h"
#include "tests/doors/faulty_lake.h"
#include "tests/unit/checkpoint/journal_samples.h"

namespace kc {
namespace {

constexpr Ticks kNow{638'000'000'000'000'000};
constexpr int kSeeds = 400;
const Uuid kAlpha = writer_number(0xA);
const Uuid kBeta = writer_number(0xB);
const Uuid kGamma = writer_number(0xC);

void compact_all(Lake& lake, Journal& journal) {
  ASSERT_TRUE(journal.compact(snapshot_of(read_numbers(lake)), journal.position().seq).has_value());
  for (;;) {
    const auto done = journal.sweep();
    ASSERT_TRUE(done.has_value()) << done.error().message;
    if (*done) return;
  }
}

Journal open(Lake& lake, const Uuid& writer) {
  Collected collected;
  auto journal = Journal::open(lake, writer, kNow, collected.replay());
  EXPECT_TRUE(journal.has_value()) << journal.error().message;
  return std::move(*journal);
}

TEST(JournalSchedules, StaleWriterCreatesANumberThatCompactionFreed) {
  MemoryLake lake;
  Journal stale = Journal::create(lake, kAlpha, carrying({1})).value();
  ASSERT_TRUE(stale.commit(carrying({2})).has_value());
  Journal owner = open(lake, kBeta);
  for (int i = 3; i < 10; ++i) ASSERT_TRUE(owner.commit(carrying({i})).has_value());
  compact_all(lake, owner);
  // The number that the stale writer tries next is the takeover's: still there, for ever.
  EXPECT_EQ(stale.commit(carrying({99})).error().code, "checkpoint.fenced");
  EXPECT_EQ(read_numbers(lake), (Numbers{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  // Also after many owners and compactions.
  for (int n = 0; n < 5; ++n) {
    Journal next = open(lake, writer_number(n));
    ASSERT_TRUE(next.commit(carrying({10 + n})).has_value());
    compact_all(lake, next);
  }
  EXPECT_EQ(owner.commit(carrying({99})).error().code, "checkpoint.fenced");
  EXPECT_EQ(read_numbers(lake).size(), 14u);
}

TEST(JournalSchedules, StaleWriterWhoseLastCommitIsUnknownMeetsTheFreedNumber) {
  MemoryLake store;
  FaultyLake lake(store);
  Journal stale = Journal::create(lake, kAlpha, carrying({1})).value();
  lake.set_plan([](const LakeCall&) { return LakeFault::after; });
  ASSERT_FALSE(stale.commit(carrying({2})).has_value());  // it happened
  lake.set_plan({});
  Journal owner = open(store, kBeta);
  ASSERT_TRUE(owner.commit(carrying({3})).has_value());
  compact_all(store, owner);
  ASSERT_FALSE(store.get(journal_name(2)).has_value());
  // Its retry fills the hole with the very bytes that were folded: true, and no second time in the
  // state.
  EXPECT_TRUE(stale.retry().has_value());
  EXPECT_EQ(stale.commit(carrying({99})).error().code, "checkpoint.fenced");
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3}));
}

TEST(JournalSchedules, TakerOverTakesACompactedHoleForTheEnd) {
  MemoryLake store;
  Journal owner = Journal::create(store, kAlpha, carrying({1})).value();
  ASSERT_TRUE(owner.commit(carrying({2})).has_value());
  FaultyLake slow(store);
  bool compacted = false;
  slow.set_plan([&](const LakeCall& call) {
    if (call.operation == "create" && !compacted) {
      // It has read up to file 2 and is about to create 3. Meanwhile the owner writes 3 to 5 and
      // compacts them away.
      compacted = true;
      for (int i = 3; i < 6; ++i) EXPECT_TRUE(owner.commit(carrying({i})).has_value());
      compact_all(store, owner);
      EXPECT_FALSE(store.get(journal_name(3)).has_value());
    }
    return LakeFault::none;
  });
  Collected collected;
  auto taken = Journal::open(slow, kBeta, kNow, collected.replay());
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_EQ(collected.begun, 2);
  EXPECT_EQ(collected.numbers, (Numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(taken->position().seq, 6u);
  EXPECT_EQ(owner.commit(carrying({99})).error().code, "checkpoint.fenced");
  EXPECT_TRUE(taken->commit(carrying({6})).has_value());
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3, 4, 5, 6}));
}

// A listing that is made while files come and go may miss the snapshot that replaced the one we
// read from.
TEST(JournalSchedules, TakerOverIsNotFooledByAListingThatMissedEverything) {
  class BlindLake final : public ForwardingLake {
   public:
    using ForwardingLake::ForwardingLake;
    Result<std::vector<LakeFile>> list(std::string_view prefix) override {
      return ++lists_ == 2 ? std::vector<LakeFile>{} : ForwardingLake::list(prefix);
    }
    Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override {
      if (before_create) std::exchange(before_create, {})();
      return ForwardingLake::create_if_absent(name, bytes);
    }
    std::function<void()> before_create;

   private:
    int lists_ = 0;
  };
  MemoryLake store;
  Journal owner = Journal::create(store, kAlpha, carrying({1})).value();
  compact_all(store, owner);
  BlindLake blind(store);
  blind.before_create = [&] {
    for (int i = 2; i < 5; ++i) EXPECT_TRUE(owner.commit(carrying({i})).has_value());
    compact_all(store, owner);
  };
  Journal taken = open(blind, kBeta);
  EXPECT_EQ(taken.position().seq, 5u);
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3, 4}));
}

TEST(JournalSchedules, LateFirstCreateAfterARegroupedRetry) {
  MemoryLake store;
  FaultyLake lake(store);
  Journal journal = Journal::create(lake, kAlpha, carrying({1})).value();
  lake.set_plan([](const LakeCall& call) {
    return call.operation == "create" ? LakeFault::late : LakeFault::none;
  });
  ASSERT_FALSE(journal.commit(carrying({2})).has_value());
  lake.set_plan({});
  // Number 3 became ready meanwhile; it waits for the next file. If it were added to this one, the
  // first try that lands now would take the place, and the retry would find a file that is not its
  // own.
  lake.land_late();
  EXPECT_EQ(journal.retry()->seq(), 2u);
  EXPECT_EQ(journal.commit(carrying({3}))->seq(), 3u);
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3}));
}

TEST(JournalSchedules, LateCreateLandsInTheHoleAfterCompaction) {
  MemoryLake store;
  FaultyLake lake(store);
  Journal journal = Journal::create(lake, kAlpha, carrying({1})).value();
  lake.set_plan([](const LakeCall& call) {
    return call.operation == "create" ? LakeFault::late : LakeFault::none;
  });
  ASSERT_FALSE(journal.commit(carrying({2})).has_value());
  lake.set_plan({});
  ASSERT_TRUE(journal.retry().has_value());
  for (int i = 3; i < 6; ++i) ASSERT_TRUE(journal.commit(carrying({i})).has_value());
  compact_all(lake, journal);
  lake.land_late();
  EXPECT_TRUE(store.get(journal_name(2)).has_value());
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3, 4, 5}));
  Journal next = open(store, kBeta);
  ASSERT_TRUE(next.commit(carrying({6})).has_value());
  compact_all(store, next);
  EXPECT_FALSE(store.get(journal_name(2)).has_value()) << "and the next sweep takes it";
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3, 4, 5, 6}));
}

TEST(JournalSchedules, TwoTakeoversRace) {
  MemoryLake store;
  { Journal owner = Journal::create(store, kAlpha, carrying({1})).value(); }
  FaultyLake slow(store);
  std::optional<Journal> gamma;
  slow.set_plan([&](const LakeCall& call) {
    if (call.operation == "create" && !gamma) gamma = open(store, kGamma);
    return LakeFault::none;
  });
  Journal beta = open(slow, kBeta);
  EXPECT_EQ(gamma->position().epoch, 2u);
  EXPECT_EQ(beta.position().epoch, 3u);
  EXPECT_EQ(gamma->commit(carrying({99})).error().code, "checkpoint.fenced");
  EXPECT_EQ(gamma->fenced_by()->writer, kBeta);
  EXPECT_TRUE(beta.commit(carrying({2})).has_value());
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2}));
}

TEST(JournalSchedules, ASecondTakeoverBetweenCreateAndListing) {
  MemoryLake store;
  { Journal owner = Journal::create(store, kAlpha, carrying({1})).value(); }
  FaultyLake slow(store);
  std::optional<Journal> gamma;
  int lists = 0;
  slow.set_plan([&](const LakeCall& call) {
    if (call.operation == "list" && ++lists == 2) gamma = open(store, kGamma);
    return LakeFault::none;
  });
  Journal beta = open(slow, kBeta);
  EXPECT_EQ(gamma->position().epoch, 3u);
  EXPECT_EQ(beta.position().epoch, 4u) << "what was overtaken before it was believed starts over";
  EXPECT_EQ(gamma->commit(carrying({99})).error().code, "checkpoint.fenced");
}

TEST(JournalSchedules, ATakeoverGivesUpAgainstAnOwnerThatIsAlwaysAhead) {
  MemoryLake store;
  Journal owner = Journal::create(store, kAlpha, carrying({1})).value();
  FaultyLake slow(store);
  slow.set_plan([&](const LakeCall& call) {
    if (call.operation == "create") {
      EXPECT_TRUE(owner.commit(carrying({2})).has_value());
    }
    return LakeFault::none;
  });
  Collected collected;
  const auto taken = Journal::open(slow, kBeta, kNow, collected.replay());
  EXPECT_EQ(taken.error().code, "checkpoint.busy");
  EXPECT_TRUE(owner.commit(carrying({3})).has_value()) << "and the owner still has it";
}

TEST(JournalSchedules, ALateTakeoverNeverCountsTwice) {
  MemoryLake store;
  { Journal owner = Journal::create(store, kAlpha, carrying({1})).value(); }
  FaultyLake lake(store);
  lake.set_plan([](const LakeCall& call) {
    return call.operation == "create" ? LakeFault::late : LakeFault::none;
  });
  Collected collected;
  EXPECT_EQ(Journal::open(lake, kBeta, kNow, collected.replay()).error().kind,
            ErrorKind::unavailable);
  lake.set_plan({});
  Journal gamma = open(store, kGamma);
  ASSERT_TRUE(gamma.commit(carrying({2})).has_value());
  compact_all(store, gamma);
  lake.land_late();
  EXPECT_TRUE(gamma.commit(carrying({3})).has_value());
  EXPECT_EQ(read_numbers(store), (Numbers{1, 2, 3}));
}

// Writers that come, go, crash and overlap, on a lake that fails in every way. What somebody was
// told is committed is there, once and in his order; what nobody was told is there wholly or not at
// all.
class Contest {
 public:
  explicit Contest(std::uint64_t seed)
      : rng_(seed),
        lake_(store_, rng_.fork(), {.before = 0.06, .after = 0.06, .late = 0.06, .full = 0.02}) {}

  void run() {
    for (int step = 0; step < 60; ++step) {
      const auto who = static_cast<std::size_t>(rng_.below(3));
      act(writers_[who], static_cast<int>(who));
    }
    lake_.land_late(lake_.late());
    check();
  }

 private:
  struct Writer {
    std::optional<Journal> journal;
    Numbers state;    // as replayed and committed
    Numbers waiting;  // of the pending commit
    Numbers told;     // committed, as this writer was told, in order
  };

  void act(Writer& writer, int who) {
    if (!writer.journal || writer.journal->fenced() || rng_.chance(0.05)) return start(writer, who);
    Journal& journal = *writer.journal;
    if (journal.pending()) return settled(writer, journal.retry());
    const auto choice = rng_.below(10);
    if (choice == 0) {
      static_cast<void>(journal.compact(snapshot_of(writer.state), journal.position().seq));
    } else if (choice <= 2) {
      static_cast<void>(journal.sweep());
    } else {
      for (std::uint64_t i = rng_.below(3) + 1; i > 0; --i) writer.waiting.push_back(++last_);
      groups_.push_back(writer.waiting);
      settled(writer, journal.commit(carrying(writer.waiting)));
    }
  }

  void start(Writer& writer, int who) {
    writer.journal.reset();
    writer.waiting.clear();
    Collected collected;
    const Uuid id = writer_number(10 * ++starts_ + who);
    auto opened = Journal::open(lake_, id, kNow, collected.replay());
    if (!opened && opened.error().code == "checkpoint.absent") {
      opened = Journal::create(lake_, id, carrying({0}));
      collected.numbers = {0};
    }
    if (!opened) {
      ASSERT_NE(opened.error().kind, ErrorKind::corrupt) << opened.error().message;
      return;
    }
    writer.journal = std::move(*opened);
    writer.state = collected.numbers;
  }

  void settled(Writer& writer, const Result<Committed>& result) {
    if (!result) {
      ASSERT_NE(result.error().kind, ErrorKind::corrupt) << result.error().message;
      if (writer.journal->fenced()) writer.waiting.clear();
      return;
    }
    writer.state.insert(writer.state.end(), writer.waiting.begin(), writer.waiting.end());
    writer.told.insert(writer.told.end(), writer.waiting.begin(), writer.waiting.end());
    writer.waiting.clear();
  }

  void check() {
    if (store_.contents().empty()) return;
    const Numbers all = read_numbers(store_);
    for (const Writer& writer : writers_) {
      auto place = all.begin();
      for (const auto number : writer.told) {
        place = std::find(place, all.end(), number);
        ASSERT_NE(place, all.end()) << number << " was committed and is lost or out of order";
        ASSERT_EQ(std::count(all.begin(), all.end(), number), 1);
      }
    }
    for (const Numbers& group : groups_) {
      const auto there = std::search(all.begin(), all.end(), group.begin(), group.end());
      const bool any = std::any_of(group.begin(), group.end(), [&](auto n) {
        return std::count(all.begin(), all.end(), n) != 0;
      });
      ASSERT_EQ(any, there != all.end()) << "a commit is there in part";
    }
  }

  Rng rng_;
  MemoryLake store_;
  FaultyLake lake_;
  std::array<Writer, 3> writers_;
  std::vector<Numbers> groups_;
  std::int64_t last_ = 0;
  int starts_ = 0;
};

TEST(JournalSchedules, ManyWritersUnderSeededFaults) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Contest(seed).run();
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace kc
