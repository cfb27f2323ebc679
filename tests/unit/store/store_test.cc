#include "core/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/store/migrate.h"
#include "tests/unit/store/records.h"

namespace kc::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kc-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "kc.db").string(); }
  std::unique_ptr<Store> open(std::string path = ":memory:") const {
    auto store = Store::open({.path = std::move(path)});
    EXPECT_TRUE(store.has_value()) << store.error().message;
    return std::move(*store);
  }
  std::filesystem::path folder_;
};

JobRow row(const std::string& id, std::int64_t at = 1) {
  JobRow job;
  job.spec = spec(id);
  job.created_at = {at};
  return job;
}

TEST_F(StoreTest, KeepsAJobAcrossARestart) {
  JobRow job = row("a");
  job.spec.tables_include = {"T'1", "Ünï"};
  job.spec.query_slots = {.percent = false, .amount = 3};
  job.spec.format = FormatChoice::parquet;
  job.spec.on_error = OnError::stop;
  job.spec.new_ingestion_time = false;
  {
    auto store = open(path());
    ASSERT_TRUE(store->add_job(job, std::nullopt));
    ASSERT_TRUE(store->set_uid("a", Uuid{{1, 2, 3}}));
    ASSERT_TRUE(store->set_state("a", JobState::running, 7, {2}));
    ASSERT_TRUE(store->wish_cancel("a", {3}));
  }
  auto store = open(path());
  const auto read = store->job("a").value();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->spec, job.spec);
  EXPECT_EQ(read->uid, (Uuid{{1, 2, 3}}));
  EXPECT_EQ(read->state, JobState::canceling);
  EXPECT_TRUE(read->cancel_wished);
  EXPECT_EQ(read->revision, 7U);
  EXPECT_EQ(store->unfinished_jobs()->size(), 1U);
  const Problem problem{.code = "x.y", .detail = "d", .fix = "f", .retryable = true};
  ASSERT_TRUE(store->end_job(
      "a",
      {.state = JobState::failed, .problem = problem, .at = {9}, .progress = "{}", .revision = 8}));
  EXPECT_EQ(store->job("a").value()->problem, problem);
  EXPECT_EQ(store->last_progress("a").value(), "{}");
  EXPECT_THAT(*store->unfinished_jobs(), IsEmpty());
  const auto events = store->events("a", 0, 10).value();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[2].type, "job.wish");
  EXPECT_EQ(events[3].detail, "failed");
}

TEST_F(StoreTest, RefusesTheSameIdTwice) {
  auto store = open();
  ASSERT_TRUE(store->add_job(row("a"), std::nullopt));
  EXPECT_EQ(store->add_job(row("a"), std::nullopt).error().code, "job.exists");
  EXPECT_EQ(store->set_state("b", JobState::running, 1, {1}).error().code, "job.not_found");
  EXPECT_FALSE(store->job("b").value().has_value());
}

TEST_F(StoreTest, TakesTheJobAndItsKeyTogetherOrNeither) {
  auto store = open();
  const KeyRow key{.key = "k", .fingerprint = "f", .job = "a", .answer = std::nullopt};
  ASSERT_TRUE(store->add_job(row("a"), key));
  EXPECT_EQ(store->add_job(row("b"), key).error().code, "idempotency.key_reused");
  EXPECT_FALSE(store->job("b").value().has_value());
  ASSERT_TRUE(store->set_answer("k", "the answer"));
  EXPECT_EQ(store->key("k").value()->answer, "the answer");
  EXPECT_EQ(store->drop_keys_before({1}).value(), 0U);
  EXPECT_EQ(store->drop_keys_before({2}).value(), 1U);
  EXPECT_FALSE(store->key("k").value().has_value());
}

TEST_F(StoreTest, PagesNewestFirstWithoutGapOrRepeat) {
  auto store = open();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(
        store->add_job(row("j" + std::to_string(i), i / 3), std::nullopt));  // ties on the age
  }
  ASSERT_TRUE(store->set_state("j4", JobState::running, 1, {1}));
  std::vector<std::string> seen;
  JobQuery query{.limit = 3};
  for (auto page = store->jobs(query).value(); !page.empty(); page = store->jobs(query).value()) {
    for (const auto& job : page) seen.push_back(job.spec.id);
    query.after = JobQuery::After{page.back().created_at, page.back().spec.id};
  }
  EXPECT_THAT(seen, ElementsAre("j9", "j8", "j7", "j6", "j5", "j4", "j3", "j2", "j1", "j0"));
  EXPECT_EQ(store->jobs({.states = {JobState::running, JobState::failed}}).value().size(), 1U);
}

TEST_F(StoreTest, RefusesANewerDatabase) {
  open(path());
  {
    auto raw = Connection::open(path(), Connection::Mode::write).value();
    ASSERT_TRUE(raw->run("pragma user_version = 999"));
  }
  const auto refused = Store::open({.path = path()});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "store.newer");
  EXPECT_THAT(refused.error().message, HasSubstr("999"));
}

TEST_F(StoreTest, CopiesTheFileBeforeTheFirstNewMigration) {
  const auto all = migrations();
  {
    auto raw = Connection::open(path(), Connection::Mode::write).value();
    ASSERT_TRUE(migrate(*raw, path(), std::span(all).first(1)));
    ASSERT_TRUE(
        raw->run("insert into job (id, spec, state, created_at) values ('a', '{}', 'pending', 1)"));
    EXPECT_FALSE(std::filesystem::exists(path() + ".before-1"));
  }
  open(path());
  auto copy = Connection::open(path() + ".before-2", Connection::Mode::write).value();
  EXPECT_EQ(copy->number("pragma user_version").value(), 1);
  EXPECT_EQ(copy->number("select count(*) from job").value(), 1);
}

TEST_F(StoreTest, LeavesNothingOfAMigrationThatFails) {
  auto raw = Connection::open(path(), Connection::Mode::write).value();
  const std::vector<Migration> broken{
      {1, "create table a (b) strict; create table c (d integer) strict; nonsense"}};
  EXPECT_FALSE(migrate(*raw, path(), broken).has_value());
  EXPECT_EQ(raw->number("select count(*) from sqlite_master").value(), 0);
  EXPECT_EQ(raw->number("pragma user_version").value(), 0);
}

TEST_F(StoreTest, RefusesARowThatContradictsItself) {
  auto raw = Connection::open(path(), Connection::Mode::write).value();
  ASSERT_TRUE(migrate(*raw, path(), migrations()));
  EXPECT_EQ(
      raw->run("insert into job (id, spec, state, created_at) values ('a', '{}', 'succeeded', 1)")
          .error()
          .code,
      "store.constraint");
  EXPECT_FALSE(
      raw->run("insert into job (id, spec, state, created_at) values ('a', '{}', 'dreaming', 1)"));
  EXPECT_FALSE(raw->run(
      "insert into job (id, spec, state, created_at) values ('a', '{}', 'pending', 'soon')"));
}

// schema.sql is what a newcomer reads: the sum of all migrations, as SQLite itself keeps it.
TEST_F(StoreTest, GoldenSchemaIsTheSumOfTheMigrations) {
  auto raw = Connection::open(path(), Connection::Mode::write).value();
  ASSERT_TRUE(migrate(*raw, path(), migrations()));
  std::string sum;
  auto rows = raw->query("select sql from sqlite_master where sql is not null order by rowid");
  while (rows.next().value()) sum += rows.text(0) + ";\n\n";
  std::ifstream file(KC_SOURCE_DIR "/migrations/schema.sql");
  const std::string golden((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(golden, sum) << "migrations/schema.sql must be exactly:\n" << sum;
}

// A landed migration never changes: databases that have it would differ from new ones.
TEST_F(StoreTest, LandedMigrationsNeverChange) {
  const auto fingerprint = [](std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
  };
  std::vector<std::uint64_t> prints;
  for (const auto& each : migrations()) prints.push_back(fingerprint(each.sql));
  EXPECT_THAT(prints, ElementsAre(0x1ecc8bf412839ef8U, 0x125164ba3aff3862U, 0x430abb11051758bdU,
                                  0xf48c2e16bd07feb2U));
}

TEST_F(StoreTest, SaysThatTheFileIsNoDatabase) {
  std::ofstream(path()) << std::string(10'000, 'x');
  EXPECT_EQ(Store::open({.path = path()}).error().code, "store.corrupt");
}

TEST_F(StoreTest, FindsDamageInsideTheFile) {
  {
    auto store = open(path());
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(store->add_job(row("job-" + std::to_string(i)), std::nullopt));
  }
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path()));
  file.seekp(size / 2);
  file << std::string(static_cast<std::size_t>(size / 2), '\xa5');
  file.close();
  EXPECT_EQ(Store::open({.path = path()}).error().code, "store.corrupt");
}

TEST_F(StoreTest, SaysThatItCannotBeOpened) {
  EXPECT_EQ(Store::open({.path = (folder_ / "no" / "such" / "kc.db").string()}).error().code,
            "store.unreachable");
}

TEST_F(StoreTest, SaysThatTheDiskIsFullAndGoesOnWhenItIsNot) {
  auto raw = Connection::open(path(), Connection::Mode::write).value();
  ASSERT_TRUE(raw->run(
      "pragma max_page_count = 4; create table t (x)"));  // SQLite's own way to meet a full disk
  const auto full = raw->run("insert into t select randomblob(100000)");
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, "store.full");
  EXPECT_EQ(full.error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(raw->run("pragma max_page_count = 1000"));
  EXPECT_TRUE(raw->run("insert into t select randomblob(100000)").has_value());
}

TEST_F(StoreTest, KeepsTheFileToItsOwner) {
  open(path());
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(StoreTest, ReadsWhileItWrites) {
  auto store = open(path());
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(store->add_job(row("w" + std::to_string(i), i), std::nullopt));
  });
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->jobs({.limit = 1000}).has_value());
    });
  }
  writer.join();
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(store->jobs({.limit = 1000})->size(), 100U);
}

// --- the mirror ---

TEST_F(StoreTest, MirrorsTheJournal) {
  auto store = open();
  ASSERT_TRUE(store->add_job(row("a"), std::nullopt));
  const auto files = copied_journal("a");
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto applied = store->apply("a", i + 1, files[i]);
    ASSERT_TRUE(applied.has_value()) << i << ": " << applied.error().message;
  }
  const auto tables = store->tables("a").value();
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].rows_planned, 15);
  EXPECT_EQ(tables[0].blocks_live, 1);
  EXPECT_EQ(tables[0].blocks_finished, 1);  // the first block is folded away
  const auto blocks = store->blocks("a", std::nullopt, 10).value();
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].id, 2);
  EXPECT_EQ(blocks[0].state, BlockState::exporting);
  EXPECT_EQ(store->counts("a").value()->rows_done, 10);
  EXPECT_EQ(store->position("a").value()->seq, files.size());
  EXPECT_THAT(*store->blocks("a", BlockState::planned, 10), IsEmpty());
}

struct Mirrored {
  std::vector<MirrorTable> tables;
  std::vector<MirrorBlock> blocks;
  std::optional<MirrorCounts> counts;
  friend bool operator==(const Mirrored&, const Mirrored&) = default;
};
Mirrored mirrored(const Store& store) {
  return {store.tables("a").value(), store.blocks("a", std::nullopt, 100).value(),
          store.counts("a").value()};
}

TEST_F(StoreTest, AppliesEachFileOnceHoweverOftenItIsGiven) {
  auto store = open();
  ASSERT_TRUE(store->add_job(row("a"), std::nullopt));
  const auto files = copied_journal("a");
  for (std::size_t i = 0; i < files.size(); ++i) {
    ASSERT_TRUE(store->apply("a", i + 1, files[i]));
    const auto before = mirrored(*store);
    ASSERT_TRUE(store->apply("a", i + 1, files[i]));
    EXPECT_EQ(mirrored(*store), before) << i;
  }
}

// After a restart the journal is replayed; what is mirrored stays, the rest catches up, wherever
// the process ended.
TEST_F(StoreTest, CatchesUpFromAnyPosition) {
  const auto files = copied_journal("a");
  auto whole = open();
  ASSERT_TRUE(whole->add_job(row("a"), std::nullopt));
  for (std::size_t i = 0; i < files.size(); ++i) ASSERT_TRUE(whole->apply("a", i + 1, files[i]));
  for (std::size_t cut = 0; cut <= files.size(); ++cut) {
    const auto file = (folder_ / ("cut" + std::to_string(cut))).string();
    {
      auto first = open(file);
      ASSERT_TRUE(first->add_job(row("a"), std::nullopt));
      for (std::size_t i = 0; i < cut; ++i) ASSERT_TRUE(first->apply("a", i + 1, files[i]));
    }
    auto second = open(file);
    if (cut > 0 && cut < files.size()) {
      EXPECT_EQ(second->apply("a", cut + 1, files[cut]).error().code, "store.replay_needed");
    }
    for (std::size_t i = 0; i < files.size(); ++i)
      ASSERT_TRUE(second->apply("a", i + 1, files[i])) << cut;
    EXPECT_EQ(mirrored(*second), mirrored(*whole)) << cut;
  }
}

TEST_F(StoreTest, TakesASnapshotInPlaceOfTheFilesBeforeIt) {
  const auto files = copied_journal("a");
  auto store = open();
  ASSERT_TRUE(store->add_job(row("a"), std::nullopt));
  Ledger ledger;
  for (std::size_t i = 0; i < files.size(); ++i) {
    ASSERT_TRUE(store->apply("a", i + 1, files[i]));
    for (const auto& each : files[i]) ASSERT_TRUE(ledger.apply(each));
  }
  const auto before = mirrored(*store);
  ASSERT_TRUE(store->forget_progress("a"));
  EXPECT_FALSE(store->position("a").value().has_value());
  EXPECT_THAT(*store->blocks("a", std::nullopt, 10), IsEmpty());
  ASSERT_TRUE(store->apply("a", files.size(), ledger.snapshot()));
  EXPECT_EQ(mirrored(*store), before);
  EXPECT_EQ(store->position("a").value()->seq, files.size());
}

TEST_F(StoreTest, AFileThatCannotFollowChangesNothing) {
  const auto files = copied_journal("a");
  auto store = open();
  ASSERT_TRUE(store->add_job(row("a"), std::nullopt));
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(store->apply("a", i + 1, files[i]));
  const auto before = mirrored(*store);
  EXPECT_EQ(store->apply("a", 4, {record::TableDone{{"nowhere"}}}).error().code,
            "checkpoint.corrupt");
  EXPECT_EQ(mirrored(*store), before);
  EXPECT_EQ(store->position("a").value()->seq, 3U);
  EXPECT_EQ(store->apply("nobody", 1, files[0]).error().code, "job.not_found");
}

}  // namespace
}  // namespace kc::store
