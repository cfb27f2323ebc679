// Policies of tables, databases, the cluster and columns: shown, changed and deleted. Their values
// are policy_values.cc's, their effects those of whoever obeys them.
#include <algorithm>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/commands/command.h"
#include "core/engine/commands/policy_values.h"
#include "core/engine/query/run.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

RowTable policy_table() {
  return {{{"PolicyName", kString},
           {"EntityName", kString},
           {"Policy", kString},
           {"ChildEntities", kString},
           {"EntityType", kString}},
          {}};
}

// Whose policy it is, as answers tell it.
struct Entity {
  Scope scope = Scope::table;
  std::int64_t id = 0;
  std::string shown;
  std::string type;
};

Entity table_entity(const CatalogueTable& table, const DatabaseEntry& database) {
  return {Scope::table, table.id, "[" + database.name + "].[" + table.name + "]", "Table"};
}

Result<Entity> scope_entity(Command& command, Scope scope) {
  if (scope == Scope::cluster)
    return Entity{scope, 0, "[" + command.host().options.name + "]", "Cluster"};
  KC_TRY(const auto database, database_of(command.session));
  return Entity{scope, database.id, "[" + database.name + "]", "Database"};
}

void add_row(RowTable& table, const Policy& policy, const Entity& entity, std::string_view value) {
  table.rows.push_back({text_value(policy.name), text_value(entity.shown), text_value(value),
                        text_value(""), text_value(entity.type)});
}

RowTable policy_row(const Policy& policy, const Entity& entity, std::string_view value) {
  auto table = policy_table();
  add_row(table, policy, entity, value);
  return table;
}

Answer show_of(Command& command, const Entity& entity) {
  const bool all = command.tokens.accept("*");
  std::optional<Policy> wanted;
  if (!all) {
    KC_TRY(wanted, parse_policy(command, entity.scope));
  }
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto policies, command.host().catalogue->read([&](CatalogueView& view) {
    return view.scope_policies(entity.scope, entity.id);
  }));
  auto answer = policy_table();
  for (const auto& policy : kPolicies) {
    if (wanted && policy.word != wanted->word) continue;
    const auto found = policies.find(std::string(policy.word));
    if (found == policies.end() && all) continue;
    add_row(answer, policy, entity, found == policies.end() ? "null" : found->second);
  }
  return answer;
}

// Other policies that this one cannot stand beside.
Result<void> check_company(CatalogueView& view, const Entity& entity, const Policy& policy,
                           const std::string& value) {
  const bool on = value.find("\"IsEnabled\":true") != std::string::npos;
  if (!on || entity.scope != Scope::table) return {};
  const bool rows = policy.word == "row_level_security";
  if (!rows && policy.word != "restricted_view_access") return {};
  KC_TRY(const auto policies, view.policies(entity.id));
  const auto other = policies.find(rows ? "restricted_view_access" : "row_level_security");
  if (other == policies.end() || other->second.find("\"IsEnabled\":true") == std::string::npos)
    return {};
  return bad_request(
      "The RowLevelSecurity policy and the RestrictedViewAccess policy cannot both be enabled on "
      "one table.");
}

// The queries inside policies must be queries, over what is there.
Result<void> check_queries(Command& command, const CatalogueTable& table, const Policy& policy,
                           const std::string& value) {
  const auto json = nlohmann::json::parse(value, nullptr, false);
  if (policy.word == "row_level_security" && json.value("IsEnabled", false)) {
    auto bound = bind_query(command.session, json.value("Query", ""));
    if (!bound) return fail(std::move(bound).error().in("the policy's query"));
    const auto columns = columns_of(bound->translated.results.front());
    if (columns != table.schema.columns)
      return bad_request(
          "The query of the RowLevelSecurity policy does not yield the columns of "
          "the table '" +
          table.name + "'.");
  }
  if (policy.word != "update" || !json.is_array()) return {};
  for (const auto& one : json) {
    if (!one.value("IsEnabled", true)) continue;
    const auto source = one["Source"].get<std::string>();
    KC_TRY(const auto from, table_of(command.session, source));
    if (from.id == table.id)
      return bad_request("UpdatePolicy_Cyclic_Update_Not_Allowed: the table '" + table.name +
                         "' cannot be its own source.");
    auto bound = bind_query(command.session, one["Query"].get<std::string>());
    if (!bound) return fail(std::move(bound).error().in("the policy's query"));
    const auto columns = columns_of(bound->translated.results.front());
    const auto& own = table.schema.columns;
    bool same = columns.size() == own.size();
    for (std::size_t i = 0; same && i < own.size(); ++i) same = columns[i].type == own[i].type;
    if (!same)
      return bad_request(
          "UpdatePolicy_QuerySchemaDoesNotMatchTableSchema: the policy's query does "
          "not yield the columns of the table '" +
          table.name + "'.");
  }
  return {};
}

Result<std::string> change(Command& command, const Entity& entity, const Policy& policy,
                           std::string value, bool merge) {
  KC_CHECK_OK(check_policy_value(policy, value));
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    if (merge) {
      KC_TRY(const auto policies, view.scope_policies(entity.scope, entity.id));
      const auto found = policies.find(std::string(policy.word));
      if (found != policies.end()) {
        KC_TRY(value, merge_policy(policy, found->second, value));
      }
    }
    KC_CHECK_OK(check_company(view, entity, policy, value));
    KC_CHECK_OK(view.set_scope_policy(entity.scope, entity.id, policy.word, value));
    return note(
        command, view,
        {.event = "ALTER-POLICY", .entity = std::string(policy.name), .container = entity.shown});
  });
  KC_CHECK_OK(checked);
  return value;
}

Answer erase(Command& command, const Entity& entity) {
  KC_TRY(const auto policy, parse_policy(command, entity.scope));
  KC_CHECK_OK(expect_end(command));
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_CHECK_OK(view.delete_scope_policy(entity.scope, entity.id, policy.word));
    return note(
        command, view,
        {.event = "DELETE-POLICY", .entity = std::string(policy.name), .container = entity.shown});
  });
  KC_CHECK_OK(checked);
  return policy_row(policy, entity, "null");
}

struct ColumnEntity {
  CatalogueTable table;
  Entity entity;
};

Result<ColumnEntity> column_entity(Command& command, const std::string& table,
                                   const std::string& column) {
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(auto found, table_of(command.session, table));
  const auto& columns = found.schema.columns;
  if (std::none_of(columns.begin(), columns.end(),
                   [&](const Column& one) { return one.name == column; }))
    return bad_request("Entity ID '" + table + "." + column + "' of kind 'Column' was not found.");
  Entity entity = table_entity(found, database);
  entity.shown += ".[" + column + "]";
  entity.type = "Column";
  return ColumnEntity{std::move(found), std::move(entity)};
}

constexpr Policy kEncoding{"encoding", "EncodingPolicy", true, true, false};

std::string encoding_json(const std::string& profile) {
  return profile.empty() ? "null" : "{\"Profile\":" + json_string(profile) + "}";
}

Answer set_encoding(Command& command, const std::string& table, const std::string& column,
                    const std::string& profile) {
  KC_TRY(const auto of, column_entity(command, table, column));
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(auto details, view.column_details(of.table.id));
    details[column].encoding = profile;
    KC_CHECK_OK(view.set_column_details(of.table.id, column, details[column]));
    return note(
        command, view,
        {.event = "ALTER-COLUMN-ENCODING-POLICY", .entity = column, .container = of.table.name});
  });
  KC_CHECK_OK(checked);
  return policy_row(kEncoding, of.entity, encoding_json(profile));
}

}  // namespace

Answer show_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database) {
  return show_of(command, table_entity(table, database));
}

Answer alter_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database,
                    bool merge) {
  KC_TRY(const auto policy, parse_policy(command, Scope::table));
  KC_TRY(auto value, parse_policy_value(command, policy));
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(check_policy_value(policy, value));
  KC_CHECK_OK(check_queries(command, table, policy, value));
  const auto entity = table_entity(table, database);
  KC_TRY(value, change(command, entity, policy, std::move(value), merge));
  return policy_row(policy, entity, value);
}

// `.alter tables (A, B) policy …`
Answer alter_tables(Command& command) {
  KC_TRY(const auto names, parse_names(command));
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  KC_TRY(const auto policy, parse_policy(command, Scope::table));
  KC_TRY(const auto value, parse_policy_value(command, policy));
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(check_policy_value(policy, value));
  KC_TRY(const auto database, database_of(command.session));
  std::vector<CatalogueTable> tables;
  for (const auto& name : names) {
    KC_TRY(auto table, table_of(command.session, name));
    KC_CHECK_OK(check_queries(command, table, policy, value));
    tables.push_back(std::move(table));
  }
  auto answer = policy_table();
  for (const auto& table : tables) {
    const auto entity = table_entity(table, database);
    KC_TRY(const auto kept, change(command, entity, policy, value, false));
    add_row(answer, policy, entity, kept);
  }
  return answer;
}

Answer delete_table(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  if (!command.tokens.accept_word("policy"))
    return unsupported(command, "this form of '.delete table'");
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(const auto table, table_of(command.session, name));
  return erase(command, table_entity(table, database));
}

Answer show_scope_policy(Command& command, Scope scope) {
  KC_TRY(const auto entity, scope_entity(command, scope));
  return show_of(command, entity);
}

Answer alter_scope_policy(Command& command, Scope scope, bool merge) {
  KC_TRY(const auto entity, scope_entity(command, scope));
  KC_TRY(const auto policy, parse_policy(command, scope));
  KC_TRY(auto value, parse_policy_value(command, policy));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(value, change(command, entity, policy, std::move(value), merge));
  return policy_row(policy, entity, value);
}

Answer delete_scope_policy(Command& command, Scope scope) {
  KC_TRY(const auto entity, scope_entity(command, scope));
  return erase(command, entity);
}

Answer show_column_policy(Command& command, const std::string& table, const std::string& column) {
  KC_CHECK_OK(command.tokens.expect_word("encoding"));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto of, column_entity(command, table, column));
  KC_TRY(auto details, command.host().catalogue->read(
                           [&](CatalogueView& view) { return view.column_details(of.table.id); }));
  return policy_row(kEncoding, of.entity, encoding_json(details[column].encoding));
}

// `encoding type='BigObject32'`; without a type the standard one again.
Answer alter_column_policy(Command& command, const std::string& table, const std::string& column) {
  auto& tokens = command.tokens;
  KC_CHECK_OK(tokens.expect_word("encoding"));
  std::string profile;
  if (tokens.accept_word("type")) {
    KC_CHECK_OK(tokens.expect("="));
    KC_TRY(profile, tokens.string());
    static const std::vector<std::string> kProfiles = {"identifier", "bigobject", "bigobject32",
                                                       "vector16", "null"};
    const auto word = lower(profile);
    if (std::find(kProfiles.begin(), kProfiles.end(), word) == kProfiles.end())
      return bad_request("The encoding profile '" + profile + "' is unknown.");
    if (word == "null") profile.clear();
  }
  KC_CHECK_OK(expect_end(command));
  return set_encoding(command, table, column, profile);
}

Answer delete_column_policy(Command& command, const std::string& table, const std::string& column) {
  KC_CHECK_OK(command.tokens.expect_word("encoding"));
  KC_CHECK_OK(expect_end(command));
  return set_encoding(command, table, column, "");
}

}  // namespace kc::engine
