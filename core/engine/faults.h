// How a cluster that misbehaves is played: faults and latency by kind of command, places in the
// queues, merges in the background, cursors that come late. All off by default; set by a file or by
// the admin face, drawn from the engine's seed. The kinds are those of `.show operations`
// (DataExport, DataIngestPull, ExtentsMove, TableCreate, …), `Query`, or `*` for all others.
// Thread promise: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/rng.h"
#include "core/base/ticks.h"

namespace kc::engine {

// The doubles are probabilities. Of those that end an execution the first that is drawn counts, in
// the order of the members.
struct FaultRule {
  Timespan delay;          // before the work starts; an operation keeps its place meanwhile
  double throttle = 0;     // refused as if the capacity were used up
  double fail_before = 0;  // fails without effect
  double abandon = 0;      // an operation ends as Abandoned, a request without an answer
  double apply_late = 0;   // reported failed; the effect happens `late_by` later
  Timespan late_by = Timespan::seconds(300);
  double leave_blobs = 0;  // an export fails and leaves some of its blobs, the last one cut short
  double fail_after = 0;   // applied, yet reported failed
  double lose_answer = 0;  // applied, and the connection ends without an answer (the face does it)
  double error_in_answer = 0;  // an error and no rows inside HTTP 200
  double partial_answer = 0;   // half of the rows and an error inside HTTP 200
  int queue = 0;  // operations that may wait for a place, as Scheduled; beyond: throttled
};

// What a cluster does by itself.
struct Background {
  std::optional<Timespan> merge_every;  // none: no merges
  double merge_chance = 1;              // of each table, each time
  Timespan cursor_lag;  // rows are visible for so long before their cursor is stamped
};

// Places by resource; none: as the engine was opened.
struct CapacityRule {
  std::optional<int> exports, ingestions, queries, merges;
};

struct EngineFaults {
  std::map<std::string, FaultRule, std::less<>> rules;
  Background background;
  CapacityRule capacity;

  // {"DataExport": {"delay": "500ms", "failBefore": 0.1, …}, "*": {…},
  //  "background": {"mergeEvery": "1m", "mergeChance": 0.5, "cursorLag": "2s"},
  //  "capacity": {"exports": 1, "ingestions": 2, "queries": 10, "merges": 1}}
  // Kind invalid, code faults.invalid, naming the member.
  static Result<EngineFaults> parse(std::string_view json);
  const FaultRule* rule(std::string_view kind) const;
};

// What happens to one execution.
struct Fate {
  Timespan delay, late_by;
  bool throttle = false, fail_before = false, abandon = false, apply_late = false;
  bool leave_blobs = false, fail_after = false, lose_answer = false;
  bool error_in_answer = false, partial_answer = false;
  int queue = 0;
};
Fate draw_fate(const EngineFaults& faults, std::string_view kind, Rng& rng);

}  // namespace kc::engine
