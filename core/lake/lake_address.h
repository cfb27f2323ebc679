// The lake as a user writes it, and the way from there to the lake of one job. Used by the
// configuration and the service. Thread promise: values and pure functions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/lake/lake.h"

namespace kc {

// The place under which every job has its own folder.
struct LakeAddress {
  std::string folder;  // an absolute path, normalised
  friend bool operator==(const LakeAddress&, const LakeAddress&) = default;
};

// Takes a path (a relative one counts from the working folder) or a file:// URL. Kind invalid, code
// lake.unsupported, for anything else, naming what is taken; secrets in it are not repeated.
Result<LakeAddress> parse_lake(const std::string& text);

// The lake of one job, `<folder>/<job id>`. Touches nothing yet: a folder that is absent reads as
// an empty lake and is made by the first write.
Result<std::unique_ptr<Lake>> open_lake(const LakeAddress& address, std::string_view job_id);

}  // namespace kc
