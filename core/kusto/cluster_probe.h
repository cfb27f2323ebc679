// What a person wants to know of a cluster before a copy, one question at a time: does it answer,
// how does one sign in, is there a token, what is it, what may we do there. Used by `connections
// test`. Thread promise: one owner; what it refers to outlives it.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/kusto/cluster_identity.h"

namespace kc::kusto {

// `https://c.kusto.windows.net` -> `https://ingest-c.kusto.windows.net`, where its data management
// answers; nothing for an address that has none by that rule: this machine, a bare address, one of
// data management itself. (Protocol reference §1.)
std::optional<std::string> ingestion_url(const std::string& url);

class ClusterProbe {
 public:
  // `stop` ends a question under way with kind cancelled.
  ClusterProbe(ConnectionString where, std::shared_ptr<Identities> all, std::stop_token stop);

  // Any answer of the cluster at all: name, connection and certificate are good. Errors: those of
  // Transport.
  Result<AuthMetadata> metadata(Timespan deadline);
  // Only where the connection signs in. Errors: as ClusterIdentity.
  Result<azure::AccessToken> token(Timespan deadline);
  struct Version {
    std::string product, service;  // service: Engine or DataManagement
  };
  Result<Version> version(Timespan deadline);
  struct Role {
    std::string scope, name, role;  // Database, Samples, Database Viewer
  };
  Result<std::vector<Role>> roles(Timespan deadline);  // of whoever asks
  // Whether data management answers at `ingestion_url`.
  Result<void> ingestion(const std::string& url, Timespan deadline);

 private:
  Result<std::string> ask(const std::string& text, Timespan deadline);
  Result<AuthMetadata> metadata_of(const std::string& url, Timespan deadline);

  const ConnectionString where_;
  const std::shared_ptr<Identities> all_;
  const std::stop_token stop_;
  std::optional<ClusterIdentity> identity_;
};

// The texts of its questions, held against golden files.
inline constexpr const char* kShowVersion = ".show version\n| project ServiceType, ProductVersion";
inline constexpr const char* kShowRoles =
    ".show principal roles\n| project Scope, DisplayName, Role";

}  // namespace kc::kusto
