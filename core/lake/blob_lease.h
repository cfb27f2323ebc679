// The lease of a lake on blobs: a blob lease on `.lease`, whose text names the holder. Used by
// BlobLake. It is for liveness only: whoever loses it is fenced by the journal. A killed holder of
// this machine is known to be gone and gives way at once; one of another machine after the lease's
// time. Thread promise: taking one blocks; a lease has one owner.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/azure/blobs.h"
#include "core/base/ids.h"
#include "core/lake/lake.h"

namespace kc {

struct BlobLeasePlan {
  std::string blob;    // its name in the container
  std::string lake;    // for messages
  std::string holder;  // of whoever asks
  std::string mark;    // process_mark
  int seconds = 30;    // 15 to 60
  std::function<Uuid()> new_id;
};

// `options` as those of `blobs`: how it waits. Errors as Lake::acquire_lease. `parting` gives the
// lease back, when the process may be ending: it tries once and is not stopped.
Result<std::unique_ptr<Lease>> take_blob_lease(const std::shared_ptr<azure::Blobs>& blobs,
                                               std::shared_ptr<azure::Blobs> parting,
                                               const azure::LineOptions& options,
                                               const BlobLeasePlan& plan);

}  // namespace kc
