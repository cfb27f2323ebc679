// Several lakes as one: the first holds everything that there is one of, the checkpoint and the
// status; the folders that clusters write into and read from are spread over all of them, each to
// the lake that the hash of its name says. Made by open_lakes. Thread promise: that of the lakes.
//
// The hash and the order of the lakes say where a folder is, so neither may change while a job has
// folders: the journal holds the list, and a job that comes with another is refused
// (docs/decisions/0012).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/lake/lake.h"

namespace kc {

// What is spread: folders below `data/` of this many parts, such as `data/1/42/e1`, and the files
// in them.
inline constexpr std::string_view kSpreadRoot = "data/";
inline constexpr int kSpreadParts = 4;
// Which of `lakes` has that folder: FNV-1a, 64 bit, modulo their number. For ever the same.
std::size_t spread_place(std::string_view folder, std::size_t lakes);

class SpreadLake final : public Lake {
 public:
  // At least one.
  explicit SpreadLake(std::vector<std::unique_ptr<Lake>> lakes);

  Result<std::vector<LakeFile>> list(std::string_view prefix) override;
  Result<std::string> get(std::string_view name) override;
  Result<Created> create_if_absent(std::string_view name, std::string_view bytes) override;
  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<void> remove(std::string_view name) override;
  Result<Grant> open_folder(std::string_view folder, Ticks expiry) override;
  Result<std::string> read_uri(std::string_view name) override;
  std::string why_not_queued() const override;  // of the first that has a reason
  // Of a folder above those that are spread: everywhere.
  Result<bool> close_folder(std::string_view folder) override;
  // Of all of them, the first one's first.
  Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) override;
  std::string describe() const override;

 private:
  Lake& first() { return *lakes_.front(); }
  Lake& of_file(std::string_view name);
  // The one that has the folder; nullptr: any of them may have some of it.
  Lake* of_folder(std::string_view folder);

  const std::vector<std::unique_ptr<Lake>> lakes_;
};

}  // namespace kc
