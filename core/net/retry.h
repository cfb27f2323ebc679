// When a call is sent again, and after what wait: the one retry policy in front of a Transport.
// Used by storage, by credentials and by whatever asks a cluster how to sign in; what the rules are
// for each of them is theirs, and so is which failures pass by themselves. A call with consequences
// is never repeated here unless it certainly was not executed. Thread promise: RetryBudget is safe
// from any thread, the rest are functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/net/transport.h"

namespace kc::net {

inline constexpr Timespan kRetryAfterMax = Timespan::seconds(3600);  // more is not waited

struct RetryRules {
  int retries_max = 3;
  Timespan first_wait = Timespan::milliseconds(800);
  Timespan wait_max = Timespan::seconds(60);
  double growth = 2;  // of the wait, from one to the next; 1: none
  // A wait is multiplied by a number drawn from here: 0 to 1 is full jitter.
  double jitter_from = 0, jitter_to = 1;
  // What the server asks for replaces our wait even where it is shorter, up to `wait_max`. False:
  // the longer one counts, without that limit.
  bool server_may_shorten = false;
};

// The wait before the next try; nullopt: there is none, because the tries are used up or the wait
// would not end within `left`. `drawn` is from [0, 1).
std::optional<Timespan> next_wait(const RetryRules& rules, int retries_done,
                                  std::optional<Timespan> server_asks, Timespan left, double drawn);

// What an answer asks for: `retry-after-ms`, `x-ms-retry-after-ms`, or `Retry-After` in seconds or
// as a date (RFC 9110 §10.2.3). A date counts from the answer's own `Date`, because this machine's
// clock may be wrong; from `now` where it has none. One that has passed asks for no wait.
std::optional<Timespan> retry_after(const HttpAnswer& answer, Ticks now);

struct Repeating {
  Transport& transport;  // whose budget is used
  const Clock& clock;
  std::string origin;
  std::function<bool(Timespan)> wait;  // false: stopped meanwhile
  // From [0, 1), for the jitter; absent: the middle.
  std::function<double()> draw = {};
  Timespan deadline = Timespan{INT64_MAX};  // total, waits included
};

struct Try {
  int number = 1;
  Timespan left;  // of the total deadline
};

struct Sent {
  Result<HttpAnswer> answer;  // the last
  bool stopped = false;       // between two tries
};

// Sends until a try is not to be repeated. `rules_for` gives the rules by which one is, or nullptr;
// each set of rules counts its own retries.
Sent send_repeatedly(const Repeating& with,
                     const std::function<Result<HttpAnswer>(const Try&)>& send,
                     const std::function<const RetryRules*(const Result<HttpAnswer>&)>& rules_for);

}  // namespace kc::net
