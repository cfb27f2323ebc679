#include "core/plan/cut.h"

#include <algorithm>

#include "core/base/check.h"

namespace kc::plan {
namespace {

// Hash slices are uneven: ask for a quarter more of them than an even spread would need.
constexpr double kSliceHeadroom = 1.25;
constexpr std::int64_t kSlicesMax = 4096;
constexpr Timespan kOneTick{1};

std::int64_t slices_for(std::int64_t rows, std::int64_t rows_max) {
  const double wanted = kSliceHeadroom * static_cast<double>(rows) / static_cast<double>(rows_max);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted) + 1, 2, kSlicesMax);
}

}  // namespace

std::int64_t rows_max(const JobSpec& spec, std::int64_t rows_estimate,
                      std::int64_t bytes_estimate) {
  if (rows_estimate <= 0 || bytes_estimate <= 0) return spec.block_rows_max;
  const double bytes_per_row =
      static_cast<double>(bytes_estimate) / static_cast<double>(rows_estimate);
  const double by_bytes = static_cast<double>(spec.block_bytes_max) / bytes_per_row;
  if (by_bytes >= static_cast<double>(spec.block_rows_max)) return spec.block_rows_max;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(by_bytes));
}

Cut cut(std::optional<Ticks> from, const std::vector<InstantRows>& groups, bool complete,
        std::int64_t rows_max) {
  KC_ASSERT(complete || !groups.empty(), "an incomplete plan names what it has");
  Cut result;
  std::optional<Ticks> low = from;
  std::int64_t rows = 0;
  const auto close_at = [&](std::optional<Ticks> high) {
    if (rows > 0)
      result.blocks.push_back({.range = {.low = low, .high = high, .slice = {}}, .rows = rows});
    if (rows > 0) low = high;
    rows = 0;
  };
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const InstantRows& group = groups[i];
    KC_ASSERT(i == 0 || groups[i - 1].at < group.at, "plan groups ascend");
    if (rows > 0 && rows + group.rows > rows_max) close_at(group.at);
    if (group.rows > rows_max) {
      // The block before it ended where the crowd begins, or nothing precedes it: the crowd tiles
      // either way.
      std::optional<Ticks> high =
          i + 1 < groups.size() ? std::optional(groups[i + 1].at) : std::nullopt;
      if (!high && !complete) high = group.at + kOneTick;
      result.crowd = Crowd{.range = {.low = low, .high = high, .slice = {}},
                           .rows = group.rows,
                           .slices = slices_for(group.rows, rows_max)};
      return result;
    }
    rows += group.rows;
  }
  if (complete) {
    close_at(std::nullopt);
    result.done = true;
  } else {
    close_at(groups.back().at + kOneTick);
  }
  return result;
}

std::vector<PlannedBlock> cut_crowd(const BlockRange& range,
                                    const std::vector<std::int64_t>& slice_rows) {
  std::vector<PlannedBlock> blocks;
  const auto count = static_cast<std::int64_t>(slice_rows.size());
  for (std::int64_t index = 0; index < count; ++index) {
    const std::int64_t rows = slice_rows[static_cast<std::size_t>(index)];
    if (rows == 0) continue;
    BlockRange part = range;
    part.slice = {.index = index, .count = count};
    blocks.push_back({.range = part, .rows = rows, .covers = false});
  }
  if (!blocks.empty()) blocks.back().covers = true;
  return blocks;
}

}  // namespace kc::plan
