// A lake in memory: the plain twin of FolderLake, for tests and the simulation, with the cluster's
// side of it (writing and reading export files) as methods. Thread promise: safe from any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "core/lake/lake.h"

namespace kc {

class MemoryLake final : public Lake {
 public:
  struct Options {
    // False: acts like a blob store, whose write grants cannot be taken back and end only by
    // expiring.
    bool closes_folders = true;
  };
  MemoryLake() : MemoryLake(Options{}) {}
  explicit MemoryLake(Options options);

  Result<std::vector<LakeFile>> list(std::string_view prefix) override;
  Result<std::string> get(std::string_view name) override;
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override;
  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<void> remove(std::string_view name) override;
  Result<Grant> open_folder(std::string_view folder, Ticks expiry) override;
  Result<std::string> read_uri(std::string_view name) override;
  Result<bool> close_folder(std::string_view folder) override;
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override;
  std::string describe() const override { return "memory"; }

  // What a cluster does with a grant at `now`: kind not_found where the folder was never opened or
  // is closed, denied where the grant has expired.
  Result<void> write_blob(std::string_view folder, std::string_view name, std::string_view bytes,
                          Ticks now = kTicksMin);
  // The bytes behind a URI of open_folder plus `/name`, or of read_uri.
  Result<std::string> read_blob(std::string_view uri);
  // Every file, sorted: names and bytes.
  std::map<std::string, std::string> contents() const;
  // The lake as it was lost: every file, folder and grant gone.
  void wipe();

 private:
  using Text = std::string;
  struct State {
    std::map<Text, Text, std::less<>> files;
    std::map<Text, Ticks, std::less<>> open;  // folder -> its grant's expiry
  };
  // Outlives the lake as long as a lease does.
  using Holder = Guarded<std::optional<std::string>>;

  const Options options_;
  Guarded<State> state_;
  std::shared_ptr<Holder> holder_ = std::make_shared<Holder>();
};

}  // namespace kc
