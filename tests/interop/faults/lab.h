// The services that the product speaks to, each behind a proxy that has faults: an embedded engine
// that takes no request without a token, Azurite's blobs and queues, and the issuer of the tokens.
// Used by the fault matrix and by the copies under faults. Thread promise: one owner; the transport
// and the proxies are safe from any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "api/kusto_endpoint.h"
#include "core/azure/blobs.h"
#include "core/azure/queues.h"
#include "core/engine/dm/data_management.h"
#include "core/engine/engine.h"
#include "core/kusto/rest_kusto.h"
#include "core/lake/blob_lake.h"
#include "tests/fakes/faulty_way.h"
#include "tests/fakes/identity_server.h"
#include "tests/fakes/sign_in_elsewhere.h"
#include "tests/interop/azurite/azurite.h"

namespace kc::faults {

class FaultLab {
 public:
  FaultLab();
  ~FaultLab();
  FaultLab(const FaultLab&) = delete;
  FaultLab& operator=(const FaultLab&) = delete;

  // Everything that is asked through this may be made to meet a fault.
  net::Transport& transport() { return elsewhere_; }
  // Through the proxies, and past all faults; for ways of one's own.
  net::Transport& curl() { return curl_; }
  fakes::FaultyWay& way() { return way_; }
  fakes::FaultyProxy& cluster() { return *cluster_; }
  fakes::FaultyProxy& blobs() { return *blobs_; }
  fakes::FaultyProxy& queues() { return *queues_; }
  fakes::FaultyProxy& tables() { return *tables_; }
  fakes::FaultyProxy& issuer() { return *issuer_; }

  // Gives every service's budget of retries back, as answers would: no cell is to see what another
  // one used up.
  void refill_retries();

  const Clock& clock() const { return clock_; }
  const std::filesystem::path& folder() const { return folder_; }
  engine::Engine& engine() { return *engine_; }
  // Text of a command for the engine's database; what it answers has one row, and its first value
  // is given.
  std::int64_t count(const std::string& database, const std::string& command);
  void must(const std::string& database, const std::string& command);

  // In a new name each time, so that no token is kept from before.
  std::shared_ptr<kusto::Identities> new_identities() { return new_identities(elsewhere_); }
  std::shared_ptr<kusto::Identities> new_identities(net::Transport& by);
  std::string connection(const std::string& database) const;
  std::unique_ptr<kusto::Kusto> kusto(const std::string& database,
                                      std::shared_ptr<kusto::Identities> identities);
  // Not waiting between its tries.
  azure::LineOptions line() const;
  static inline const std::string kContainer = "faults";
  azure::BlobAddress address(const std::string& path, bool through_proxy = true) const;
  std::unique_ptr<azure::Queue> queue(const std::string& name, bool through_proxy);
  std::unique_ptr<BlobLake> lake(const std::string& path) { return lake(path, elsewhere_); }
  std::unique_ptr<BlobLake> lake(const std::string& path, net::Transport& by);

 private:
  std::string certificates();
  api::KustoEndpointOptions face();

  std::filesystem::path folder_;
  SystemClock clock_;
  Azurite azurite_;
  azure::StorageAccount account_;
  fakes::IdentityServer identity_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<api::KustoEndpoint> endpoint_;
  std::unique_ptr<fakes::FaultyProxy> cluster_, blobs_, queues_, tables_, issuer_;
  std::unique_ptr<engine::DataManagement> management_;  // at its own pace, past all faults
  net::CurlTransport curl_;
  fakes::FaultyWay way_;
  fakes::SignInElsewhere elsewhere_;
  net::CurlTransport straight_;  // past all faults
};

}  // namespace kc::faults
