// A lake in a container of Azure Blob storage (or ADLS Gen2, or Azurite): block blobs below a path.
// Used by whoever keeps a copy's lake in the cloud; parse_lake and open_lake lead here. Blobs whose
// name has a part that begins with a dot are its own: `.lease`. Thread promise: every method is
// safe from any thread and blocks for the time of its storage calls; transport and clock outlive
// it.
//
// A SAS that is out cannot be taken back alone, so a grant ends only by expiring. With a SAS that
// the user gave, that is the SAS's own expiry, which may lie behind the grant's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/azure/blobs.h"
#include "core/base/guarded.h"
#include "core/base/ids.h"
#include "core/base/rng.h"
#include "core/lake/blob_grants.h"
#include "core/lake/lake.h"

namespace kc {

struct BlobLakeOptions {
  azure::LineOptions line = {};
  int lease_seconds = 30;
  // Of the URI of one exported file: as long as an ingestion may wait and work.
  Timespan read_life = Timespan::seconds(std::int64_t{24} * 3600);
  int removals_at_once = 8;
};

class BlobLake final : public Lake {
 public:
  // `place.root.path` is the folder of the job. The container is there; nothing is touched yet.
  BlobLake(net::Transport& transport, const Clock& clock, Rng rng, BlobPlace place,
           BlobLakeOptions options = {});

  Result<std::vector<LakeFile>> list(std::string_view prefix) override;
  Result<std::string> get(std::string_view name) override;
  // An unknown outcome is settled by looking at what is there: every create leaves a stamp of its
  // own with the blob.
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override;
  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<void> remove(std::string_view name) override;

  Result<Grant> open_folder(std::string_view folder, Ticks expiry) override;
  Result<std::string> read_uri(std::string_view name) override;
  std::string why_not_queued() const override;
  // Always false: see above. The blobs that are there are gone once it returns.
  Result<bool> close_folder(std::string_view folder) override;

  // Waits for a holder of another machine that may be dead, for the time of one lease.
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override;

  // The URL without credentials.
  std::string describe() const override { return place_.root.url(); }

 private:
  Result<std::string> path_of(std::string_view name) const;
  // All pages as one.
  Result<azure::BlobPage> entries(const std::string& prefix);
  void remove_directories(const std::string& path, std::vector<std::string> below);
  Result<void> remove_all(const std::vector<azure::BlobItem>& items);
  Result<void> remove_path(const std::string& path);
  Uuid new_id();

  net::Transport& transport_;
  const Clock& clock_;
  const BlobPlace place_;
  const BlobLakeOptions options_;
  Guarded<Rng> rng_;
  std::shared_ptr<azure::Blobs> blobs_;
  BlobGrants grants_;
};

}  // namespace kc
