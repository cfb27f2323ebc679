// How the pipeline reaches the outside in this program: lakes by address, clusters by connection
// string over libcurl. Used by the service's assembly and by the commands. Thread promise: safe
// from any thread; the transport and the clock outlive what is made here.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/azure/address.h"
#include "core/azure/storage_identity.h"
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
// The token of this environment's identity for a lake's account, as StorageIdentity gives it; where
// there is none and a person signs in to the clusters, the error says that a lake wants its own.
Result<std::string> lake_token(const kusto::Identities& identities, azure::StorageIdentity& storage,
                               const azure::BlobAddress& account, const std::string& refused,
                               const std::stop_token& stop);
// "host:pid", for the lease.
std::string holder();

}  // namespace kc::server
