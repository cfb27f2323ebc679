#include "core/lake/spread_lake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/lake/folder_lake.h"
#include "core/lake/memory_lake.h"
#include "core/model/ledger.h"

namespace kc {
namespace {

struct SpreadLakeTest : testing::Test {
  std::vector<MemoryLake*> parts;
  std::unique_ptr<SpreadLake> lake = [this] {
    std::vector<std::unique_ptr<Lake>> lakes;
    for (int i = 0; i < 3; ++i) {
      auto one = std::make_unique<MemoryLake>();
      parts.push_back(one.get());
      lakes.push_back(std::move(one));
    }
    return std::make_unique<SpreadLake>(std::move(lakes));
  }();
  std::size_t holder_of(const std::string& name) const {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i]->get(name)) return i;
    }
    return parts.size();
  }
};

// Folders of a job under way are found by it after an update of the program: these values are for
// ever.
TEST(SpreadPlace, NeverChanges) {
  EXPECT_EQ(spread_place("data/0/1/e1", 1), 0U);
  EXPECT_EQ(spread_place("", 7), 14695981039346656037ULL % 7);
  const std::vector<std::size_t> of_three = [] {
    std::vector<std::size_t> places;
    for (int block = 1; block <= 12; ++block)
      places.push_back(spread_place("data/0/" + std::to_string(block) + "/e1", 3));
    return places;
  }();
  EXPECT_THAT(of_three, testing::ElementsAre(2, 0, 1, 0, 2, 0, 0, 1, 2, 1, 0, 1));
}

TEST(SpreadPlace, SpreadsEvenly) {
  for (const std::size_t lakes : {2U, 3U, 5U, 16U}) {
    std::vector<int> counts(lakes);
    for (int block = 0; block < 10'000; ++block)
      ++counts[spread_place(export_folder(1, block, 1), lakes)];
    for (const int count : counts) {
      EXPECT_GT(count, 10'000 / static_cast<int>(lakes) * 8 / 10);
      EXPECT_LT(count, 10'000 / static_cast<int>(lakes) * 12 / 10);
    }
  }
}

TEST_F(SpreadLakeTest, ExportFoldersAreWhatIsSpread) {
  std::vector<int> used(parts.size());
  for (int block = 0; block < 30; ++block) {
    const auto folder = export_folder(2, block, 1);
    ASSERT_TRUE(lake->put(folder + "/1_0.csv", "x"));
    const auto holder = holder_of(folder + "/1_0.csv");
    EXPECT_EQ(holder, spread_place(folder, parts.size())) << folder;
    ++used[holder];
    EXPECT_EQ(lake->get(folder + "/1_0.csv"), "x");
    EXPECT_EQ(lake->list(folder + "/")->size(), 1U);
  }
  for (const int count : used) EXPECT_GT(count, 0);
  EXPECT_EQ(lake->list("data/")->size(), 30U);
  EXPECT_EQ(lake->list("data/2/1")->size(), 11U);  // 1 and 10 to 19
  EXPECT_EQ(lake->list("")->size(), 30U);
  EXPECT_TRUE(*lake->close_folder("data"));
  EXPECT_TRUE(lake->list("")->empty());
}

TEST_F(SpreadLakeTest, EverythingElseIsTheFirsts) {
  for (const char* name : {"checkpoint/000000000001.jsonl", "status.jsonl", "data/x", "data/1/2/e1",
                           "datum/1/2/e1/f", "wishes/1"}) {
    ASSERT_TRUE(lake->put(name, "x")) << name;
    EXPECT_EQ(holder_of(name), 0U) << name;
    EXPECT_EQ(lake->get(name), "x") << name;
    ASSERT_TRUE(lake->remove(name)) << name;
    EXPECT_EQ(holder_of(name), parts.size()) << name;
  }
}

TEST_F(SpreadLakeTest, OneFoldersEndDoesNotTouchAnother) {
  for (const auto attempt : {1, 10}) {
    ASSERT_TRUE(lake->open_folder(export_folder(0, 7, attempt), Ticks{1}));
    ASSERT_TRUE(lake->put(export_folder(0, 7, attempt) + "/f", "x"));
  }
  ASSERT_TRUE(lake->close_folder(export_folder(0, 7, 1)));
  EXPECT_FALSE(lake->get(export_folder(0, 7, 1) + "/f"));
  EXPECT_TRUE(lake->get(export_folder(0, 7, 10) + "/f"));
}

TEST_F(SpreadLakeTest, ItsLeaseIsThatOfEachAndEndsWithIt) {
  auto lease = lake->acquire_lease("one");
  ASSERT_TRUE(lease);
  for (auto* part : parts) EXPECT_FALSE(part->acquire_lease("other"));
  lease->reset();
  // Held elsewhere: nothing of it is kept.
  auto held = parts[2]->acquire_lease("other");
  ASSERT_TRUE(held);
  EXPECT_EQ(lake->acquire_lease("one").error().code, "lake.lease_held");
  EXPECT_TRUE(parts[0]->acquire_lease("third"));
}

// Data management has to read them all.
TEST_F(SpreadLakeTest, QueuedIngestionNeedsEveryOneOfThem) {
  EXPECT_EQ(lake->why_not_queued(), "");
  std::vector<std::unique_ptr<Lake>> mixed;
  mixed.push_back(std::make_unique<MemoryLake>());
  mixed.push_back(std::make_unique<FolderLake>("/nowhere"));
  EXPECT_THAT(SpreadLake(std::move(mixed)).why_not_queued(), testing::HasSubstr("local folder"));
}

}  // namespace
}  // namespace kc
