// The values of policies: what each accepts, and the JSON it is kept as. Used by policies.cc.
// Thread promise: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/engine/commands/command.h"

namespace kc::engine {

struct Policy {
  std::string_view word, name;
  bool of_table, of_database, of_cluster;
};
inline constexpr std::array<Policy, 18> kPolicies = {{
    {"auto_delete", "AutoDeletePolicy", true, false, false},
    {"caching", "CachingPolicy", true, true, true},
    {"capacity", "CapacityPolicy", false, false, true},
    {"encoding", "EncodingPolicy", true, true, false},
    {"extent_tags_retention", "ExtentTagsRetentionPolicy", true, true, false},
    {"ingestionbatching", "IngestionBatchingPolicy", true, true, true},
    {"ingestiontime", "IngestionTimePolicy", true, true, false},
    {"managed_identity", "ManagedIdentityPolicy", false, true, true},
    {"merge", "ExtentsMergePolicy", true, true, true},
    {"partitioning", "PartitioningPolicy", true, false, false},
    {"request_classification", "ClusterRequestClassificationPolicy", false, false, true},
    {"restricted_view_access", "RestrictedViewAccessPolicy", true, false, false},
    {"retention", "RetentionPolicy", true, true, true},
    {"row_level_security", "RowLevelSecurityPolicy", true, false, false},
    {"roworder", "RowOrderPolicy", true, false, false},
    {"sharding", "ShardingPolicy", true, true, true},
    {"streamingingestion", "StreamingIngestionPolicy", true, true, true},
    {"update", "UpdatePolicy", true, false, false},
}};

Result<Policy> parse_policy(Command& command, Scope scope);
// What stands behind the policy's word: JSON in a string, or the words that some policies take.
Result<std::string> parse_policy_value(Command& command, const Policy& policy);
// Keys, types and ranges. Kind invalid, service code General_BadRequest.
Result<void> check_policy_value(const Policy& policy, const std::string& value);
// The changes of `.alter-merge` laid over the old value.
Result<std::string> merge_policy(const Policy& policy, const std::string& old,
                                 const std::string& changes);

}  // namespace kc::engine
