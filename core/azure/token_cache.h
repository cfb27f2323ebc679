// Tokens kept in memory for as long as they are good, in front of any credential, and shared by all
// who ask in the same name: one entry per (identity, tenant, scope). A token is asked for again
// early, by one caller at a time, while the others go on with the old one; a refusal is remembered
// for a while, so that a busy service does not hammer its issuer. Thread promise: safe from any
// thread; the clock outlives it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/azure/credential.h"
#include "core/base/guarded.h"

namespace kc::azure {

// A token is used while it holds for longer than this, or a quarter of its life if that is less.
inline constexpr Timespan kTokenReserve = Timespan::seconds(300);
// Where its issuer names no other time: at half of a life of two hours or more, else so long before
// the end.
inline constexpr Timespan kTokenRefreshBefore = Timespan::seconds(600);
inline constexpr Timespan kRefreshRetryWait = Timespan::seconds(30);
// How long a failure is given out again without asking.
inline constexpr Timespan kRefusalKept = Timespan::seconds(60);
inline constexpr Timespan kOtherFailureKept = Timespan::seconds(10);
inline constexpr std::size_t kTokensMax = 1'000;

class TokenCache {
 public:
  explicit TokenCache(const Clock& clock) : clock_(clock) {}

  // The kept token, or a new one of `credential`.
  Result<AccessToken> token(TokenCredential& credential, const TokenRequest& request);
  // After a 401: forgets that very token, unless a newer one has taken its place.
  void drop(const TokenCredential& credential, const TokenRequest& request,
            const std::string& secret);

 private:
  struct Entry;
  std::shared_ptr<Entry> entry(const TokenCredential& credential, const TokenRequest& request);

  const Clock& clock_;
  Guarded<std::map<std::string, std::shared_ptr<Entry>>> entries_;
};

}  // namespace kc::azure
