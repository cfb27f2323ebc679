// The Kusto door over HTTP: renders commands as text, sends them, reads the answers. Made by
// server/app and by the door suite. Thread promise: as Kusto; it keeps no state between calls.
#pragma once

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/kusto/cluster_identity.h"
#include "core/kusto/connection_string.h"
#include "core/kusto/kusto.h"
#include "core/net/transport.h"

namespace kc::kusto {

struct RestKustoOptions {
  std::string application = "kusto-copy";  // x-ms-app
  std::string version = "0.1.0";           // in x-ms-client-version
  // Needed where the connection signs in. Shared, so that clusters share their tokens.
  std::shared_ptr<Identities> identities = {};
};

// Sends nothing yet. `transport` and `clock` outlive the result. Kind denied, code
// identity.untrusted_host, where a token would go to a host that is not to have one.
Result<std::unique_ptr<Kusto>> connect(const ConnectionString& where, net::Transport& transport,
                                       const Clock& clock, RestKustoOptions options = {});

}  // namespace kc::kusto
