// The policies of a staging table as a cluster shows them: is each as it was set? The text is JSON
// that clusters have written in more than one way. Used by answers.cc. Thread promise: pure
// functions.
#pragma once

#include <string_view>

namespace kc::kusto {

// `policy` is one of kStagingPolicies, or kBatchingPolicy; `shown` the Policy cell of `.show table
// T policy <policy>`. False for anything that cannot be read.
bool is_as_staging_wants(std::string_view policy, std::string_view shown);

}  // namespace kc::kusto
