// Table policies: kept as text, shown as the protocol shows them.
#include <algorithm>
#include <array>

#include "core/base/ticks.h"
#include "core/engine/commands/command.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

struct Policy {
  std::string_view word, name;
};
constexpr std::array<Policy, 15> kPolicies = {{
    {"ingestiontime", "IngestionTimePolicy"},
    {"retention", "RetentionPolicy"},
    {"caching", "CachingPolicy"},
    {"merge", "ExtentsMergePolicy"},
    {"sharding", "ShardingPolicy"},
    {"update", "UpdatePolicy"},
    {"auto_delete", "AutoDeletePolicy"},
    {"ingestionbatching", "IngestionBatchingPolicy"},
    {"streamingingestion", "StreamingIngestionPolicy"},
    {"restricted_view_access", "RestrictedViewAccessPolicy"},
    {"row_level_security", "RowLevelSecurityPolicy"},
    {"extent_tags_retention", "ExtentTagsRetentionPolicy"},
    {"partitioning", "PartitioningPolicy"},
    {"roworder", "RowOrderPolicy"},
    {"encoding", "EncodingPolicy"},
}};

Result<Policy> parse_policy(Command& command) {
  const auto word = command.tokens.peek().text;
  const auto found = std::find_if(kPolicies.begin(), kPolicies.end(),
                                  [&](const Policy& policy) { return policy.word == word; });
  if (found == kPolicies.end()) return unsupported(command, "the policy '" + word + "'");
  command.tokens.take();
  return *found;
}

RowTable policy_row(const Policy& policy, const std::string& database, const std::string& table,
                    const std::string& value) {
  constexpr auto kString = ScalarType::string_;
  return {{{"PolicyName", kString},
           {"EntityName", kString},
           {"Policy", kString},
           {"ChildEntities", kString},
           {"EntityType", kString}},
          {{text_value(policy.name), text_value("[" + database + "].[" + table + "]"),
            text_value(value), text_value(""), text_value("Table")}}};
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
    const auto& token = tokens.peek();
    std::int64_t ticks = token.integer;
    if (token.kind == TokenKind::typed) {
      KC_TRY(const auto literal, parse_typed_literal(token.type, token.text));
      ticks = literal.integer;
    } else if (token.kind != TokenKind::timespan) {
      return fail(tokens.error("expected a timespan"));
    }
    tokens.take();
    const auto text = format_timespan({ticks});
    if (word != "hotindex") data = text;
    if (word != "hotdata") index = text;
  }
  return "{\"DataHotSpan\":{\"Value\":\"" + data + "\"},\"IndexHotSpan\":{\"Value\":\"" + index +
         "\"},\"ColumnOverrides\":[]}";
}

// `enable "query"`, `softdelete = 10d`: kept as an object where the protocol has no JSON for it.
Result<std::string> parse_value(Command& command, const Policy& policy) {
  auto& tokens = command.tokens;
  if (policy.word == "caching" && tokens.peek().kind == TokenKind::identifier)
    return parse_caching(command);
  if (tokens.peek().kind == TokenKind::string) {
    KC_TRY(const auto text, tokens.string());
    const auto json = compact_json(text);
    if (!json) return bad_request("The policy is no valid JSON.");
    return *json;
  }
  if (tokens.accept_word("true") || tokens.accept_word("True"))
    return std::string("{\"IsEnabled\":true}");
  if (tokens.accept_word("false") || tokens.accept_word("False"))
    return std::string("{\"IsEnabled\":false}");
  const bool enable = tokens.accept_word("enable");
  if (enable || tokens.accept_word("disable")) {
    std::string json = enable ? "{\"IsEnabled\":true" : "{\"IsEnabled\":false";
    if (tokens.peek().kind == TokenKind::string) {
      KC_TRY(const auto query, tokens.string());
      json += ",\"Query\":" + json_string(query);
    }
    return json + "}";
  }
  return unsupported(command, "this value of the policy '" + std::string(policy.word) + "'");
}

}  // namespace

Answer show_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database) {
  KC_TRY(const auto policy, parse_policy(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto policies, command.host().catalogue->read(
                                  [&](CatalogueView& view) { return view.policies(table.id); }));
  const auto found = policies.find(std::string(policy.word));
  return policy_row(policy, database.name, table.name,
                    found == policies.end() ? "null" : found->second);
}

Answer alter_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database,
                    bool merge) {
  KC_TRY(const auto policy, parse_policy(command));
  KC_TRY(auto value, parse_value(command, policy));
  KC_CHECK_OK(expect_end(command));
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    if (merge) {
      KC_TRY(const auto policies, view.policies(table.id));
      const auto found = policies.find(std::string(policy.word));
      if (found != policies.end()) {
        KC_TRY(value, merge_json(found->second, value));
      }
    }
    return view.set_policy(table.id, policy.word, value);
  });
  KC_CHECK_OK(checked);
  return policy_row(policy, database.name, table.name, value);
}

Answer delete_table_policy(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(const auto table, table_of(command.session, name));
  KC_TRY(const auto policy, parse_policy(command));
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(command.host().catalogue->change(
      [&](CatalogueView& view) { return view.delete_policy(table.id, policy.word); }));
  return policy_row(policy, database.name, table.name, "null");
}

}  // namespace kc::engine
