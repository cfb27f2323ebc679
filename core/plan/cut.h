// Cuts a cursor window of a table into blocks. Pure; used by the pipeline's planning.
// Thread promise: functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/model/block.h"
#include "core/model/job.h"

namespace kc::plan {

struct PlannedBlock {
  BlockRange range;
  std::int64_t rows = 0;
  bool covers = true;  // see record::Planned
};

// A range that holds more rows than a block may and only one instant: it must be sliced by hash.
struct Crowd {
  BlockRange range;
  std::int64_t rows = 0;
  std::int64_t slices = 0;  // how many to ask for
};

struct Cut {
  std::vector<PlannedBlock> blocks;  // in order; ranges tile from `from`
  std::optional<Crowd> crowd;        // what comes after them; the groups behind it are not cut yet
  bool done = false;                 // the last range reaches +inf, or there are no rows
};

// Rows that a block may hold so that it keeps to both of the job's limits. At least 1.
std::int64_t rows_max(const JobSpec& spec, std::int64_t rows_estimate, std::int64_t bytes_estimate);

// `groups`: ascending by time, all at or after `from`; `complete`: there are no more behind them.
Cut cut(std::optional<Ticks> from, const std::vector<InstantRows>& groups, bool complete,
        std::int64_t rows_max);

// The blocks of a crowd, from the row count of each slice. Slices without rows are left out; the
// last block covers.
std::vector<PlannedBlock> cut_crowd(const BlockRange& range,
                                    const std::vector<std::int64_t>& slice_rows);

}  // namespace kc::plan
