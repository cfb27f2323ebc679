#include "core/plan/cut.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <numeric>

namespace kc::plan {
namespace {

using Groups = std::vector<InstantRows>;

Groups draw_groups(int rows_most) {
  const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(1, 50), rc::gen::inRange(1, rows_most + 1)));
  Groups groups;
  std::int64_t at = 1000;
  for (const auto& [step, rows] : steps) groups.push_back({.at = {at += step}, .rows = rows});
  return groups;
}

std::int64_t sum(const Groups& groups) {
  return std::accumulate(groups.begin(), groups.end(), std::int64_t{0},
                         [](auto total, const auto& group) { return total + group.rows; });
}

bool holds(const BlockRange& range, Ticks at) {
  return (!range.low || *range.low <= at) && (!range.high || at < *range.high);
}

// Plans to the end as the pipeline does: `page` groups at a time, crowds sliced as they come.
std::vector<PlannedBlock> plan_whole(const Groups& all, std::size_t page, std::int64_t limit) {
  std::vector<PlannedBlock> blocks;
  std::optional<Ticks> from;
  for (int turn = 0; turn < 100'000; ++turn) {
    Groups groups;
    for (const auto& group : all) {
      if (groups.size() < page && (!from || group.at >= *from)) groups.push_back(group);
    }
    const Cut part = cut(from, groups, groups.size() < page, limit);
    for (const auto& block : part.blocks) {
      RC_ASSERT(block.range.low == from);
      from = block.range.high;
      blocks.push_back(block);
    }
    if (part.done) return blocks;
    if (!part.crowd) continue;
    RC_ASSERT(part.crowd->range.low == from);
    RC_ASSERT(part.crowd->slices >= 2);
    std::vector<std::int64_t> slices(static_cast<std::size_t>(part.crowd->slices));
    for (std::int64_t row = 0; row < part.crowd->rows; ++row)
      slices[static_cast<std::size_t>(row) % slices.size()] += 1;
    for (const auto& block : cut_crowd(part.crowd->range, slices)) blocks.push_back(block);
    from = part.crowd->range.high;
    if (!from) return blocks;
  }
  RC_FAIL("planning never ends");
  return blocks;
}

TEST(Cut, TilesTheWindowWithoutLosingOrDoublingRows) {
  EXPECT_TRUE(rc::check("however the groups are paged", [] {
    const Groups groups = draw_groups(12);
    const std::int64_t limit = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto page = static_cast<std::size_t>(*rc::gen::inRange(1, 9));
    const auto blocks = plan_whole(groups, page, limit);
    std::int64_t rows = 0;
    std::map<std::int64_t, std::int64_t> by_low;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto& block = blocks[i];
      rows += block.rows;
      RC_ASSERT(block.rows > 0);
      if (block.range.slice.count == 1) {
        RC_ASSERT(block.rows <= limit);
        std::int64_t inside = 0;
        for (const auto& group : groups) inside += holds(block.range, group.at) ? group.rows : 0;
        RC_ASSERT(inside == block.rows);
      }
      const auto low = i == 0                 ? std::optional<Ticks>{}
                       : blocks[i - 1].covers ? blocks[i - 1].range.high
                                              : blocks[i - 1].range.low;
      RC_ASSERT(block.range.low == low);
    }
    RC_ASSERT(rows == sum(groups));
    if (!blocks.empty()) RC_ASSERT(blocks.back().covers);
  }));
}

TEST(Cut, ReachesInfinityOnlyWhenTheGroupsAreComplete) {
  EXPECT_TRUE(rc::check("the last bound", [] {
    const Groups groups = draw_groups(5);
    RC_PRE(!groups.empty());
    const Cut whole = cut(std::nullopt, groups, true, 5);
    RC_ASSERT(whole.done);
    RC_ASSERT(!whole.blocks.back().range.high.has_value());
    const Cut partial = cut(std::nullopt, groups, false, 5);
    RC_ASSERT(!partial.done);
    RC_ASSERT(partial.blocks.back().range.high == Ticks{groups.back().at.value + 1});
  }));
}

TEST(Cut, AnEmptyWindowIsDoneAtOnce) {
  const Cut nothing = cut(Ticks{7}, {}, true, 10);
  EXPECT_TRUE(nothing.done);
  EXPECT_TRUE(nothing.blocks.empty());
  EXPECT_FALSE(nothing.crowd.has_value());
}

TEST(Cut, StopsAtACrowdAndKeepsWhatComesBeforeIt) {
  const Groups groups{{{10}, 3}, {{20}, 50}, {{30}, 2}};
  const Cut part = cut(std::nullopt, groups, true, 10);
  ASSERT_EQ(part.blocks.size(), 1u);
  EXPECT_EQ(part.blocks[0].range, (BlockRange{.low = {}, .high = Ticks{20}, .slice = {}}));
  ASSERT_TRUE(part.crowd.has_value());
  EXPECT_EQ(part.crowd->range, (BlockRange{.low = Ticks{20}, .high = Ticks{30}, .slice = {}}));
  EXPECT_EQ(part.crowd->rows, 50);
  EXPECT_GE(part.crowd->slices * 10, 50);
  EXPECT_FALSE(part.done);
}

TEST(Cut, ALastCrowdEndsBehindItsInstantWhereMoreMayFollow) {
  const Groups groups{{{10}, 50}};
  EXPECT_EQ(cut(std::nullopt, groups, false, 10).crowd->range.high, Ticks{11});
  EXPECT_FALSE(cut(std::nullopt, groups, true, 10).crowd->range.high.has_value());
}

TEST(CutCrowd, LeavesOutEmptySlicesAndTheLastOneCovers) {
  const BlockRange range{.low = Ticks{5}, .high = Ticks{6}, .slice = {}};
  const auto blocks = cut_crowd(range, {0, 4, 0, 6, 0});
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].range.slice, (Slice{.index = 1, .count = 5}));
  EXPECT_FALSE(blocks[0].covers);
  EXPECT_EQ(blocks[1].range.slice, (Slice{.index = 3, .count = 5}));
  EXPECT_TRUE(blocks[1].covers);
  EXPECT_EQ(blocks[1].range.low, range.low);
  EXPECT_TRUE(cut_crowd(range, {0, 0}).empty());
}

TEST(RowsMax, KeepsToTheSmallerOfTheTwoLimits) {
  JobSpec spec;
  spec.block_rows_max = 1000;
  spec.block_bytes_max = 10'000;
  EXPECT_EQ(rows_max(spec, 100, 100), 1000);       // one byte a row: rows decide
  EXPECT_EQ(rows_max(spec, 100, 10'000), 100);     // 100 bytes a row: bytes decide
  EXPECT_EQ(rows_max(spec, 1, 1'000'000'000), 1);  // one row is larger than a block may be
  EXPECT_EQ(rows_max(spec, 0, 0), 1000);           // nothing is known
}

}  // namespace
}  // namespace kc::plan
