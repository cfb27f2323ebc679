#include "core/kusto/policies.h"

#include "core/base/json.h"
#include "core/base/ticks.h"
#include "core/kusto/json_answer.h"
#include "core/kusto/text.h"

namespace kc::kusto {
namespace {

using nlohmann::json;

constexpr int kPolicyDepthMax = 32;

bool is_false(const json& policy, const char* name) {
  const json* found = member(policy, name);
  return found != nullptr && *found == false;
}

bool is_true(const json& policy, const char* name) {
  const json* found = member(policy, name);
  return found != nullptr && *found == true;
}

// A span is a text, or an object that holds it as Value.
Result<Timespan> span_of(const json& policy, const char* name) {
  const json* found = member(policy, name);
  const std::string text = found == nullptr     ? std::string{}
                           : found->is_string() ? found->get<std::string>()
                                                : text_member(*found, "Value");
  return parse_duration(text);
}

bool keeps_for_ever(const json& policy) {
  const auto kept = span_of(policy, "SoftDeletePeriod");
  const auto wanted = parse_duration(kRetentionForever);
  return kept && wanted && *kept >= *wanted && text_member(policy, "Recoverability") == "Disabled";
}

bool has_no_hot_cache(const json& policy) {
  const auto hot = span_of(policy, "DataHotSpan");
  return hot && hot->ticks == 0;
}

bool deletes_itself(const json& policy) {
  return parse_datetime(text_member(policy, "ExpiryDate")).has_value() &&
         is_true(policy, "DeleteIfNotEmpty");
}

bool batches_soon(const json& policy) {
  const auto wait = span_of(policy, "MaximumBatchingTimeSpan");
  const auto wanted = parse_duration(kBatchingTime);
  return wait && wanted && *wait <= *wanted;
}

}  // namespace

bool is_as_staging_wants(std::string_view policy, std::string_view shown) {
  const auto read = parse_json(shown, kPolicyDepthMax);
  if (!read) return false;
  if (policy == "merge") return is_false(*read, "AllowRebuild") && is_false(*read, "AllowMerge");
  // An unset policy (null) would inherit the database's: only an explicit empty list holds tags.
  if (policy == "extent_tags_retention") return read->is_array() && read->empty();
  // Update policies are never inherited: unset is as good as empty.
  if (policy == "update") return read->is_null() || (read->is_array() && read->empty());
  if (policy == "restricted_view_access") return *read == true || is_true(*read, "IsEnabled");
  if (policy == "retention") return keeps_for_ever(*read);
  if (policy == "caching") return has_no_hot_cache(*read);
  if (policy == "auto_delete") return deletes_itself(*read);
  if (policy == kBatchingPolicy) return batches_soon(*read);
  return false;
}

}  // namespace kc::kusto
