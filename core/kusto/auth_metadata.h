// What a cluster says about signing in to it, before anybody has: which login endpoint, and for
// which resource the token must be. Used by cluster_identity.cc. Thread promise: a pure function.
// (`GET /v1/rest/auth/metadata`, protocol reference §1.10.)
#pragma once

#include <string>

#include "core/net/transport.h"

namespace kc::kusto {

// The public cloud's, for a cluster that has no such page (404) or says nothing on it.
struct AuthMetadata {
  std::string login_endpoint = "https://login.microsoftonline.com";
  std::string resource = "https://kusto.kusto.windows.net";  // with the second factor's host in it
  friend bool operator==(const AuthMetadata&, const AuthMetadata&) = default;
};

// Kind unavailable (5xx, 408, 429) or corrupt, code kusto.auth_metadata.
Result<AuthMetadata> read_auth_metadata(const net::HttpAnswer& answer);

}  // namespace kc::kusto
