// The token of this process's identity for storage accounts: the default chain's, out of the cache
// that all of the program shares, for hosts that a token may go to. Used by whoever opens a lake
// whose address names no key, SAS or token. Thread promise: safe from any thread; what it refers to
// outlives it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/azure/default_chain.h"
#include "core/azure/token_cache.h"
#include "core/azure/trusted_hosts.h"
#include "core/base/guarded.h"

namespace kc::azure {

class StorageIdentity {
 public:
  StorageIdentity(const Surroundings& with, TokenCache& tokens, const TrustedHosts& trusted,
                  ChainOptions options = {})
      : with_(with), tokens_(tokens), trusted_(trusted), options_(std::move(options)) {}

  // For the account at that endpoint; a newer one than `refused`, which it did not take. Errors as
  // TrustedHosts and TokenCredential, but never of kind not_found (denied instead) or corrupt
  // (unavailable instead): of an account these speak of its data.
  Result<std::string> token(std::string_view endpoint, const std::string& refused,
                            const std::stop_token& stop);

 private:
  Result<std::shared_ptr<TokenCredential>> credential();

  const Surroundings& with_;
  TokenCache& tokens_;
  const TrustedHosts& trusted_;
  const ChainOptions options_;
  Guarded<std::shared_ptr<TokenCredential>> chain_;
};

}  // namespace kc::azure
