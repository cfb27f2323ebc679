#include "core/checkpoint/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/check.h"
#include "core/lake/memory_lake.h"
#include "tests/doors/faulty_lake.h"
#include "tests/unit/checkpoint/journal_samples.h"

namespace kc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;

constexpr Ticks kNow{638'000'000'000'000'000};
const Uuid kAlpha = writer_number(0xA);
const Uuid kBeta = writer_number(0xB);

struct JournalTest : testing::Test {
  Journal create(const Numbers& numbers = {1}) {
    auto journal = Journal::create(lake, kAlpha, carrying(numbers));
    EXPECT_TRUE(journal.has_value()) << journal.error().message;
    return std::move(*journal);
  }
  Journal open(const Uuid& writer) {
    auto journal = Journal::open(lake, writer, kNow, collected.replay());
    EXPECT_TRUE(journal.has_value()) << journal.error().message;
    return std::move(*journal);
  }
  Error open_fails(const Uuid& writer = kBeta) {
    const auto before = store.contents();
    auto journal = Journal::open(lake, writer, kNow, collected.replay());
    EXPECT_FALSE(journal.has_value());
    EXPECT_EQ(store.contents(), before) << "a journal that cannot be opened is not taken over";
    return journal ? Error{} : journal.error();
  }
  // The next call that creates gets this fault.
  void fault_next_create(LakeFault fault) {
    lake.set_plan([this, fault](const LakeCall& call) {
      if (call.operation != "create") return LakeFault::none;
      lake.set_plan({});
      return fault;
    });
  }
  void put(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(store.put(name, bytes).has_value());
  }

  MemoryLake store;
  FaultyLake lake{store};
  Collected collected;
};

TEST_F(JournalTest, ACommitIsOneWriteOnceFileWithTheNextNumber) {
  Journal journal = create();
  EXPECT_EQ(journal.commit(carrying({2, 3}))->seq(), 2u);
  EXPECT_EQ(journal.commit(carrying({4}))->seq(), 3u);
  EXPECT_THAT(store.contents(),
              ElementsAre(Key(journal_name(1)), Key(journal_name(2)), Key(journal_name(3))));
  const auto file = decode_file(journal_name(2), store.get(journal_name(2)).value());
  EXPECT_EQ(file->header.records, 2u);
  EXPECT_EQ(file->header.epoch, 1u);
  EXPECT_EQ(file->header.writer, kAlpha);
  EXPECT_EQ(read_numbers(lake), (Numbers{1, 2, 3, 4}));
}

TEST_F(JournalTest, ACommitNeedsRecordsThatBelongInOne) {
  Journal journal = create();
  const AssertScope scope;
  EXPECT_THROW(static_cast<void>(journal.commit({})), AssertionFailed);
  EXPECT_THROW(static_cast<void>(journal.commit({record::Takeover{}})), AssertionFailed);
  EXPECT_THROW(static_cast<void>(journal.commit({record::SnapshotJob{}})), AssertionFailed);
  EXPECT_THROW(static_cast<void>(journal.retry()), AssertionFailed);
}

TEST_F(JournalTest, WhoeverCreatesTheNextNumberOwnsItAndTheOtherIsFencedForEver) {
  Journal alpha = create();
  Journal beta = open(kBeta);
  EXPECT_EQ(beta.position().epoch, 2u);
  const auto late = alpha.commit(carrying({99}));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().kind, ErrorKind::conflict);
  EXPECT_EQ(late.error().code, "checkpoint.fenced");
  EXPECT_THAT(late.error().message, HasSubstr(kBeta.text()));
  EXPECT_THAT(late.error().message, HasSubstr("epoch 2"));
  EXPECT_TRUE(alpha.fenced());
  EXPECT_EQ(alpha.fenced_by()->writer, kBeta);
  EXPECT_EQ(alpha.fenced_by()->epoch, 2u);
  EXPECT_FALSE(alpha.pending());
  const auto calls = lake.calls();
  EXPECT_EQ(alpha.commit(carrying({99})).error().code, "checkpoint.fenced");
  EXPECT_EQ(alpha.retry().error().code, "checkpoint.fenced");
  EXPECT_EQ(alpha.compact(snapshot_of({1}), 1).error().code, "checkpoint.fenced");
  EXPECT_EQ(alpha.sweep().error().code, "checkpoint.fenced");
  EXPECT_FALSE(alpha.wants_compaction());
  EXPECT_EQ(lake.calls(), calls) << "a fenced writer touches nothing";
  EXPECT_TRUE(beta.commit(carrying({2})).has_value());
  EXPECT_EQ(read_numbers(lake), (Numbers{1, 2}));
}

TEST_F(JournalTest, OursMeansTheSameWriterAndTheSameChecksum) {
  Journal old = create();
  // The same writer in a later epoch has written other bytes under the number that the old one
  // tries.
  Journal again = open(kAlpha);
  ASSERT_TRUE(again.commit(carrying({2})).has_value());
  EXPECT_EQ(old.commit(carrying({2})).error().code, "checkpoint.fenced");
  EXPECT_EQ(old.fenced_by()->epoch, 2u);
}

TEST_F(JournalTest, AnUnknownResultThatHappenedIsFound) {
  Journal journal = create();
  fault_next_create(LakeFault::after);
  const auto unknown = journal.commit(carrying({2}));
  EXPECT_EQ(unknown.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(journal.pending());
  const auto bytes = store.get(journal_name(2)).value();
  EXPECT_EQ(journal.retry()->seq(), 2u);
  EXPECT_FALSE(journal.pending());
  EXPECT_EQ(store.get(journal_name(2)).value(), bytes);
  EXPECT_EQ(journal.commit(carrying({3}))->seq(), 3u);
}

TEST_F(JournalTest, AnUnknownResultThatDidNotHappenIsMadeWithTheSameBytes) {
  Journal journal = create();
  fault_next_create(LakeFault::late);
  ASSERT_FALSE(journal.commit(carrying({2})).has_value());
  EXPECT_FALSE(store.get(journal_name(2)).has_value());
  EXPECT_EQ(journal.retry()->seq(), 2u);
  const auto bytes = store.get(journal_name(2)).value();
  ASSERT_TRUE(store.remove(journal_name(2)).has_value());
  lake.land_late();  // what the first try would have written is what the second wrote
  EXPECT_EQ(store.get(journal_name(2)).value(), bytes);
}

TEST_F(JournalTest, AnUnknownResultWhosePlaceAnotherTookIsFenced) {
  Journal alpha = create();
  fault_next_create(LakeFault::before);
  ASSERT_FALSE(alpha.commit(carrying({2})).has_value());
  Journal beta = open(kBeta);
  EXPECT_EQ(alpha.retry().error().code, "checkpoint.fenced");
  EXPECT_EQ(read_numbers(lake), (Numbers{1}));
}

TEST_F(JournalTest, AFullDiskIsAnUnknownResultToo) {
  Journal journal = create();
  for (int i = 0; i < 3; ++i) {
    fault_next_create(LakeFault::full);
    const auto full = i == 0 ? journal.commit(carrying({2})) : journal.retry();
    EXPECT_EQ(full.error().code, "lake.full");
    EXPECT_TRUE(journal.pending());
  }
  EXPECT_EQ(journal.retry()->seq(), 2u);
  EXPECT_EQ(read_numbers(lake), (Numbers{1, 2}));
}

TEST_F(JournalTest, WhenReadingBackFailsTheResultStaysUnknown) {
  Journal journal = create();
  fault_next_create(LakeFault::after);
  ASSERT_FALSE(journal.commit(carrying({2})).has_value());
  lake.set_plan([](const LakeCall& call) {
    return call.operation == "get" ? LakeFault::before : LakeFault::none;
  });
  EXPECT_EQ(journal.retry().error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(journal.pending());
  lake.set_plan({});
  EXPECT_TRUE(journal.retry().has_value());
}

TEST_F(JournalTest, ACommitBeforeThePendingOneIsSettledIsABug) {
  Journal journal = create();
  fault_next_create(LakeFault::before);
  ASSERT_FALSE(journal.commit(carrying({2})).has_value());
  const AssertScope scope;
  EXPECT_THROW(static_cast<void>(journal.commit(carrying({3}))), AssertionFailed);
}

TEST_F(JournalTest, ATornFileInOurPlaceIsCorruptAndEndsTheJournal) {
  Journal journal = create();
  put(journal_name(2), "{\"v\":1,");
  for (int i = 0; i < 2; ++i) {
    const auto failed = journal.commit(carrying({2}));
    EXPECT_EQ(failed.error().code, "checkpoint.corrupt");
    EXPECT_THAT(failed.error().message, HasSubstr(journal_name(2)));
  }
}

TEST_F(JournalTest, ANewerProgramInOurPlaceFences) {
  Journal journal = create();
  put(journal_name(2), sealed("{\"v\":2}\n"));
  EXPECT_EQ(journal.commit(carrying({2})).error().code, "checkpoint.fenced");
}

TEST_F(JournalTest, ATakeoverIsTheNextFileWithTheNextEpoch) {
  { Journal alpha = create({1, 2}); }
  Journal beta = open(kBeta);
  EXPECT_EQ(collected.numbers, (Numbers{1, 2}));
  EXPECT_EQ(beta.position().seq, 2u);
  const auto file = decode_file(journal_name(2), store.get(journal_name(2)).value());
  const auto& takeover = std::get<record::Takeover>(file->records.at(0));
  EXPECT_EQ(takeover.epoch, 2u);
  EXPECT_EQ(takeover.writer, kBeta);
  EXPECT_EQ(takeover.at, kNow);
  EXPECT_EQ(beta.commit(carrying({3}))->seq(), 3u);
}

TEST_F(JournalTest, TheReplayGetsTheTakeoverToo) {
  { Journal alpha = create(); }
  std::vector<std::string> words;
  const JournalReplay replay{.begin = [&] { words.clear(); },
                             .apply = [&](const Record& record) -> Result<> {
                               words.emplace_back(type_word(record));
                               return {};
                             }};
  ASSERT_TRUE(Journal::open(lake, kBeta, kNow, replay).has_value());
  EXPECT_THAT(words, ElementsAre("tags_dropped", "takeover"));
}

TEST_F(JournalTest, NothingIsTakenWhereThereIsNothing) {
  EXPECT_EQ(open_fails().code, "checkpoint.absent");
  EXPECT_EQ(Journal::read_only(lake, collected.replay()).error().kind, ErrorKind::not_found);
}

TEST_F(JournalTest, ReadOnlyWritesNothingAndSaysWhoseItIs) {
  Journal alpha = create();
  ASSERT_TRUE(alpha.commit(carrying({2})).has_value());
  const auto before = store.contents();
  const auto end = Journal::read_only(lake, collected.replay());
  EXPECT_EQ(end->seq, 2u);
  EXPECT_EQ(end->writer, kAlpha);
  EXPECT_EQ(collected.numbers, (Numbers{1, 2}));
  EXPECT_EQ(store.contents(), before);
  EXPECT_TRUE(alpha.commit(carrying({3})).has_value());
}

TEST_F(JournalTest, CreateIsForANewJobOnly) {
  fault_next_create(LakeFault::after);
  EXPECT_EQ(Journal::create(lake, kAlpha, carrying({1})).error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(Journal::create(lake, kAlpha, carrying({1})).has_value())
      << "the same once more, after an unknown result";
  EXPECT_EQ(Journal::create(lake, kBeta, carrying({1})).error().code, "checkpoint.exists");
  EXPECT_EQ(Journal::create(lake, kAlpha, carrying({2})).error().code, "checkpoint.exists");
  Journal beta = open(kBeta);
  EXPECT_EQ(Journal::create(lake, kAlpha, carrying({1})).error().code, "checkpoint.exists");
  ASSERT_TRUE(store.remove(journal_name(1)).has_value());
  EXPECT_EQ(Journal::create(lake, kAlpha, carrying({1})).error().code, "checkpoint.exists");
}

TEST_F(JournalTest, ARecordThatDoesNotFitIsNamedAndNothingIsTaken) {
  { Journal alpha = create({1, 2}); }
  const JournalReplay picky{.begin = [] {},
                            .apply = [](const Record& record) -> Result<> {
                              if (std::get<record::TagsDropped>(record).blocks[0] == 2)
                                return fail(ErrorKind::corrupt, "checkpoint.corrupt", "no");
                              return {};
                            }};
  const auto before = store.contents();
  const auto refused = Journal::open(lake, kBeta, kNow, picky);
  EXPECT_EQ(refused.error().code, "checkpoint.corrupt");
  EXPECT_THAT(refused.error().message, HasSubstr("000000000001.jsonl', line 3"));
  EXPECT_EQ(store.contents(), before);
}

TEST_F(JournalTest, AGapIsCorruptAndNamed) {
  Journal journal = create();
  for (int i = 2; i < 6; ++i) ASSERT_TRUE(journal.commit(carrying({i})).has_value());
  ASSERT_TRUE(store.remove(journal_name(3)).has_value());
  const Error error = open_fails();
  EXPECT_EQ(error.code, "checkpoint.corrupt");
  EXPECT_THAT(error.message, HasSubstr(journal_name(3)));
}

TEST_F(JournalTest, ATornFileIsCorruptAndNamed) {
  Journal journal = create();
  ASSERT_TRUE(journal.commit(carrying({2})).has_value());
  ASSERT_TRUE(journal.commit(carrying({3})).has_value());
  const std::string good = store.get(journal_name(2)).value();
  for (std::size_t length = 0; length < good.size(); ++length) {
    put(journal_name(2), good.substr(0, length));
    const Error error = open_fails();
    ASSERT_EQ(error.code, "checkpoint.corrupt");
    ASSERT_THAT(error.message, HasSubstr(journal_name(2)));
  }
}

TEST_F(JournalTest, FilesOutOfOrderAreCorrupt) {
  const auto file = [](std::uint64_t seq, std::uint64_t epoch, const Uuid& writer,
                       std::vector<Record> records) {
    return encode_file({.seq = seq, .epoch = epoch, .writer = writer}, records);
  };
  { Journal journal = create(); }
  const record::Takeover takeover{.epoch = 2, .writer = kBeta, .at = kNow};
  const std::pair<const char*, std::string> cases[] = {
      {"another number", file(3, 1, kAlpha, carrying({2}))},
      {"another writer without a takeover", file(2, 1, kBeta, carrying({2}))},
      {"another epoch without a takeover", file(2, 2, kAlpha, carrying({2}))},
      {"a takeover that skips an epoch",
       file(2, 3, kBeta, {record::Takeover{.epoch = 3, .writer = kBeta, .at = kNow}})},
      {"a takeover for somebody else", file(2, 2, kAlpha, {takeover})},
      {"a takeover that is not alone",
       file(2, 2, kBeta, {takeover, record::CancelRequested{.at = kNow}})},
      {"a takeover in the middle",
       file(2, 1, kAlpha, {record::CancelRequested{.at = kNow}, takeover})},
      {"no records", file(2, 1, kAlpha, {})},
      {"records of a snapshot", file(2, 1, kAlpha, snapshot_of({2}))}};
  for (const auto& [what, bytes] : cases) {
    put(journal_name(2), bytes);
    const Error error = open_fails();
    EXPECT_EQ(error.code, "checkpoint.corrupt") << what;
    EXPECT_THAT(error.message, HasSubstr(journal_name(2))) << what;
  }
  ASSERT_TRUE(store.remove(journal_name(2)).has_value());
  put(journal_name(1), file(1, 2, kAlpha, carrying({1})));
  EXPECT_EQ(open_fails().code, "checkpoint.corrupt");
}

TEST_F(JournalTest, ANewerVersionIsDeclinedAndNotTakenOver) {
  { Journal journal = create(); }
  put(journal_name(2), sealed("{\"v\":2,\"seq\":2}\nwhatever\n"));
  const Error error = open_fails();
  EXPECT_EQ(error.code, "checkpoint.version");
  EXPECT_EQ(error.kind, ErrorKind::conflict);
  EXPECT_FALSE(error.fix.empty());
}

TEST_F(JournalTest, OtherFilesInTheFolderAreNotItsBusiness) {
  { Journal journal = create(); }
  put("checkpoint/notes.txt", "hello");
  put("checkpoint/wishes/1", "pause");
  open(kBeta);
  EXPECT_EQ(collected.numbers, (Numbers{1}));
}

TEST_F(JournalTest, CompactionIsWantedPastAFloorAndThenPastHalfTheSnapshot) {
  Journal journal = create();
  const std::string pad(10'000, 'x');
  const auto commit_padded = [&] {
    ASSERT_TRUE(journal.commit({record::TableDone{.table = {pad}}}).has_value());
  };
  int commits = 0;
  for (; !journal.wants_compaction() && commits < 100; ++commits) commit_padded();
  EXPECT_EQ(commits, 7);  // 64 KiB of 10,000 bytes
  std::vector<Record> big = snapshot_of({});
  for (int i = 0; i < 29; ++i) big.emplace_back(record::SnapshotFolder{i, 0, pad, {}, false});
  ASSERT_TRUE(journal.compact(big, journal.position().seq).has_value());
  EXPECT_FALSE(journal.wants_compaction());
  for (commits = 0; !journal.wants_compaction() && commits < 100; ++commits) commit_padded();
  EXPECT_EQ(commits, 15);  // half of 290,000 bytes and a little
}

TEST_F(JournalTest, CompactionKeepsTheStateAndTheFilesThatOpenAnEpoch) {
  {
    Journal alpha = create();
    ASSERT_TRUE(alpha.commit(carrying({2})).has_value());
  }
  Journal beta = open(kBeta);  // file 3
  for (int i = 3; i < 40; ++i) ASSERT_TRUE(beta.commit(carrying({i})).has_value());
  Numbers all = read_numbers(lake);
  const auto seq = beta.position().seq;
  ASSERT_TRUE(beta.compact(snapshot_of(all), seq).has_value());
  EXPECT_TRUE(beta.wants_sweep());
  ASSERT_TRUE(beta.commit(carrying({40})).has_value()) << "work goes on beside it";
  int steps = 1;
  while (!beta.sweep().value()) ++steps;
  EXPECT_GT(steps, 1) << "in bounded steps";
  EXPECT_FALSE(beta.wants_sweep());
  EXPECT_THAT(store.contents(), ElementsAre(Key(journal_name(1)), Key(journal_name(3)),
                                            Key(journal_name(seq + 1)), Key(snapshot_name(seq))));
  all.push_back(40);
  EXPECT_EQ(read_numbers(lake), all);
  // Again, by the next owner: the openers from before its time are recognised, the older snapshot
  // goes.
  Journal gamma = open(writer_number(0xC));
  ASSERT_TRUE(gamma.commit(carrying({41})).has_value());
  all.push_back(41);
  ASSERT_TRUE(gamma.compact(snapshot_of(all), gamma.position().seq).has_value());
  while (!gamma.sweep().value()) continue;
  EXPECT_THAT(store.contents(),
              ElementsAre(Key(journal_name(1)), Key(journal_name(3)), Key(journal_name(seq + 2)),
                          Key(snapshot_name(seq + 3))));
  EXPECT_EQ(read_numbers(lake), all);
}

TEST_F(JournalTest, ASnapshotMayBeWrittenAgainAndOfALaterState) {
  Journal journal = create();
  ASSERT_TRUE(journal.commit(carrying({2})).has_value());
  fault_next_create(LakeFault::after);
  EXPECT_FALSE(journal.compact(snapshot_of({1, 2}), 2).has_value());
  EXPECT_TRUE(journal.compact(snapshot_of({1, 2}), 2).has_value());
  ASSERT_TRUE(journal.commit(carrying({3})).has_value());
  EXPECT_TRUE(journal.compact(snapshot_of({1, 2, 3}), 3).has_value());
  while (!journal.sweep().value()) continue;
  EXPECT_EQ(read_numbers(lake), (Numbers{1, 2, 3}));
}

TEST_F(JournalTest, NothingIsRemovedOnTheWordOfASnapshotThatCannotBeRead) {
  Journal journal = create();
  ASSERT_TRUE(journal.commit(carrying({2})).has_value());
  put(snapshot_name(2), "torn");
  EXPECT_EQ(journal.compact(snapshot_of({1, 2}), 2).error().code, "checkpoint.corrupt");
  EXPECT_FALSE(journal.wants_sweep());
  EXPECT_EQ(open_fails().code, "checkpoint.corrupt");
}

TEST_F(JournalTest, ASnapshotOfOtherRecordsIsCorrupt) {
  { Journal journal = create(); }
  for (const auto& records :
       {std::vector<Record>{}, carrying({1}), std::vector<Record>{record::SnapshotFolder{}}}) {
    put(snapshot_name(1), encode_file({.seq = 1, .epoch = 1, .writer = kAlpha}, records));
    EXPECT_EQ(open_fails().code, "checkpoint.corrupt");
  }
}

TEST_F(JournalTest, AReaderThatMeetsARemovedFileStartsAgainFromTheNewestSnapshot) {
  Journal alpha = create();
  for (int i = 2; i < 6; ++i) ASSERT_TRUE(alpha.commit(carrying({i})).has_value());
  FaultyLake slow(store);
  slow.set_plan([&](const LakeCall& call) {
    if (call.name == journal_name(3)) {  // compacted just before the reader gets there
      slow.set_plan({});
      EXPECT_TRUE(alpha.compact(snapshot_of({1, 2, 3, 4, 5}), 5).has_value());
      while (!alpha.sweep().value()) continue;
    }
    return LakeFault::none;
  });
  EXPECT_TRUE(Journal::read_only(slow, collected.replay()).has_value());
  EXPECT_EQ(collected.begun, 2);
  EXPECT_EQ(collected.numbers, (Numbers{1, 2, 3, 4, 5}));
}

TEST_F(JournalTest, AReaderGivesUpAfterANamedNumberOfTries) {
  Journal alpha = create();
  Numbers all{1};
  FaultyLake slow(store);
  slow.set_plan([&](const LakeCall& call) {
    if (call.operation != "get" || all.size() > 100) return LakeFault::none;
    all.push_back(static_cast<std::int64_t>(all.size()) + 1);
    EXPECT_TRUE(alpha.commit(carrying({all.back()})).has_value());
    EXPECT_TRUE(alpha.compact(snapshot_of(all), alpha.position().seq).has_value());
    while (!alpha.sweep().value()) continue;
    return LakeFault::none;
  });
  ASSERT_TRUE(alpha.commit(carrying({2})).has_value());
  all.push_back(2);
  const auto end = Journal::read_only(slow, collected.replay());
  EXPECT_EQ(end.error().code, "checkpoint.busy");
  EXPECT_EQ(end.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(collected.begun, kReadTriesMax);
}

}  // namespace
}  // namespace kc
