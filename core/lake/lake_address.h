// The lake as a user writes it, and the way from there to the lake of one job. Used by the
// configuration and the service. Thread promise: values and pure functions.
//
// The forms: a path (a relative one counts from the working folder) or `file:///path`;
// `https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH`, its `.dfs.` twin,
// `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH` and path style
// `http://127.0.0.1:10000/ACCOUNT/CONTAINER/PATH`, each followed by `?<SAS>`, `;<account key>`,
// `;sharedkey=<key>`, `;token=<token>`, `;impersonate`, `;managed_identity=<system or object id>`
// or nothing; and a storage connection string with `Container=CONTAINER/PATH` added to it. The
// secret may be given by reference: `;sharedkey=`, `;sas=`, `;token=`, `AccountKey=` and
// `SharedAccessSignature=` take `env:NAME` and `file:/path`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/lake/blob_grants.h"
#include "core/lake/lake.h"

namespace kc {

// The place under which every job has its own folder.
struct LakeAddress {
  std::string folder = {};  // an absolute path, normalised; empty: on blobs
  std::optional<BlobPlace> blobs = {};
  // Without secrets.
  std::string describe() const;
  friend bool operator==(const LakeAddress&, const LakeAddress&) = default;
};

// Kind invalid, code lake.unsupported, naming the part that is wrong and why; secrets in it are not
// repeated.
Result<LakeAddress> parse_lake(const std::string& text);

// Several lakes of one job stand in one text, an address on each line: the first holds the
// checkpoint, exported data is spread over all of them.
inline constexpr std::size_t kLakesMax = 16;
bool has_several_lakes(std::string_view text);
std::vector<std::string> lakes_of(std::string_view text);
// At least one. Errors: as parse_lake; the same place twice, folders beside containers, or more
// than kLakesMax.
Result<std::vector<LakeAddress>> parse_lakes(std::string_view text);

// What a lake on blobs needs of the process.
struct LakeDoors {
  net::Transport& transport;
  const Clock& clock;
  std::stop_token stop = {};  // ends waiting and calls under way
  // The bearer token of this process's identity for a storage account, from a cache, and a newer
  // one than `refused`; absent: it has none, and an address without key, SAS and token is refused.
  std::function<Result<std::string>(const azure::BlobAddress&, const std::string& refused)> token =
      {};
  // What a reference to a secret names now, for the keyword; absent: none is taken.
  std::function<Result<std::string>(std::string_view reference, std::string_view keyword)> secret =
      {};
};

// The lake of one job, `<folder>/<job id>`. Touches nothing yet: a folder that is absent reads as
// an empty lake and is made by the first write; a container has to be there.
Result<std::unique_ptr<Lake>> open_lake(const LakeAddress& address, std::string_view job_id,
                                        const LakeDoors& doors);
// The same of several: the others have the job's folder below one that is named after the first, so
// that two jobs of one id that share a lake do not meet there.
Result<std::unique_ptr<Lake>> open_lakes(std::vector<LakeAddress> addresses,
                                         std::string_view job_id, const LakeDoors& doors);

}  // namespace kc
