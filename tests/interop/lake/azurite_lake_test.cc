// The suite of the Lake door against Azurite, and what only a real storage service shows: lost
// answers, torn bodies, leases, grants, a folder of many files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <map>
#include <set>
#include <thread>

#include "core/lake/lake_address.h"
#include "core/lake/process_mark.h"
#include "tests/interop/azurite/azurite.h"
#include "tests/interop/lake/azurite_lakes.h"
#include "tests/interop/lake/cutting_proxy.h"

namespace kc {
namespace {

using testing::HasSubstr;

std::string kind_name(const testing::TestParamInfo<LakeKind>& info) { return info.param.name; }

LakeKind kind(const char* name, Access access) {
  // Once is enough for what costs seconds.
  const int files = access == Access::key ? 5001 : 101;
  return {name, [access] { return std::make_unique<AzuriteLake>(access); }, 30, files};
}

INSTANTIATE_TEST_SUITE_P(Azurite, LakeSuite,
                         testing::Values(kind("key", Access::key),
                                         kind("account_sas", Access::account_sas),
                                         kind("container_sas", Access::container_sas),
                                         kind("token_over_https", Access::token)),
                         kind_name);

class StopAzurite final : public testing::Environment {
 public:
  void TearDown() override { stop_azurite(); }
};
const auto* const kStop = testing::AddGlobalTestEnvironment(new StopAzurite);

BlobLakeOptions impatient() {
  BlobLakeOptions options;
  options.line.wait = [](Timespan) { return true; };
  return options;
}

// Cuts drawn from a seed, on several threads.
class Dice {
 public:
  explicit Dice(double probability) : probability_(probability) {}
  Cut draw(const fakes::RawRequest&) {
    constexpr std::array kCuts = {Cut::request, Cut::body,      Cut::answer, Cut::half_answer,
                                  Cut::busy,    Cut::throttled, Cut::failed};
    return rng_.with([&](Rng& rng) {
      return rng.chance(probability_) ? kCuts.at(rng.below(kCuts.size())) : Cut::nothing;
    });
  }

 private:
  const double probability_;
  Guarded<Rng> rng_{Rng(20261121)};
};

class CutLakeTest : public testing::Test {
 protected:
  explicit CutLakeTest(double probability = 0.35)
      : dice_(probability),
        proxy_(azurite_blob_port(), [this](const auto& request) { return dice_.draw(request); }) {}

  AzuriteLake whole_{Access::key};
  Dice dice_;
  CuttingProxy proxy_;
};

TEST_F(CutLakeTest, WhatIsSaidToBeCreatedIsThereWholeAndByWhomItSays) {
  const auto cut = whole_.another(proxy_.port(), impatient());
  std::map<Created, int> outcomes;
  int unknown = 0;
  for (int i = 0; i < 150; ++i) {
    const auto name = "c/" + std::to_string(i);
    const std::string bytes(static_cast<std::size_t>(1 + i * 97), static_cast<char>('a' + i % 26));
    const bool taken = i % 3 == 0;
    if (taken) {
      ASSERT_TRUE(whole_.lake().put(name, "taken"));
    }
    const auto made = cut->create_if_absent(name, bytes);
    const auto there = whole_.lake().get(name);
    if (!made) {
      ++unknown;
      EXPECT_EQ(made.error().kind, ErrorKind::unavailable) << made.error().message;
      EXPECT_TRUE(!there || *there == (taken ? "taken" : bytes)) << name;
      continue;
    }
    ++outcomes[*made];
    EXPECT_EQ(*made, taken ? Created::exists : Created::created) << name;
    EXPECT_EQ(there, taken ? "taken" : bytes) << name;
  }
  EXPECT_GT(outcomes[Created::created], 50);
  EXPECT_GT(outcomes[Created::exists], 25);
  RecordProperty("unknown", unknown);
}

TEST_F(CutLakeTest, ReplacedFilesReadListedAndRemovedAreNeverTorn) {
  const auto cut = whole_.another(proxy_.port(), impatient());
  const std::string a(60'000, 'a'), b(90'000, 'b');
  ASSERT_TRUE(whole_.lake().put("status", a));
  int read = 0, listed = 0;
  for (int i = 0; i < 60; ++i) {
    static_cast<void>(cut->put("status", i % 2 == 0 ? b : a));
    const auto there = whole_.lake().get("status");
    ASSERT_TRUE(there);
    EXPECT_TRUE(*there == a || *there == b) << there->size();
    if (const auto through = cut->get("status")) {
      ++read;
      EXPECT_EQ(*through, *there);
    }
    if (const auto files = cut->list("")) {
      ++listed;
      EXPECT_EQ(files->size(), 1u);
    }
  }
  EXPECT_GT(read, 30);
  EXPECT_GT(listed, 30);
  for (int i = 0; i < 20; ++i) {
    const auto name = "r/" + std::to_string(i);
    ASSERT_TRUE(whole_.lake().put(name, "x"));
    if (!cut->remove(name)) continue;
    EXPECT_EQ(whole_.lake().get(name).error().kind, ErrorKind::not_found);
  }
}

TEST_F(CutLakeTest, OfEightRacingCreatorsWithLostAnswersAtMostOneWins) {
  constexpr int kThreads = 8, kRounds = 30;
  std::array<std::atomic<int>, kRounds> winners{}, unknown{};
  std::vector<std::unique_ptr<BlobLake>> lakes;
  for (int t = 0; t < kThreads; ++t) lakes.push_back(whole_.another(proxy_.port(), impatient()));
  std::barrier start(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t round = 0; round < kRounds; ++round) {
          start.arrive_and_wait();
          // The same bytes from all: only the stamp tells them apart.
          const auto made = lakes[static_cast<std::size_t>(t)]->create_if_absent(
              "race/" + std::to_string(round), "same");
          if (!made)
            ++unknown[round];
          else if (*made == Created::created)
            ++winners[round];
        }
      });
    }
  }
  int decided = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    EXPECT_LE(winners[round], 1) << round;
    if (unknown[round] == 0) {
      EXPECT_EQ(winners[round], 1) << round;
    }
    decided += winners[round];
  }
  EXPECT_GT(decided, kRounds / 2);
}

TEST_F(CutLakeTest, TheFolderOfAnExportGoesThoughAnswersAreLost) {
  const auto cut = whole_.another(proxy_.port(), impatient());
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(whole_.lake().put("data/1/1/e1/" + std::to_string(i), "x"));
  for (int attempt = 0; attempt < 50 && !cut->close_folder("data/1/1/e1"); ++attempt) {
  }
  EXPECT_TRUE(whole_.lake().list("")->empty());
}

std::string_view word_of(Cut cut) {
  constexpr std::array<std::string_view, 10> kWords = {
      "nothing", "request",   "body",   "answer",  "half_answer",
      "busy",    "throttled", "failed", "silence", "stranger"};
  return kWords.at(static_cast<std::size_t>(cut));
}

// Each kind of fault alone, at the first try of every operation: what it comes to is known.
class FaultTest : public testing::TestWithParam<Cut> {
 protected:
  AzuriteLake whole_{Access::key};
  std::atomic<bool> armed_{false};
  CuttingProxy proxy_{azurite_blob_port(), [this](const fakes::RawRequest&) {
                        return armed_.exchange(false) ? GetParam() : Cut::nothing;
                      }};
};

TEST_P(FaultTest, OfTheFirstTryIsOvercome) {
  auto options = impatient();
  options.line.deadline = Timespan::seconds(1);
  const auto lake = whole_.another(proxy_.port(), options);
  armed_ = true;
  EXPECT_EQ(lake->create_if_absent("a", "new"), Created::created);
  EXPECT_EQ(whole_.lake().get("a"), "new");
  armed_ = true;
  EXPECT_EQ(lake->create_if_absent("a", "newer"), Created::exists);
  EXPECT_EQ(whole_.lake().get("a"), "new");
  armed_ = true;
  EXPECT_TRUE(lake->put("b", "x").has_value());
  EXPECT_EQ(whole_.lake().get("b"), "x");
  armed_ = true;
  EXPECT_EQ(lake->get("a"), "new");
  armed_ = true;
  const auto listed = lake->list("a");
  ASSERT_TRUE(listed.has_value()) << listed.error().message;
  EXPECT_EQ(listed->size(), 1u);
  armed_ = true;
  EXPECT_TRUE(lake->remove("a").has_value());
  EXPECT_FALSE(whole_.lake().get("a").has_value());
  armed_ = true;
  const auto lease = lake->acquire_lease("me");
  EXPECT_TRUE(lease.has_value()) << (lease ? "" : lease.error().message);
}

INSTANTIATE_TEST_SUITE_P(Each, FaultTest,
                         testing::Values(Cut::request, Cut::body, Cut::answer, Cut::half_answer,
                                         Cut::busy, Cut::throttled, Cut::failed, Cut::silence,
                                         Cut::stranger),
                         [](const auto& test) { return std::string(word_of(test.param)); });

class AzuriteLakeTest : public testing::Test {
 protected:
  AzuriteLake under_{Access::key};
};

TEST_F(AzuriteLakeTest, AContainerThatIsNotThereIsTold) {
  auto blobs = under_.blobs();
  BlobPlace place;
  place.root = {azurite_account().blob, azurite_account().name, "not-there", "job",
                azurite_account().credential()};
  net::CurlTransport transport;
  SystemClock clock;
  BlobLake lake(transport, clock, Rng(1), place);
  EXPECT_EQ(lake.list("").error().code, "lake.container");
  EXPECT_EQ(lake.get("a").error().code, "lake.container");
  EXPECT_EQ(lake.create_if_absent("a", "x").error().code, "lake.container");
  EXPECT_EQ(lake.acquire_lease("me").error().code, "lake.container");
}

TEST_F(AzuriteLakeTest, AWrongKeyIsDeniedAndNotRepeatedInTheMessage) {
  BlobPlace place;
  place.root = {azurite_account().blob,
                azurite_account().name,
                "not-there",
                "job",
                {azure::Credential::Kind::shared_key, azurite_account().name, "U2VjcmV0"}};
  net::CurlTransport transport;
  SystemClock clock;
  const auto read = BlobLake(transport, clock, Rng(1), place).get("a");
  EXPECT_EQ(read.error().code, "lake.permission");
  EXPECT_EQ(read.error().message.find("U2VjcmV0"), std::string::npos);
}

TEST_F(AzuriteLakeTest, AGrantWritesButReadsListsAndRemovesNothing) {
  ASSERT_TRUE(under_.lake().put("checkpoint/1", "secret"));
  const auto grant = under_.lake().open_folder("data/f", under_.now() + Timespan::seconds(3600));
  ASSERT_TRUE(grant);
  const auto address = *azure::parse_blob_address(grant->uri);
  net::CurlTransport transport;
  SystemClock clock;
  azure::Blobs cluster(transport, clock, address);
  EXPECT_TRUE(cluster.put(address.path + "/x", "rows"));
  EXPECT_EQ(cluster.get(address.path + "/x").error().kind, ErrorKind::denied);
  EXPECT_EQ(cluster.list("").error().kind, ErrorKind::denied);
  EXPECT_EQ(cluster.remove(address.path + "/x").error().kind, ErrorKind::denied);
  const auto one = *azure::parse_blob_address(*under_.lake().read_uri("data/f/x"));
  azure::Blobs reader(transport, clock, one);
  EXPECT_EQ(reader.get(one.path), "rows");
  EXPECT_EQ(reader.put(one.path, "changed").error().kind, ErrorKind::denied);
  EXPECT_EQ(reader.get("root/job 1/checkpoint/1").error().kind, ErrorKind::denied);
}

TEST_F(AzuriteLakeTest, AThousandFilesAreListedAndRemovedInSeconds) {
  const std::string bytes(1 << 20, 'x');
  constexpr int kFiles = 1000, kThreads = 8;
  std::atomic<int> errors{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = t; i < kFiles; i += kThreads)
          errors += under_.lake().put("many/" + std::to_string(i), bytes) ? 0 : 1;
      });
    }
  }
  ASSERT_EQ(errors, 0);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(under_.lake().list("many/")->size(), 1000u);
  ASSERT_TRUE(under_.lake().close_folder("many"));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_TRUE(under_.lake().list("many/")->empty());
  std::printf("1,000 blobs of 1 MiB listed and removed in %.2f s\n", took.count());
  RecordProperty("milliseconds", static_cast<int>(took.count() * 1000));
}

// A process that runs until its standard input ends.
struct Child {
  Child() {
    if (::pipe2(hold.data(), O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, hold[0], STDIN_FILENO);
    std::string name = "cat";
    std::array<char*, 2> arguments = {name.data(), nullptr};
    if (::posix_spawnp(&pid, "cat", &actions, nullptr, arguments.data(), environ) != 0)
      std::abort();
    posix_spawn_file_actions_destroy(&actions);
    ::close(hold[0]);
  }
  void end() {
    ::close(hold[1]);
    ::waitpid(pid, nullptr, 0);
  }
  std::array<int, 2> hold{};
  pid_t pid = -1;
};

TEST(AzuriteTokenLake, GrantsAreDelegatedAndHoldNoToken) {
  AzuriteLake under(Access::token);
  const auto token = azurite_token(under.now());
  const auto grant = under.lake().open_folder("data/f", under.now() + Timespan::seconds(3600));
  ASSERT_TRUE(grant) << grant.error().message;
  for (const char* part : {"skoid=", "sktid=", "ske=", "sr=c", "sp=w&", "spr=https"})
    EXPECT_THAT(grant->uri, HasSubstr(part));
  EXPECT_EQ(grant->uri.find(token.substr(0, 40)), std::string::npos);
  const auto address = *azure::parse_blob_address(grant->uri);
  SystemClock clock;
  azure::Blobs cluster(under.transport(), clock, address);
  EXPECT_TRUE(cluster.put(address.path + "/x", "rows"));
  EXPECT_EQ(cluster.get(address.path + "/x").error().kind, ErrorKind::denied);
  EXPECT_EQ(under.cluster_reads(*under.lake().read_uri("data/f/x")), "rows");
}

TEST(AzuriteTokenLake, ATokenThatIsNoneIsDenied) {
  AzuriteLake under(Access::token);
  BlobPlace place;
  place.root = {emulator(Access::token).account.blob,
                "devstoreaccount1",
                "lake",
                "job",
                {azure::Credential::Kind::token, {}, "eyJhbGciOiJub25lIn0.e30.x"}};
  SystemClock clock;
  const auto read = BlobLake(under.transport(), clock, Rng(1), place).get("a");
  EXPECT_EQ(read.error().code, "lake.permission");
  EXPECT_EQ(read.error().message.find("eyJ"), std::string::npos);
}

TEST(AzuriteTokenLake, ACertificateThatNobodyKnowsIsNotTrusted) {
  BlobPlace place;
  place.root = {emulator(Access::token).account.blob, "devstoreaccount1", "lake", "job",
                emulator(Access::token).account.credential()};
  net::CurlTransport strict;
  SystemClock clock;
  EXPECT_FALSE(BlobLake(strict, clock, Rng(1), place).get("a"));
}

class AzuriteLeaseTest : public AzuriteLakeTest {
 protected:
  // As another process would hold it.
  void hold(const std::string& mark) {
    auto blobs = under_.blobs();
    ASSERT_TRUE(blobs.put(kBlob, ""));
    ASSERT_TRUE(blobs.lease(kBlob, {.id = other_}));
    ASSERT_TRUE(
        blobs.put(kBlob, "another:17\n" + mark + "\n" + other_ + "\n", {.lease_id = other_}));
  }
  std::unique_ptr<BlobLake> counting(int let_go_after) {
    BlobLakeOptions options;
    options.lease_seconds = 15;
    options.line.wait = [this, let_go_after](Timespan) {
      if (++waits_ == let_go_after) {
        EXPECT_TRUE(under_.blobs().lease(
            kBlob, {.action = azure::LeaseCall::Action::release, .id = other_}));
      }
      return true;
    };
    return under_.another(azurite_blob_port(), options);
  }

  const std::string kBlob = "root/job 1/.lease";
  const std::string other_ = "123e4567-e89b-12d3-a456-426614174000";
  int waits_ = 0;
};

TEST_F(AzuriteLeaseTest, AKilledHolderOfThisMachineGivesWayAtOnce) {
  Child child;
  hold(process_mark(child.pid));
  const auto lake = counting(0);
  const auto held = lake->acquire_lease("me");
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, "lake.lease_held");
  EXPECT_THAT(held.error().message, HasSubstr("another:17"));
  child.end();
  const auto lease = lake->acquire_lease("me");
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_EQ(waits_, 0);
  EXPECT_TRUE((*lease)->renew());
  // The dead one's lease is no longer in force.
  EXPECT_FALSE(
      under_.blobs().lease(kBlob, {.action = azure::LeaseCall::Action::renew, .id = other_}));
}

TEST_F(AzuriteLeaseTest, AHolderElsewhereIsWaitedForAndThenTold) {
  hold("another/machine/1/2");
  const auto held = counting(0)->acquire_lease("me");
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, "lake.lease_held");
  EXPECT_EQ(waits_, 17);
  waits_ = 0;
  const auto lease = counting(3)->acquire_lease("me");
  EXPECT_TRUE(lease);
  EXPECT_EQ(waits_, 3);
}

TEST_F(AzuriteLeaseTest, ALeaseThatRanOutIsTakenAgainUnlessSomebodyElseHasIt) {
  auto lease = under_.lake().acquire_lease("me");
  ASSERT_TRUE(lease);
  auto blobs = under_.blobs();
  const auto id = [&] {
    const auto note = *blobs.read(kBlob);
    return note.substr(note.size() - 37, 36);
  }();
  using Action = azure::LeaseCall::Action;
  ASSERT_TRUE(blobs.lease(kBlob, {.action = Action::release, .id = id}));
  EXPECT_TRUE((*lease)->renew());
  ASSERT_TRUE(blobs.lease(kBlob, {.action = Action::release, .id = id}));
  ASSERT_TRUE(blobs.lease(kBlob, {.id = other_}));
  const auto lost = (*lease)->renew();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, "lake.lease_lost");
  // Its end leaves the other's alone.
  lease->reset();
  EXPECT_TRUE(blobs.lease(kBlob, {.action = Action::renew, .id = other_}));
}

TEST_F(AzuriteLakeTest, AnAddressLeadsToTheSameLake) {
  ASSERT_TRUE(under_.lake().put("a", "x"));
  net::CurlTransport transport;
  SystemClock clock;
  const LakeDoors doors{.transport = transport, .clock = clock};
  const auto url = under_.lake().describe();
  const auto root = url.substr(0, url.rfind('/'));
  const auto by_key = parse_lake(root + ";" + azurite_account().key);
  ASSERT_TRUE(by_key) << by_key.error().message;
  EXPECT_EQ((*open_lake(*by_key, "job 1", doors))->get("a"), "x");
  const auto container = root.substr(azurite_account().blob.size() + 1);
  const auto by_account =
      parse_lake("DefaultEndpointsProtocol=http;AccountName=" + azurite_account().name +
                 ";AccountKey=" + azurite_account().key +
                 ";BlobEndpoint=" + azurite_account().blob + ";Container=" + container);
  ASSERT_TRUE(by_account) << by_account.error().message;
  EXPECT_EQ((*open_lake(*by_account, "job 1", doors))->get("a"), "x");
}

}  // namespace
}  // namespace kc
