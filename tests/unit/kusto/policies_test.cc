#include "core/kusto/policies.h"

#include <gtest/gtest.h>

#include "core/kusto/text.h"

namespace kc::kusto {
namespace {

struct Case {
  const char* policy;
  const char* shown;
  bool right;
};

TEST(StagingPolicy, IsRightOnlyAsItWasSet) {
  const Case cases[] = {
      {"merge", R"({"AllowRebuild":false,"AllowMerge":false,"MaxRangeInHours":24})", true},
      {"merge", R"({"AllowRebuild":false,"AllowMerge":true})", false},
      {"merge", R"({"AllowMerge":false})", false},
      {"merge", "null", false},
      {"extent_tags_retention", "[]", true},
      {"extent_tags_retention", "null", false},
      {"extent_tags_retention", R"([{"TagPrefix":"drop-by:","RetentionPeriod":"3.00:00:00"}])",
       false},
      {"update", "[]", true},
      {"update", "null", true},
      {"update", R"([{"IsEnabled":true}])", false},
      {"restricted_view_access", "true", true},
      {"restricted_view_access", R"({"IsEnabled":true})", true},
      {"restricted_view_access", "false", false},
      {"restricted_view_access", "null", false},
      {"retention", R"({"SoftDeletePeriod":"365000.00:00:00","Recoverability":"Disabled"})", true},
      {"retention", R"({"SoftDeletePeriod":"365.00:00:00","Recoverability":"Disabled"})", false},
      {"retention", R"({"SoftDeletePeriod":"365000.00:00:00","Recoverability":"Enabled"})", false},
      {"retention", "null", false},
      {"ingestionbatching", R"({"MaximumBatchingTimeSpan":"00:00:10","MaximumNumberOfItems":500})",
       true},
      {"ingestionbatching", R"({"MaximumBatchingTimeSpan":"00:05:00"})", false},
      {"ingestionbatching", "null", false},
      {"caching", R"({"DataHotSpan":"00:00:00","IndexHotSpan":"00:00:00"})", true},
      {"caching", R"({"DataHotSpan":{"Value":"00:00:00"},"IndexHotSpan":{"Value":"00:00:00"}})",
       true},
      {"caching", R"({"DataHotSpan":"31.00:00:00"})", false},
      {"caching", "null", false},
      {"auto_delete", R"({"ExpiryDate":"2024-03-01T00:00:00Z","DeleteIfNotEmpty":true})", true},
      {"auto_delete", R"({"ExpiryDate":"2024-03-01T00:00:00Z","DeleteIfNotEmpty":false})", false},
      {"auto_delete", R"({"DeleteIfNotEmpty":true})", false},
      {"auto_delete", "null", false},
      {"merge", "", false},
      {"merge", "{", false},
      {"merge", "[]", false},
      {"unheard_of", "true", false},
  };
  for (const Case& one : cases)
    EXPECT_EQ(is_as_staging_wants(one.policy, one.shown), one.right) << one.policy << one.shown;
}

}  // namespace
}  // namespace kc::kusto
