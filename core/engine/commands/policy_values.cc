#include "core/engine/commands/policy_values.h"

#include <algorithm>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/ticks.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Result<std::int64_t> parse_ticks(Command& command) {
  auto& tokens = command.tokens;
  const auto& token = tokens.peek();
  std::int64_t ticks = token.integer;
  if (token.kind == TokenKind::typed) {
    KC_TRY(const auto literal, parse_typed_literal(token.type, token.text));
    ticks = literal.integer;
  } else if (token.kind != TokenKind::timespan) {
    return fail(tokens.error("expected a timespan"));
  }
  tokens.take();
  return ticks;
}

// `hot = 30d`, `hotdata = 30d hotindex = 30d`
Result<std::string> parse_caching(Command& command) {
  std::string data, index;
  auto& tokens = command.tokens;
  while (tokens.peek().kind == TokenKind::identifier) {
    const auto word = tokens.take().text;
    if (word != "hot" && word != "hotdata" && word != "hotindex")
      return unsupported(command, "the caching clause '" + word + "'");
    KC_CHECK_OK(tokens.expect("="));
    KC_TRY(const auto ticks, parse_ticks(command));
    const auto text = format_timespan({ticks});
    if (word != "hotindex") data = text;
    if (word != "hotdata") index = text;
    tokens.accept(",");
  }
  return "{\"DataHotSpan\":{\"Value\":\"" + data + "\"},\"IndexHotSpan\":{\"Value\":\"" + index +
         "\"},\"ColumnOverrides\":[]}";
}

// `softdelete = 10d recoverability = enabled`
Result<std::string> parse_retention(Command& command) {
  auto& tokens = command.tokens;
  ordered_json value = ordered_json::object();
  while (tokens.peek().kind == TokenKind::identifier) {
    const auto word = tokens.take().text;
    KC_CHECK_OK(tokens.expect("="));
    if (word == "softdelete") {
      KC_TRY(const auto ticks, parse_ticks(command));
      value["SoftDeletePeriod"] = format_timespan({ticks});
    } else if (word == "recoverability") {
      const auto state = tokens.take().text;
      if (state != "enabled" && state != "disabled")
        return bad_request("Recoverability is enabled or disabled.");
      value["Recoverability"] = state == "enabled" ? "Enabled" : "Disabled";
    } else {
      return unsupported(command, "the retention clause '" + word + "'");
    }
  }
  return value.dump();
}

// `(a asc, b desc)`
Result<std::string> parse_row_order(Command& command) {
  auto& tokens = command.tokens;
  auto keys = ordered_json::array();
  KC_CHECK_OK(tokens.expect("("));
  do {
    KC_TRY(const auto column, tokens.name());
    const bool ascending = tokens.accept_word("asc");
    if (!ascending) KC_CHECK_OK(tokens.expect_word("desc"));
    keys.push_back({{"ColumnName", column}, {"SortOrder", ascending ? "asc" : "desc"}});
  } while (tokens.accept(","));
  KC_CHECK_OK(tokens.expect(")"));
  return ordered_json{{"RowOrder", keys}}.dump();
}

Result<std::string> parse_switch(Command& command, const Policy& policy) {
  auto& tokens = command.tokens;
  const bool enable = tokens.accept_word("enable");
  if (!enable) KC_CHECK_OK(tokens.expect_word("disable"));
  ordered_json value = {{"IsEnabled", enable}};
  if (policy.word == "streamingingestion") value["HintAllocatedRate"] = nullptr;
  if (policy.word == "row_level_security") {
    KC_TRY(const auto properties, parse_properties(command));
    KC_TRY(value["Query"], tokens.string());
  }
  return value.dump();
}

Failure wrong(const Policy& policy, const std::string& what) {
  return bad_request("The policy '" + std::string(policy.name) + "' is not valid: " + what + ".");
}

enum class Member { flag, number, timespan, datetime, text, object, array };

bool is(const json& value, Member kind) {
  switch (kind) {
    case Member::flag:
      return value.is_boolean();
    case Member::number:
      return value.is_number();
    case Member::timespan:
      return value.is_string() && parse_duration(value.get<std::string>()).has_value();
    case Member::datetime:
      return value.is_string() && parse_datetime(value.get<std::string>()).has_value();
    case Member::text:
      return value.is_string();
    case Member::object:
      return value.is_object();
    default:
      return value.is_array();
  }
}

struct Shape {
  std::string_view policy, member;
  Member kind;
};
constexpr Shape kShapes[] = {
    {"retention", "SoftDeletePeriod", Member::timespan},
    {"retention", "Recoverability", Member::text},
    {"ingestiontime", "IsEnabled", Member::flag},
    {"restricted_view_access", "IsEnabled", Member::flag},
    {"streamingingestion", "IsEnabled", Member::flag},
    {"streamingingestion", "HintAllocatedRate", Member::number},
    {"row_level_security", "IsEnabled", Member::flag},
    {"row_level_security", "Query", Member::text},
    {"auto_delete", "ExpiryDate", Member::datetime},
    {"auto_delete", "DeleteIfNotEmpty", Member::flag},
    {"ingestionbatching", "MaximumBatchingTimeSpan", Member::timespan},
    {"ingestionbatching", "MaximumNumberOfItems", Member::number},
    {"ingestionbatching", "MaximumRawDataSizeMB", Member::number},
    {"merge", "RowCountUpperBoundForMerge", Member::number},
    {"merge", "OriginalSizeMBUpperBoundForMerge", Member::number},
    {"merge", "MaxExtentsToMerge", Member::number},
    {"merge", "LoopPeriod", Member::timespan},
    {"merge", "MaxRangeInHours", Member::number},
    {"merge", "AllowRebuild", Member::flag},
    {"merge", "AllowMerge", Member::flag},
    {"merge", "Lookback", Member::object},
    {"sharding", "MaxRowCount", Member::number},
    {"sharding", "MaxExtentSizeInMb", Member::number},
    {"sharding", "MaxOriginalSizeInMb", Member::number},
    {"sharding", "ShardEngineMaxRowCount", Member::number},
    {"sharding", "ShardEngineMaxExtentSizeInMb", Member::number},
    {"sharding", "ShardEngineMaxOriginalSizeInMb", Member::number},
    {"sharding", "UseShardEngine", Member::flag},
    {"update", "IsEnabled", Member::flag},
    {"update", "Source", Member::text},
    {"update", "SourceIsWildCard", Member::flag},
    {"update", "Query", Member::text},
    {"update", "IsTransactional", Member::flag},
    {"update", "PropagateIngestionProperties", Member::flag},
    {"update", "ManagedIdentity", Member::text},
    {"extent_tags_retention", "TagPrefix", Member::text},
    {"extent_tags_retention", "RetentionPeriod", Member::timespan},
};

// Policies whose members are all known refuse others: a misspelt one would be silently without
// effect.
Result<void> check_members(const Policy& policy, const json& object) {
  if (!object.is_object()) return wrong(policy, "a JSON object is expected");
  const auto known = [&](std::string_view member) {
    return std::find_if(std::begin(kShapes), std::end(kShapes), [&](const Shape& shape) {
      return shape.policy == policy.word && (member.empty() || shape.member == member);
    });
  };
  if (known({}) == std::end(kShapes)) return {};
  for (const auto& [name, value] : object.items()) {
    const auto shape = known(name);
    if (shape == std::end(kShapes)) return wrong(policy, "it has no member '" + name + "'");
    if (!value.is_null() && !is(value, shape->kind))
      return wrong(policy, "the member '" + name + "' has a value of the wrong type");
  }
  return {};
}

Result<void> check_range(const Policy& policy, const json& value, const char* name, double low,
                         double high) {
  if (!value.contains(name) || !value[name].is_number()) return {};
  const auto number = value[name].get<double>();
  if (number >= low && number <= high) return {};
  return wrong(policy, std::string("'") + name + "' is outside its limits");
}

Result<void> check_batching(const Policy& policy, const json& value) {
  KC_CHECK_OK(check_range(policy, value, "MaximumNumberOfItems", 1, 25'000));
  KC_CHECK_OK(check_range(policy, value, "MaximumRawDataSizeMB", 100, 4096));
  if (!value.contains("MaximumBatchingTimeSpan")) return {};
  const auto span = parse_duration(value["MaximumBatchingTimeSpan"].get<std::string>());
  constexpr auto kLow = Timespan::seconds(10), kHigh = Timespan::seconds(30 * 60);
  if (span && span->ticks >= kLow.ticks && span->ticks <= kHigh.ticks) return {};
  return wrong(policy, "'MaximumBatchingTimeSpan' is outside its limits");
}

Result<void> check_each(const Policy& policy, const json& value) {
  if (!value.is_array()) return wrong(policy, "a JSON array is expected");
  for (const auto& one : value) {
    KC_CHECK_OK(check_members(policy, one));
    if (policy.word == "update") {
      if (!one.contains("Source") || !one.contains("Query"))
        return wrong(policy, "each of its items has a Source and a Query");
      continue;
    }
    if (!one.contains("TagPrefix") || !one.contains("RetentionPeriod"))
      return wrong(policy, "each of its items has a TagPrefix and a RetentionPeriod");
    const auto prefix = one["TagPrefix"].get<std::string>();
    if (prefix.size() < 2 || prefix.find(':') != prefix.size() - 1)
      return wrong(policy, "a TagPrefix has one ':', at its end");
  }
  return {};
}

// `7:00:00:00`, as a connector writes seven days.
std::string dotted_days(std::string text) {
  const auto first = text.find(':');
  if (std::count(text.begin(), text.end(), ':') == 3) text[first] = '.';
  return text;
}

// Connectors send flags as texts. A member that is null is as good as none, except where null is
// its documented value.
void canonical_flags(const Policy& policy, ordered_json& value) {
  std::vector<std::string> nulls;
  for (const auto& [name, member] : value.items()) {
    if (member.is_null() && name != "HintAllocatedRate") nulls.push_back(name);
  }
  for (const auto& name : nulls) value.erase(name);
  for (auto& [name, member] : value.items()) {
    const auto shape =
        std::find_if(std::begin(kShapes), std::end(kShapes), [&, key = name](const Shape& one) {
          return one.policy == policy.word && one.member == key && one.kind == Member::flag;
        });
    if (shape == std::end(kShapes) || !member.is_string()) continue;
    const auto word = lower(member.get<std::string>());
    if (word == "true" || word == "false") member = word == "true";
  }
}

// `10d` and `10.00:00:00` are one.
void canonical_timespans(ordered_json& value) {
  for (auto& [name, member] : value.items()) {
    const bool span = name == "SoftDeletePeriod" || name == "RetentionPeriod" ||
                      name == "MaximumBatchingTimeSpan" || name == "LoopPeriod";
    if (!span || !member.is_string()) continue;
    if (const auto ticks = parse_duration(dotted_days(member.get<std::string>())))
      member = format_timespan({ticks->ticks});
  }
}

}  // namespace

Result<Policy> parse_policy(Command& command, Scope scope) {
  const auto word = command.tokens.peek().text;
  const auto found = std::find_if(kPolicies.begin(), kPolicies.end(), [&](const Policy& policy) {
    return policy.word == word && (scope == Scope::table      ? policy.of_table
                                   : scope == Scope::database ? policy.of_database
                                                              : policy.of_cluster);
  });
  if (found == kPolicies.end()) return unsupported(command, "the policy '" + word + "'");
  command.tokens.take();
  return *found;
}

Result<std::string> parse_policy_value(Command& command, const Policy& policy) {
  auto& tokens = command.tokens;
  const bool word = tokens.peek().kind == TokenKind::identifier;
  if (policy.word == "caching" && word) return parse_caching(command);
  if (policy.word == "retention" && word) return parse_retention(command);
  if (policy.word == "roworder" && tokens.is("(")) return parse_row_order(command);
  if (tokens.is_word("enable") || tokens.is_word("disable")) return parse_switch(command, policy);
  for (const auto* yes : {"true", "True"}) {
    if (tokens.accept_word(yes)) return std::string("{\"IsEnabled\":true}");
  }
  for (const auto* no : {"false", "False"}) {
    if (tokens.accept_word(no)) return std::string("{\"IsEnabled\":false}");
  }
  if (tokens.peek().kind != TokenKind::string)
    return unsupported(command, "this value of the policy '" + std::string(policy.word) + "'");
  KC_TRY(const auto text, tokens.string());
  if (!compact_json(text)) return bad_request("The policy is no valid JSON.");
  auto value = ordered_json::parse(text, nullptr, false);
  if (value.is_object()) {
    canonical_timespans(value);
    canonical_flags(policy, value);
  }
  if (value.is_array()) {
    for (auto& one : value) {
      if (!one.is_object()) continue;
      canonical_timespans(one);
      canonical_flags(policy, one);
    }
  }
  return value.dump();
}

Result<void> check_policy_value(const Policy& policy, const std::string& text) {
  const auto value = json::parse(text, nullptr, false);
  if (value.is_null()) return {};
  if (policy.word == "update" || policy.word == "extent_tags_retention")
    return check_each(policy, value);
  if (policy.word == "managed_identity" || policy.word == "request_classification") return {};
  KC_CHECK_OK(check_members(policy, value));
  if (policy.word == "ingestionbatching") return check_batching(policy, value);
  if (policy.word == "auto_delete" && !value.contains("ExpiryDate"))
    return wrong(policy, "an ExpiryDate is expected");
  if (policy.word == "retention" && value.contains("Recoverability")) {
    const auto state = value["Recoverability"].get<std::string>();
    if (state != "Enabled" && state != "Disabled")
      return wrong(policy, "Recoverability is Enabled or Disabled");
  }
  if (policy.word == "merge")
    return check_range(policy, value, "MaxRangeInHours", 1, 24 * 365 * 10);
  return {};
}

Result<std::string> merge_policy(const Policy& policy, const std::string& old,
                                 const std::string& changes) {
  auto before = ordered_json::parse(old, nullptr, false);
  const auto change = ordered_json::parse(changes, nullptr, false);
  // Lists grow: `.alter-merge … policy update` appends.
  if (before.is_array() && change.is_array() && policy.word == "update") {
    for (const auto& one : change) before.push_back(one);
    return before.dump();
  }
  return merge_json(old, changes);
}

}  // namespace kc::engine
