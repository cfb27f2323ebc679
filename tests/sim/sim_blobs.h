// The simulated storage that simulated clusters export into and ingest from: blobs of rows by path,
// in folders that must be open to be written. The simulation's lake opens and closes the folders.
// Thread promise: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kc::sim {

// The whole content of a simulated row; equal values are identical rows.
struct Row {
  std::int64_t value = 0;
  friend auto operator<=>(const Row&, const Row&) = default;
};

struct Blob {
  std::vector<Row> rows;
  std::uint64_t shape = 0;  // of the columns it was exported with, in their order
};

class SimBlobs {
 public:
  void open(std::string_view folder);
  // Removes every blob below the folder; a later write into it fails until it is opened again.
  void close(std::string_view folder);
  // Nothing can be written there any more; what is there stays.
  void seal(std::string_view folder);
  bool is_open(std::string_view folder) const { return open_.contains(folder); }

  // False, with nothing written, where the folder of `path` is not open.
  bool write(std::string_view path, Blob blob);
  const Blob* find(std::string_view path) const;  // nullptr where there is none
  const std::vector<Row>* rows(std::string_view path) const;
  void remove(std::string_view path);

  std::vector<std::string> list(std::string_view prefix = {}) const;  // sorted
  std::size_t size() const { return blobs_.size(); }

 private:
  std::set<std::string, std::less<>> open_;
  std::map<std::string, Blob, std::less<>> blobs_;
};

}  // namespace kc::sim
