// How the pipeline reaches the outside in this program: lakes by address, clusters by connection
// string over libcurl. Used by the service's assembly and by the commands. Thread promise: safe
// from any thread; the transport and the clock outlive what is made here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/azure/trusted_hosts.h"
#include "core/base/clock.h"
#include "core/kusto/cluster_identity.h"
#include "core/net/transport.h"
#include "core/pipeline/runner.h"

namespace kc::server {

// In the name of what all clusters and lakes of a command share.
Result<std::unique_ptr<kusto::Kusto>> connect(const std::string& cluster,
                                              const std::shared_ptr<kusto::Identities>& identities);
pipeline::Connections make_connections(const std::shared_ptr<kusto::Identities>& identities);
// `trusted`: where tokens may go, beside the known hosts. `secret_references`: how references to
// secrets may begin; empty: anyhow.
Result<std::unique_ptr<kusto::Kusto>> connect(const std::string& cluster, net::Transport& transport,
                                              const Clock& clock, azure::TrustedHosts trusted = {});
pipeline::Connections make_connections(net::Transport& transport, const Clock& clock,
                                       azure::TrustedHosts trusted = {},
                                       std::vector<std::string> secret_references = {});
// "host:pid", for the lease.
std::string holder();

}  // namespace kc::server
