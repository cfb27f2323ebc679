// Where a token may go. A connection string names a host and gets a token sent there, so whoever
// writes one could collect the tokens of others: a token leaves only for a host of a well-known
// Microsoft domain, for one that the operator allows, or for this machine. Asked by whoever is
// about to send one, before it is even obtained. Thread promise: values.
//
// The lists are those of Microsoft's own Kusto clients (wellKnownKustoEndpoints.json), by the login
// endpoint of each cloud, and the documented domains of storage and OneLake.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kc::azure {

class TrustedHosts {
 public:
  TrustedHosts() = default;
  // `host` or `.suffix` per entry, each of at least two labels. Kind invalid, code
  // identity.invalid, naming the entry.
  static Result<TrustedHosts> allowing(const std::vector<std::string>& entries);

  // Kind denied, code identity.untrusted_host. Plain http is for this machine only, whatever is
  // allowed. With the cluster's login endpoint, only that cloud's domains count.
  Result<void> check_cluster(std::string_view url) const;
  Result<void> check_cluster(std::string_view url, std::string_view login_endpoint) const;
  Result<void> check_storage(std::string_view url) const;
  // Where secrets and assertions may be sent: a login endpoint of one of the clouds.
  Result<void> check_login(std::string_view url) const;

 private:
  struct Place;
  Result<Place> place_of(std::string_view url) const;
  bool allowed(const std::string& host) const;

  std::vector<std::string> allowed_;  // lower case
};

}  // namespace kc::azure
