#include "core/azure/token_cache.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace kc::azure {
namespace {

// A refresh before its time must not hold its caller up for long.
constexpr Timespan kEarlyRefreshDeadline = Timespan::seconds(10);
constexpr Timespan kLongLife = Timespan::seconds(2 * 3600);

struct Kept {
  AccessToken token;
  Ticks obtained;
  Timespan obtained_elapsed;
  Timespan next_refresh;  // on the monotonic clock
};

// What is left of a token's life. The wall clock may be stepped and the monotonic one stands still
// while a machine sleeps: the smaller of the two is safe.
Timespan left_of(const Kept& kept, const Clock& clock) {
  const Timespan by_wall = kept.token.expires - clock.now();
  const Timespan life = kept.token.expires - kept.obtained;
  const Timespan by_ticking = life - (Timespan::from(clock.elapsed()) - kept.obtained_elapsed);
  return std::min(by_wall, by_ticking);
}

bool usable(const Kept& kept, const Clock& clock) {
  const Timespan life = kept.token.expires - kept.obtained;
  return left_of(kept, clock) > std::min(kTokenReserve, Timespan{life.ticks / 4});
}

Timespan refresh_after(const AccessToken& token, Ticks now) {
  const Timespan life = token.expires - now;
  if (token.refresh) return std::clamp(*token.refresh - now, Timespan{}, life);
  if (life >= kLongLife) return {life.ticks / 2};
  return std::max(life - kTokenRefreshBefore, Timespan{life.ticks / 2});
}

Timespan kept_for(const Error& error) {
  switch (error.kind) {
    case ErrorKind::cancelled:
    case ErrorKind::unavailable:
    case ErrorKind::corrupt:  // something on the way has answered, and may be gone the next time
      return {};
    case ErrorKind::denied:
      return kRefusalKept;
    case ErrorKind::throttled:
      if (error.retry_after) return std::max(Timespan::from(*error.retry_after), kOtherFailureKept);
      return kOtherFailureKept;
    default:
      return kOtherFailureKept;
  }
}

}  // namespace

struct TokenCache::Entry {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool busy = false;          // somebody is asking
  std::uint64_t flights = 0;  // how often somebody has asked to the end
  std::optional<Kept> kept;
  std::optional<Error> failure;  // of the last flight
  Timespan failure_until;        // on the monotonic clock
  std::uint64_t failed_flight = 0;

  void end(Result<AccessToken> result, const Clock& clock);
};

// Under the lock: takes the result of a flight in.
void TokenCache::Entry::end(Result<AccessToken> result, const Clock& clock) {
  const Timespan elapsed = Timespan::from(clock.elapsed());
  busy = false;
  ++flights;
  if (result) {
    const Ticks now = clock.now();
    const Timespan next = elapsed + refresh_after(*result, now);
    kept = Kept{std::move(*result), now, elapsed, next};
    failure.reset();
    return;
  }
  const Timespan keep = kept_for(result.error());
  if (kept) kept->next_refresh = elapsed + std::max(keep, kRefreshRetryWait);
  failure = std::move(result).error();
  failure_until = elapsed + keep;
  failed_flight = flights;
}

std::shared_ptr<TokenCache::Entry> TokenCache::entry(const TokenCredential& credential,
                                                     const TokenRequest& request) {
  const auto key = credential.identity() + "\n" + request.tenant + "\n" + request.scope;
  return entries_.with([&](auto& entries) {
    // Rare: so many scopes are no service's. Those who wait on an entry keep it alive.
    if (entries.size() >= kTokensMax && entries.find(key) == entries.end()) entries.clear();
    auto& one = entries[key];
    if (!one) one = std::make_shared<Entry>();
    return one;
  });
}

Result<AccessToken> TokenCache::token(TokenCredential& credential, const TokenRequest& request) {
  const auto one = entry(credential, request);
  TokenRequest asking = request;
  {
    std::unique_lock lock(one->mutex);
    std::optional<std::uint64_t> waited_for;
    while (true) {
      const Timespan elapsed = Timespan::from(clock_.elapsed());
      const bool good = one->kept && usable(*one->kept, clock_);
      if (good && (one->busy || elapsed < one->kept->next_refresh)) return one->kept->token;
      if (!good && one->failure &&
          (elapsed < one->failure_until ||
           (waited_for == one->failed_flight && one->failure->kind != ErrorKind::cancelled)))
        return fail(*one->failure);
      if (!one->busy) {
        if (good) asking.deadline = std::min(asking.deadline, kEarlyRefreshDeadline);
        one->busy = true;
        break;
      }
      waited_for = one->flights + 1;
      const bool ended =
          one->changed.wait_for(lock, request.cancel, request.deadline.to_milliseconds(),
                                [&] { return one->flights >= *waited_for; });
      if (!ended && request.cancel.stop_requested())
        return fail(ErrorKind::cancelled, "identity.cancelled",
                    credential.name() + ": stopped while another caller asked");
      if (!ended)
        return fail(ErrorKind::unavailable, "identity.unavailable",
                    credential.name() + ": another caller's question has no answer in time");
    }
  }
  auto result = credential.token(asking);  // never under a lock
  {
    std::lock_guard lock(one->mutex);
    one->end(result, clock_);
    if (!result && one->kept && usable(*one->kept, clock_)) result = one->kept->token;
  }
  one->changed.notify_all();
  return result;
}

void TokenCache::drop(const TokenCredential& credential, const TokenRequest& request,
                      const std::string& secret) {
  const auto one = entry(credential, request);
  std::lock_guard lock(one->mutex);
  if (one->kept && one->kept->token.secret == secret) one->kept.reset();
}

}  // namespace kc::azure
