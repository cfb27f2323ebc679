// Deterministic sample data: the database `Samples` with four public tables and `AllTypes`, and a
// table of logs of any length. Used by the demo, by tests and by benchmarks. Thread promise: safe
// from any thread.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"

namespace kc::engine {

struct SampleOptions {
  std::string database = "Samples";
  std::uint64_t seed = 1;
  double factor = 1;          // of rows; at 1 the four public tables hold 100,000 together
  bool public_tables = true;  // StormEvents, demo_make_series1, ConferenceSessions, US_States
  bool all_types = true;      // AllTypes
  std::int64_t log_rows = 0;  // of Logs; 0: no such table
};

// Makes what is missing: a table that exists is left as it is. Each table is filled by several
// ingestions.
Result<void> create_samples(Engine& engine, const SampleOptions& options);

}  // namespace kc::engine
