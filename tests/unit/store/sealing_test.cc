#include "core/store/sealing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "core/store/migrate.h"
#include "core/store/sealed_spec.h"
#include "core/store/spec_text.h"
#include "core/store/store.h"
#include "tests/unit/store/records.h"

namespace kc::store {
namespace {

using testing::HasSubstr;
using testing::Not;

class SealingTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kc-sealing-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string in(const std::string& name) const { return (folder_ / name).string(); }
  Sealer of(const std::string& name) const {
    auto sealer = Sealer::of_file(in(name));
    EXPECT_TRUE(sealer) << sealer.error().message;
    return std::move(*sealer);
  }
  std::filesystem::path folder_;
};

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Every file below the folder, one behind the other.
std::string all_bytes(const std::filesystem::path& folder) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) all += bytes_of(entry.path());
  }
  return all;
}

TEST_F(SealingTest, OpensWhatItSealedAndOnlyInItsPlace) {
  const Sealer sealer = of("key");
  for (const std::string& text : {std::string(), std::string("a"),
                                  std::string("Fed=True;AppKey=MARK"), std::string(20'000, 'x')}) {
    const std::string sealed = sealer.seal(text, "job/a/lake");
    EXPECT_TRUE(sealed.starts_with("kcs1." + sealer.key_id() + ".")) << sealed;
    EXPECT_THAT(sealed, Not(HasSubstr("MARK")));
    EXPECT_EQ(sealer.open(sealed, "job/a/lake"), text);
    EXPECT_EQ(sealer.open(sealed, "job/a/source").error().code, "secret.damaged");
    EXPECT_EQ(sealer.open(sealed, "job/b/lake").error().code, "secret.damaged");
    EXPECT_NE(sealer.seal(text, "job/a/lake"), sealed);  // another nonce
  }
}

TEST_F(SealingTest, RefusesEveryChangedByteAndEveryShorterText) {
  const Sealer sealer = of("key");
  const std::string sealed = sealer.seal("Fed=True;AppKey=MARK", "p");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string other = sealed;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    const auto opened = sealer.open(other, "p");
    ASSERT_FALSE(opened) << i;
    EXPECT_THAT(opened.error().message, Not(HasSubstr("MARK")));
    EXPECT_FALSE(sealer.open(sealed.substr(0, i), "p")) << i;
  }
}

TEST_F(SealingTest, SaysThatItIsAnotherKey) {
  const Sealer one = of("one"), other = of("other");
  const auto opened = other.open(one.seal("x", "p"), "p");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "secret.key_lost");
  EXPECT_THAT(opened.error().message, HasSubstr(one.key_id()));
  EXPECT_THAT(opened.error().message, HasSubstr(in("other")));
}

TEST_F(SealingTest, MakesTheKeyOnceForItsOwnerAlone) {
  constexpr int kMakers = 8;
  std::vector<std::string> ids(kMakers);
  {
    std::vector<std::jthread> makers;
    for (auto& id : ids) makers.emplace_back([&] { id = of("key").key_id(); });
  }
  EXPECT_THAT(ids, testing::Each(ids.front()));
  struct stat status {};
  ASSERT_EQ(::stat(in("key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);  // no leftovers
}

TEST_F(SealingTest, RefusesAFileThatHoldsNoKey) {
  for (const std::string text :
       {"", "short", "AAAA", "not base64 at all, but long enough for it!"}) {
    std::ofstream(in("key"), std::ios::trunc) << text;
    const auto sealer = Sealer::of_file(in("key"));
    ASSERT_FALSE(sealer) << text;
    EXPECT_EQ(sealer.error().code, "secret.key_file");
    EXPECT_THAT(sealer.error().fix, HasSubstr("--secret-key-file"));
  }
  EXPECT_EQ(Sealer::of_file(in("no/such/key")).error().code, "secret.key_file");
}

JobRow secret_row(const std::string& id) {
  JobRow row;
  row.spec = spec(id);
  row.spec.lake = "https://a.blob.core.windows.net/c;sharedkey=MARK-lake";
  row.spec.source = "https://s.kusto.windows.net;Fed=True;UserToken=MARK-source";
  row.spec.destination = "https://d.kusto.windows.net;Fed=True;UserToken=MARK-destination";
  row.created_at = {1};
  return row;
}

TEST_F(SealingTest, TheDatabaseHoldsNoSecretAndGivesThemBack) {
  const auto row = secret_row("a");
  {
    auto store = Store::open({.path = in("kc.db")}).value();
    ASSERT_TRUE(store->add_job(row, std::nullopt));
    EXPECT_THAT(all_bytes(folder_), Not(HasSubstr("MARK")));  // the log of the database too
  }
  EXPECT_THAT(all_bytes(folder_), Not(HasSubstr("MARK")));
  auto store = Store::open({.path = in("kc.db")}).value();
  EXPECT_EQ(store->job("a").value()->spec, row.spec);
  EXPECT_FALSE(store->job("a").value()->locked);
}

TEST_F(SealingTest, WithoutItsKeyAJobSaysSoAndCanBeGivenAgain) {
  const auto row = secret_row("a");
  { ASSERT_TRUE(Store::open({.path = in("kc.db")}).value()->add_job(row, std::nullopt)); }
  std::filesystem::remove(in("kc.db.key"));
  auto store = Store::open({.path = in("kc.db")}).value();
  const auto locked = store->unfinished_jobs().value().at(0);
  ASSERT_TRUE(locked.locked);
  EXPECT_EQ(locked.locked->code, "secret.key_lost");
  EXPECT_THAT(locked.locked->fix, HasSubstr("submit the job again with its id"));
  EXPECT_EQ(locked.spec.source, "***");
  EXPECT_EQ(locked.spec.db, row.spec.db);
  ASSERT_TRUE(store->add_job(row, std::nullopt));
  EXPECT_EQ(store->job("a").value()->spec, row.spec);
  EXPECT_EQ(store->add_job(row, std::nullopt).error().code, "job.exists");
}

TEST_F(SealingTest, ADatabaseOfBeforeIsSealedAndKeepsNoTrace) {
  const auto all = migrations();
  {
    auto raw = Connection::open(in("kc.db"), Connection::Mode::write).value();
    ASSERT_TRUE(raw->run("pragma journal_mode = wal"));
    ASSERT_TRUE(migrate(*raw, in("kc.db"), std::span(all).first(3)));
    for (const char* id : {"a", "b", "gone"}) {
      ASSERT_TRUE(raw->query("insert into job (id, spec, state, created_at) values (?,?,?,1)")
                      .bind(std::string_view(id))
                      .bind(to_text(secret_row(id).spec))
                      .bind(std::string_view("running"))
                      .done());
    }
    ASSERT_TRUE(raw->run("delete from job where id = 'gone'"));
  }
  ASSERT_THAT(all_bytes(folder_), HasSubstr("MARK"));  // or the test could not fail
  auto store = Store::open({.path = in("kc.db")}).value();
  EXPECT_THAT(all_bytes(folder_), Not(HasSubstr("MARK")));
  EXPECT_FALSE(std::filesystem::exists(in("kc.db.before-4")));
  EXPECT_EQ(store->job("a").value()->spec, secret_row("a").spec);
  EXPECT_EQ(store->job("b").value()->spec, secret_row("b").spec);
}

// The process may end between the sealing and the cleaning.
TEST_F(SealingTest, TheNextStartFinishesTheCleaning) {
  {
    ASSERT_TRUE(Store::open({.path = in("kc.db")}).value()->add_job(secret_row("a"), std::nullopt));
  }
  {
    auto raw = Connection::open(in("kc.db"), Connection::Mode::write).value();
    ASSERT_TRUE(raw->run("update job set secrets = 'traces'"));
  }
  std::ofstream(in("kc.db.before-4")) << "MARK";
  auto store = Store::open({.path = in("kc.db")}).value();
  EXPECT_FALSE(std::filesystem::exists(in("kc.db.before-4")));
  auto raw = Connection::open(in("kc.db"), Connection::Mode::read).value();
  EXPECT_EQ(raw->number("select count(*) from job where secrets = 'sealed'").value(), 1);
}

TEST_F(SealingTest, AProblemIsKeptWithoutTheSecretInIt) {
  auto store = Store::open({.path = in("kc.db")}).value();
  ASSERT_TRUE(store->add_job(secret_row("a"), std::nullopt));
  ASSERT_TRUE(store->end_job("a", {.state = JobState::failed,
                                   .problem = Problem{.code = "x.y",
                                                      .detail = "refused: AppKey=MARK-detail",
                                                      .fix = "sig=MARK-fix",
                                                      .retryable = false},
                                   .at = {2},
                                   .progress = "{}",
                                   .revision = 1}));
  EXPECT_THAT(all_bytes(folder_), Not(HasSubstr("MARK")));
}

}  // namespace
}  // namespace kc::store
