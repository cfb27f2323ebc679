// The progress document as a value: published by the pipeline after each commit, serialised once by
// the service. Unknown is nullopt, never zero. Thread promise: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ticks.h"
#include "core/model/job.h"

namespace kc {

struct StageProgress {
  std::string name;         // planned, exported, staged, moved, verified
  std::int64_t blocks = 0;  // that have reached this stage
  std::int64_t rows = 0;
  std::int64_t in_flight = 0;  // blocks on their way to it
};

struct TableProgress {
  std::string name;
  TableState state = TableState::waiting;
  std::string stage;  // the least advanced stage with work in it; empty when there is none
  std::optional<double> percent;  // 0 to 100
  std::optional<std::int64_t> rows_total;
  std::int64_t rows_done = 0;  // moved and queryable
  std::optional<Problem> problem;
};

struct SlotProgress {
  std::string cluster;  // "source" or "destination"
  std::string kind;     // query, export, ingestion
  int used = 0;
  std::optional<int> limit;
};

struct Progress {
  std::string job;
  std::uint64_t revision = 0;  // grows with every published snapshot; the ETag
  Ticks as_of;
  JobState state = JobState::pending;
  JobPhase phase = JobPhase::preflight;
  std::string status_reason;      // never empty
  std::optional<double> percent;  // never falls within a plan; 100 only when the job succeeded
  bool totals_final = false;
  std::optional<std::int64_t> rows_total, bytes_total, blocks_total;
  std::int64_t tables_total = 0;
  std::int64_t rows_done = 0, blocks_done = 0, tables_done = 0, lake_bytes = 0;
  std::optional<double> rows_per_second_average;
  std::optional<double> eta_seconds;
  double elapsed_seconds = 0;
  std::optional<Ticks> last_advance_at;
  std::vector<StageProgress> stages;
  std::vector<SlotProgress> slots;
  std::int64_t retried = 0;
  std::vector<Problem> problems;  // open ones
  std::vector<TableProgress> tables;
  bool tables_truncated = false;  // at most kProgressTablesMax are listed
};
inline constexpr std::size_t kProgressTablesMax = 200;

}  // namespace kc
