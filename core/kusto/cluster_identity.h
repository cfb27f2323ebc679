// The identity with which one cluster is asked: made from a connection string's sign-in, the
// cluster's own word about where to sign in, and the rule of where a token may go. Used by
// rest_kusto.cc. Thread promise: safe from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/azure/credential.h"
#include "core/azure/device_code.h"
#include "core/azure/token_cache.h"
#include "core/azure/trusted_hosts.h"
#include "core/base/guarded.h"
#include "core/kusto/auth_metadata.h"
#include "core/kusto/connection_string.h"

namespace kc::kusto {

// What a program has one of, for all its clusters. The transport and the clock outlive it.
struct Identities {
  Identities(net::Transport& transport, const Clock& clock, azure::TrustedHosts hosts = {})
      : surroundings{.transport = transport, .clock = clock},
        tokens(clock),
        trusted(std::move(hosts)) {}
  azure::Surroundings surroundings;
  azure::TokenCache tokens;
  const azure::TrustedHosts trusted;

  // Where it is set, a person signs in by a code that it shows, in place of this environment's
  // identity: one sign-in for all clusters of a login endpoint and tenant. Set before the first
  // cluster is asked.
  std::function<void(const azure::DeviceCodePrompt&)> prompt = {};
  Result<std::shared_ptr<azure::TokenCredential>> person(const std::string& authority,
                                                         const std::string& tenant);

 private:
  Guarded<std::map<std::string, std::shared_ptr<azure::TokenCredential>>> people_;
};

// A token for that cluster, obtained now, so that whoever needs one later finds it: for a person,
// who is slower than a request. Nothing to do where the connection does not sign in.
Result<void> sign_in(const ConnectionString& where, const std::shared_ptr<Identities>& all,
                     Timespan deadline, std::stop_token cancel);

class ClusterIdentity {
 public:
  ClusterIdentity(const ConnectionString& where, std::shared_ptr<Identities> all);

  // A token that may be sent to this cluster. An untrusted one is not even asked how to sign in.
  // Errors: as TrustedHosts, TokenCredential and read_auth_metadata, but never of kind not_found
  // (denied instead) or corrupt (unavailable instead).
  Result<azure::AccessToken> token(Timespan deadline, std::stop_token cancel);
  // The cluster did not take that token: it is not given out again.
  void refused(const std::string& secret);

 private:
  struct Ready {
    std::shared_ptr<azure::TokenCredential> credential;
    azure::TokenRequest request;  // without its deadline
  };
  Result<Ready> ready(Timespan deadline, const std::stop_token& cancel);
  Result<AuthMetadata> metadata(Timespan deadline, const std::stop_token& cancel) const;
  Result<Ready> make(const AuthMetadata& says) const;
  Result<std::shared_ptr<azure::TokenCredential>> credential(const AuthMetadata& says) const;

  const std::string url_;
  const SignIn sign_in_;
  const std::shared_ptr<Identities> all_;
  Guarded<std::optional<Ready>> ready_;
};

}  // namespace kc::kusto
