// A lake in a local folder. Ships; also what a single machine with the embedded engine uses.
// Entries whose name begins with a dot are its own: `.tmp` (files on their way), `.trash` (closed
// folders), `.lease`. Thread promise: every method is safe from any thread and blocks for the time
// of its system calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/lake/lake.h"

namespace kc {

class FolderLake final : public Lake {
 public:
  // `root` is the absolute path of the job's folder. It need not exist: reading finds nothing, the
  // first write makes it.
  explicit FolderLake(std::string root);

  Result<std::vector<LakeFile>> list(std::string_view prefix) override;
  Result<std::string> get(std::string_view name) override;
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override;
  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<void> remove(std::string_view name) override;

  // A `file://` URI of the folder. A path has no expiry: the grant ends with close_folder.
  Result<Grant> open_folder(std::string_view folder, Ticks expiry) override;
  Result<std::string> read_uri(std::string_view name) override;
  std::string why_not_queued() const override {
    return "the lake is a local folder, and data management reads blobs only";
  }
  // Always true: the folder is renamed away before it is deleted, so whoever opens a file in it by
  // path finds no folder.
  Result<bool> close_folder(std::string_view folder) override;

  // Also sweeps what crashed owners left in `.tmp` and `.trash`.
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override;

  std::string describe() const override { return root_; }

 private:
  std::string path_of(std::string_view name) const { return root_ + "/" + std::string(name); }
  // Calls the system with the temporary file until its target's folder exists; the errno of the
  // last try, 0 on success.
  template <class Call>
  Result<int> place(const std::string& target, Call&& call);
  void prune_above(const std::string& path);
  void sweep_trash();

  const std::string root_;
  const std::string temporary_;
  const std::string trash_;
  std::atomic<std::uint64_t> counter_{0};
};

}  // namespace kc
