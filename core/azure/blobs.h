// The blobs of one container: whole objects, ranges, blocks, leases, listings. Used by the lake, by
// the engine's exports and ingestions and by its data management. Thread promise: safe from any
// thread, as its Line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/azure/line.h"

namespace kc::azure {

// Larger files go in blocks of this size, so that no more than one is in memory.
inline constexpr std::size_t kBlockBytes = std::size_t{8} << 20;
inline constexpr int kListPage = 5000;
inline constexpr std::size_t kReadBytesMax = std::size_t{1} << 30;

struct BlobProperties {
  std::int64_t size = 0;
  std::string etag;  // with its quotes
  std::string content_encoding;
  std::string stamp;  // as PutCondition gave it
};

struct BlobItem {
  std::string name;
  std::int64_t size = 0;
  std::string etag;               // with its quotes
  std::string created, modified;  // RFC 1123, as the service gives them
};

struct BlobPage {
  std::vector<BlobItem> blobs;
  // An account with a hierarchy says of each entry what it is, and lists its directories too.
  bool hierarchy = false;
  std::vector<std::string> directories;
  std::string marker;  // empty: the end
};

struct PutCondition {
  bool if_absent = false;     // conflict BlobAlreadyExists otherwise
  std::string if_match = {};  // conflict ConditionNotMet otherwise
  std::string lease_id = {};  // of the lease that the blob is under
  std::string stamp = {};     // kept with the blob, to know one's own writing again
};

struct LeaseCall {
  enum class Action { acquire, renew, change, release };
  Action action = Action::acquire;
  std::string id;             // acquire: the new lease's; the same again is the same lease
  std::string proposed = {};  // change: what the id becomes
  int seconds = 60;           // acquire: 15 to 60
};

class Blobs {
 public:
  Blobs(net::Transport& transport, const Clock& clock, const BlobAddress& address,
        LineOptions options = {});

  // The whole blob, or `size` bytes from `offset` on; a range behind the end is empty.
  Result<std::string> get(const std::string& name);
  Result<std::string> get_range(const std::string& name, std::int64_t offset, std::size_t size);
  Result<BlobProperties> properties(const std::string& name);
  // One call; with a condition the outcome of a broken one is unknown (kind unavailable). The etag.
  Result<std::string> put(const std::string& name, std::string bytes,
                          const PutCondition& when = {});
  Result<void> put_block(const std::string& name, const std::string& block_id, std::string bytes);
  Result<std::string> commit_blocks(const std::string& name,
                                    const std::vector<std::string>& block_ids,
                                    const PutCondition& when = {});
  // Of any size: one call, or blocks that become the blob together, with the conditions of `put`.
  // Kind conflict too where somebody else completed the blob meanwhile.
  Result<void> write(const std::string& name, std::string_view bytes, const PutCondition& when);
  // The whole blob, of one version, in pieces of a block's size. An answer that is no
  // blob's is kind corrupt. Kind invalid, storage.too_large,
  // beyond kReadBytesMax.
  Result<std::string> read(const std::string& name);
  // Kind conflict where another has the lease (LeaseAlreadyPresent), or it is no longer this one.
  Result<void> lease(const std::string& name, const LeaseCall& call);
  // Kind not_found where there is none.
  Result<void> remove(const std::string& name);

  // Of any size, with one block in memory; the blob appears whole or not at all.
  Result<void> upload(const std::filesystem::path& from, const std::string& name);
  // The file is complete where this succeeds; kind conflict where the blob changed meanwhile.
  Result<std::int64_t> download(const std::string& name, const std::filesystem::path& to);

  Result<BlobPage> list(const std::string& prefix, const std::string& marker = {},
                        int results_max = kListPage);
  // All pages; kind invalid, storage.too_many, beyond `limit` blobs.
  Result<std::vector<BlobItem>> list_all(const std::string& prefix, std::size_t limit);

  Result<bool> create_container();  // false: it was there
  Result<void> remove_container();

 private:
  // Anywhere: an ingestion may read files of any web server.
  enum class From { storage, anywhere };
  // Hands over each piece; the size. The pieces are of one version.
  Result<std::int64_t> in_pieces(const std::string& name, From from,
                                 const std::function<Result<void>(std::string_view)>& take);
  std::string path_of(const std::string& name) const;
  std::string about(const std::string& doing, const std::string& name) const;

  Line line_;
  std::string container_;
};

}  // namespace kc::azure
