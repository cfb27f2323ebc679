// Faults and latency by kind of command, off by default: how a cluster that misbehaves is played.
// The kinds are those of
// `.show operations` (DataExport, DataIngestPull, ExtentsMove, …), `Query`, or `*` for all.
// Thread promise: values; FaultDice has one owner at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/rng.h"
#include "core/base/ticks.h"

namespace kc::engine {

struct FaultRule {
  Timespan delay;          // before the work starts
  double fail_before = 0;  // probability: fails without effect
  double fail_after = 0;   // probability: applied, yet reported failed
  double lose_answer =
      0;  // probability: applied, and the connection ends without an answer (the endpoint does it)
  double throttle = 0;  // probability: refused as if the capacity were used up
};

struct EngineFaults {
  std::map<std::string, FaultRule, std::less<>> rules;

  // {"DataExport": {"delay": "500ms", "failBefore": 0.1, "failAfter": 0, "loseAnswer": 0,
  // "throttle": 0}, "*": {…}} Kind invalid, code faults.invalid, naming the member.
  static Result<EngineFaults> parse(std::string_view json);
  const FaultRule* rule(std::string_view kind) const;
};

// What happens to one execution.
struct Fate {
  Timespan delay;
  bool fail_before = false, fail_after = false, lose_answer = false, throttle = false;
};
Fate draw_fate(const EngineFaults& faults, std::string_view kind, Rng& rng);

}  // namespace kc::engine
