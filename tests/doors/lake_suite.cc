#include "tests/doors/lake_suite.h"

#include <gmock/gmock.h>

#include <atomic>
#include <barrier>
#include <cstdlib>
#include <thread>
#include <vector>

namespace kc {

using testing::ElementsAre;
using testing::IsEmpty;

namespace {

std::vector<std::string> names(const Result<std::vector<LakeFile>>& listed) {
  std::vector<std::string> out;
  EXPECT_TRUE(listed.has_value()) << (listed ? "" : listed.error().message);
  if (!listed) return out;
  for (const LakeFile& file : *listed) out.push_back(file.name);
  return out;
}

}  // namespace

int LakeSuite::race_rounds() {
  const char* asked = std::getenv("KC_LAKE_RACE_ROUNDS");
  return asked != nullptr && std::atoi(asked) > 0 ? std::atoi(asked) : GetParam().race_rounds;
}

TEST_P(LakeSuite, AnAbsentFileIsNotFound) {
  EXPECT_EQ(lake().get("checkpoint/x").error().kind, ErrorKind::not_found);
  EXPECT_EQ(lake().get("checkpoint").error().kind, ErrorKind::not_found);
  EXPECT_THAT(names(lake().list("")), IsEmpty());
  EXPECT_THAT(names(lake().list("no/such/folder/")), IsEmpty());
}

TEST_P(LakeSuite, GivesBackTheVeryBytes) {
  const std::string every = [] {
    std::string bytes;
    for (int i = 0; i < 70'000; ++i) bytes += static_cast<char>(i * 31 + i / 256);
    return bytes;
  }();
  for (const std::string& bytes :
       {std::string(), std::string("one\n"), std::string("\0\0", 2), every}) {
    ASSERT_TRUE(lake().put("a/file", bytes).has_value());
    EXPECT_EQ(lake().get("a/file").value(), bytes);
    ASSERT_TRUE(lake().remove("b").has_value());
    ASSERT_EQ(lake().create_if_absent("b", bytes).value(), Created::created);
    EXPECT_EQ(lake().get("b").value(), bytes);
    EXPECT_EQ(lake().list("b").value().front().bytes, bytes.size());
  }
}

TEST_P(LakeSuite, CreatesOnlyWhatIsAbsent) {
  EXPECT_EQ(lake().create_if_absent("c/1", "first").value(), Created::created);
  EXPECT_EQ(lake().create_if_absent("c/1", "second").value(), Created::exists);
  EXPECT_EQ(lake().get("c/1").value(), "first");
  ASSERT_TRUE(lake().remove("c/1").has_value());
  EXPECT_EQ(lake().create_if_absent("c/1", "third").value(), Created::created);
  EXPECT_EQ(lake().get("c/1").value(), "third");
}

TEST_P(LakeSuite, OfEightRacingCreatorsExactlyOneWinsEachRound) {
  constexpr int kThreads = 8;
  const int rounds = race_rounds();
  std::vector<std::atomic<int>> winners(static_cast<std::size_t>(rounds));
  std::vector<std::atomic<int>> winner(static_cast<std::size_t>(rounds));
  std::atomic<int> errors{0};
  std::barrier start(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int round = 0; round < rounds; ++round) {
          const auto place = static_cast<std::size_t>(round);
          start.arrive_and_wait();
          const auto made =
              lake().create_if_absent("race/" + std::to_string(round), std::to_string(t));
          if (!made) {
            ++errors;
          } else if (*made == Created::created) {
            ++winners[place];
            winner[place] = t;
          } else if (!lake().get("race/" + std::to_string(round))) {
            ++errors;  // who is told that it exists can read it
          }
        }
      });
    }
  }
  EXPECT_EQ(errors, 0);
  for (int round = 0; round < rounds; ++round) {
    const auto place = static_cast<std::size_t>(round);
    ASSERT_EQ(winners[place], 1) << "round " << round;
    ASSERT_EQ(lake().get("race/" + std::to_string(round)).value(), std::to_string(winner[place]));
  }
}

TEST_P(LakeSuite, AReaderSeesAReplacedFileWholeOrNotAtAll) {
  const std::string a(50'000, 'a');
  const std::string b(50'000, 'b');
  ASSERT_TRUE(lake().put("status", a).has_value());
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::jthread reader([&] {
    while (!stop) {
      const auto bytes = lake().get("status");
      if (!bytes || (*bytes != a && *bytes != b)) ++torn;
    }
  });
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(lake().put("status", i % 2 == 0 ? b : a).has_value());
  stop = true;
  reader.join();
  EXPECT_EQ(torn, 0);
}

TEST_P(LakeSuite, ListsByPlainPrefixInOrderOfNames) {
  for (const char* name : {"d/10", "d/2", "d/1", "d-e/1", "d0", "dd/x/y", "e"}) {
    ASSERT_TRUE(lake().put(name, "x").has_value());
  }
  EXPECT_THAT(names(lake().list("")),
              ElementsAre("d-e/1", "d/1", "d/10", "d/2", "d0", "dd/x/y", "e"));
  EXPECT_THAT(names(lake().list("d")), ElementsAre("d-e/1", "d/1", "d/10", "d/2", "d0", "dd/x/y"));
  EXPECT_THAT(names(lake().list("d/")), ElementsAre("d/1", "d/10", "d/2"));
  EXPECT_THAT(names(lake().list("d/1")), ElementsAre("d/1", "d/10"));
  EXPECT_THAT(names(lake().list("dd/")), ElementsAre("dd/x/y"));
  EXPECT_THAT(names(lake().list("f")), IsEmpty());
}

TEST_P(LakeSuite, ListsManyFilesInOrder) {
  const int files = GetParam().files_listed;
  constexpr int kThreads = 8;
  const auto name = [](int i) { return "many/" + std::to_string(10'000 + i); };
  std::atomic<int> errors{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = t; i < files; i += kThreads) errors += lake().put(name(i), "x") ? 0 : 1;
      });
    }
  }
  ASSERT_EQ(errors, 0);
  const auto listed = names(lake().list("many/"));
  ASSERT_EQ(listed.size(), static_cast<std::size_t>(files));
  for (int i = 0; i < files; ++i) ASSERT_EQ(listed[static_cast<std::size_t>(i)], name(i));
}

TEST_P(LakeSuite, ALeaseThatNobodyTookIsRenewed) {
  const auto lease = lake().acquire_lease("writer");
  ASSERT_TRUE(lease.has_value()) << lease.error().message;
  EXPECT_TRUE((*lease)->renew().has_value());
  EXPECT_TRUE((*lease)->renew().has_value());
}

TEST_P(LakeSuite, RemovingIsIdempotent) {
  ASSERT_TRUE(lake().put("x/1", "x").has_value());
  EXPECT_TRUE(lake().remove("x/1").has_value());
  EXPECT_TRUE(lake().remove("x/1").has_value());
  EXPECT_TRUE(lake().remove("never/was").has_value());
  EXPECT_TRUE(lake().remove("x/1/below").has_value());
}

TEST_P(LakeSuite, RefusesNamesThatLeaveTheLakeOrAreItsOwn) {
  const Ticks until = expiry();
  using namespace std::string_literals;
  for (const std::string& name :
       {""s, "/etc/x"s, ".."s, "../x"s, "a/../b"s, "a/.."s, "a//b"s, "a/"s, "./a"s, ".lease"s,
        "a/.tmp"s, "a\0b"s, std::string(300, 'n'), std::string(2000, '/')}) {
    EXPECT_EQ(lake().put(name, "x").error().code, "lake.name") << name;
    EXPECT_EQ(lake().create_if_absent(name, "x").error().kind, ErrorKind::invalid) << name;
    EXPECT_EQ(lake().get(name).error().code, "lake.name") << name;
    EXPECT_EQ(lake().remove(name).error().code, "lake.name") << name;
    EXPECT_EQ(lake().open_folder(name, until).error().code, "lake.name") << name;
    EXPECT_EQ(lake().close_folder(name).error().code, "lake.name") << name;
    EXPECT_EQ(lake().read_uri(name).error().code, "lake.name") << name;
  }
  for (const std::string& prefix : {"../"s, "/"s, "a/../"s, "a//"s, ".trash/"s, "a\0"s}) {
    EXPECT_EQ(lake().list(prefix).error().code, "lake.name") << prefix;
  }
  EXPECT_THAT(names(lake().list("")), IsEmpty());
}

TEST_P(LakeSuite, AClusterWritesIntoAnOpenedFolderAndReadsItsFiles) {
  const Ticks at = now();
  const Ticks until = expiry();
  const Grant grant = lake().open_folder("data/1/7/e1", until).value();
  EXPECT_EQ(lake().open_folder("data/1/7/e1", until).value().uri, grant.uri);
  ASSERT_TRUE(
      under_test().cluster_writes(grant, "data/1/7/e1", "part 0%ä.csv.gz", "rows", at).has_value());
  EXPECT_THAT(names(lake().list("data/1/7/e1/")), ElementsAre("data/1/7/e1/part 0%ä.csv.gz"));
  const std::string uri = lake().read_uri("data/1/7/e1/part 0%ä.csv.gz").value();
  EXPECT_EQ(under_test().cluster_reads(uri).value(), "rows");
  EXPECT_EQ(uri.find_first_of(" \xc3"), std::string::npos) << uri;
}

TEST_P(LakeSuite, ClosingE1LeavesE10Alone) {
  const Ticks at = now();
  const Ticks until = expiry();
  for (const char* folder : {"data/1/7/e1", "data/1/7/e10"}) {
    const Grant grant = lake().open_folder(folder, until).value();
    ASSERT_TRUE(under_test().cluster_writes(grant, folder, "part0", "rows", at).has_value());
  }
  ASSERT_TRUE(lake().put("data/1/7/e1x", "not in the folder").has_value());
  ASSERT_TRUE(lake().close_folder("data/1/7/e1").has_value());
  EXPECT_THAT(names(lake().list("")), ElementsAre("data/1/7/e10/part0", "data/1/7/e1x"));
}

TEST_P(LakeSuite, ClosingIsIdempotentAndTakesFoldersBelow) {
  const Ticks until = expiry();
  ASSERT_TRUE(lake().open_folder("data/f", until).has_value());
  ASSERT_TRUE(lake().put("data/f/deep/er/x", "x").has_value());
  const bool first = lake().close_folder("data/f").value();
  EXPECT_EQ(lake().close_folder("data/f").value(), first);
  EXPECT_EQ(lake().close_folder("data/never-opened").value(), first);
  EXPECT_THAT(names(lake().list("")), IsEmpty());
}

TEST_P(LakeSuite, ALateWriterIsShutOutByCloseOrElseByTheGrantsExpiry) {
  const Ticks at = now();
  const Ticks until = expiry();
  const Grant grant = lake().open_folder("data/late", until).value();
  const bool closed = lake().close_folder("data/late").value();
  if (closed) {
    EXPECT_FALSE(grant.expiry.has_value());
    EXPECT_FALSE(under_test().cluster_writes(grant, "data/late", "part0", "late", at).has_value());
  } else {
    ASSERT_EQ(grant.expiry, until);
    EXPECT_TRUE(under_test().cluster_writes(grant, "data/late", "part0", "late", at).has_value());
    ASSERT_TRUE(lake().close_folder("data/late").has_value());
    EXPECT_FALSE(
        under_test().cluster_writes(grant, "data/late", "part0", "late", until).has_value());
  }
  EXPECT_THAT(names(lake().list("")), IsEmpty());
}

TEST_P(LakeSuite, OnlyOneHoldsTheLeaseAndTheOtherLearnsWho) {
  auto first = lake().acquire_lease("writer alpha");
  ASSERT_TRUE(first.has_value()) << first.error().message;
  const auto second = lake().acquire_lease("writer beta");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_EQ(second.error().code, "lake.lease_held");
  EXPECT_NE(second.error().message.find("writer alpha"), std::string::npos)
      << second.error().message;
  first->reset();
  const auto third = lake().acquire_lease("writer gamma");
  EXPECT_TRUE(third.has_value());
  EXPECT_THAT(names(lake().list("")), IsEmpty());
}

}  // namespace kc
