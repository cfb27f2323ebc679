// What the two sources of SimCluster share. Nobody else includes it. Thread promise: pure
// functions.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/model/schema.h"

namespace kc::sim {

inline constexpr std::int64_t kUnstamped = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kWrongColumns = std::int64_t{1} << 62;
inline constexpr Timespan kOperationWindow = Timespan::seconds(6 * 3600);

// In the order in which SetStagingPolicies sends them.
inline constexpr int kPolicyCount = 7;
inline constexpr std::array<const char*, kPolicyCount + 1> kPolicies = {
    "merge",
    "extent_tags_retention",
    "update",
    "restricted_view_access",
    "retention",
    "caching",
    "auto_delete",  // and where ingestions are queued:
    "ingestionbatching"};
inline constexpr unsigned kMergePolicy = 1U << 0;
inline constexpr unsigned kTagRetentionPolicy = 1U << 1;
inline constexpr unsigned kAutoDeletePolicy = 1U << 6;
inline constexpr unsigned kBatchingPolicy = 1U << kPolicyCount;
inline constexpr unsigned kAllPolicies = (1U << kPolicyCount) - 1;

std::uint64_t shape_of(const std::vector<Column>& columns);

inline bool has_tag(const std::vector<std::string>& tags, std::string_view tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

inline Failure no_table(const std::string& name) {
  Error error{.kind = ErrorKind::not_found,
              .code = "kusto.table_not_found",
              .message = "table '" + name + "' does not exist"};
  error.service_code = "BadRequest_TableNotExist";
  return fail(std::move(error));
}

}  // namespace kc::sim
