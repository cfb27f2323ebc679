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

// What a lake on blobs needs of the process.
struct LakeDoors {
  net::Transport& transport;
  const Clock& clock;
  std::stop_token stop = {};  // ends waiting and calls under way
  // The bearer token of this process's identity for a storage account, from a cache; absent: it has
  // none, and an address without key, SAS and token is refused.
  std::function<Result<std::string>(const azure::BlobAddress&)> token = {};
  // What a reference to a secret names now, for the keyword; absent: none is taken.
  std::function<Result<std::string>(std::string_view reference, std::string_view keyword)> secret =
      {};
};

// The lake of one job, `<folder>/<job id>`. Touches nothing yet: a folder that is absent reads as
// an empty lake and is made by the first write; a container has to be there.
Result<std::unique_ptr<Lake>> open_lake(const LakeAddress& address, std::string_view job_id,
                                        const LakeDoors& doors);

}  // namespace kc
