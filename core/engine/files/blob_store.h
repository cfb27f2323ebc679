// Blobs of storage accounts as files of this engine: read into a local file, written from one,
// listed, removed, with failures told by Kusto's ingestion codes. Used by `.ingest`, `.export` and
// data management; local folders need none of it. Thread promise: safe from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/azure/blobs.h"

namespace kc::engine {

// Whether an address is of a storage account rather than of a local folder.
bool is_blob_address(std::string_view address);

// Kind invalid, BadRequest_InvalidBlobUri, where no account can be reached by it.
Result<void> check_blob_address(const std::string& address);

struct BlobFile {
  std::string url;  // without credentials
  std::string name;
  std::int64_t size = 0;
  std::string created;  // RFC 1123
};

// A name for the local copy of a blob: its own last part, whose suffixes tell format and
// compression, behind a number; plain letters only.
std::string local_name(const std::string& address, std::size_t number);

class BlobStore {
 public:
  BlobStore(net::Transport& transport, const Clock& clock, azure::LineOptions options = {})
      : transport_(transport), clock_(clock), options_(std::move(options)) {}

  // Errors: invalid BadRequest_InvalidBlobUri, not_found Download_SourceNotFound, denied
  // Download_Forbidden, unavailable Download_UnknownError; the message shows no credential.
  Result<std::int64_t> download(const std::string& address, const std::filesystem::path& to);
  // Writes `<address>/<name>` and returns its URL without credentials.
  Result<std::string> upload(const std::filesystem::path& from, const std::string& address,
                             const std::string& name);
  // Those whose names start with the address's path.
  Result<std::vector<BlobFile>> list(const std::string& address, std::size_t limit);
  Result<void> remove(const std::string& address);

 private:
  azure::Blobs blobs(const azure::BlobAddress& address) {
    return {transport_, clock_, address, options_};
  }

  net::Transport& transport_;
  const Clock& clock_;
  azure::LineOptions options_;
};

}  // namespace kc::engine
