// Commands whose object is a database: made, dropped, its mappings, policies and roles.
#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

RowTable created(const std::string& name) {
  return {{{"DatabaseName", kString},
           {"PersistentPath", kString},
           {"Created", kString},
           {"StoresMetadata", ScalarType::bool_},
           {"StoresData", ScalarType::bool_}},
          {{text_value(name), text_value(""), text_value("True"), true, true}}};
}

// The name, where the command gives one, becomes the database of the session.
Result<void> parse_database(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.is_word("policy") || tokens.is_word("ingestion")) return {};
  KC_TRY(command.session.database, tokens.name());
  KC_CHECK_OK(database_of(command.session));
  return {};
}

}  // namespace

Answer create_database(Command& command) {
  auto& tokens = command.tokens;
  KC_TRY(const auto name, tokens.name());
  if (tokens.accept_word("ingestion")) {
    command.session.database = name;
    return put_database_mapping(command, MappingMode::create);
  }
  KC_CHECK_OK(check_entity_name(name));
  if (tokens.accept_word("persist")) {
    // Accepted; data stays in the engine's own folder.
    KC_CHECK_OK(parse_strings(command));
  } else {
    tokens.accept_word("volatile");
  }
  const bool keeps = tokens.accept_word("ifnotexists");
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    if (view.database(name)) {
      if (keeps) return {};
      return bad_request("Database '" + name + "' already exists.");
    }
    DatabaseEntry entry;
    entry.name = name;
    entry.guid = host.new_id();
    entry.created = entry.cursor = host.now();
    KC_CHECK_OK(view.add_database(entry));
    return note(command, view, {.event = "CREATE-DATABASE", .database = name, .entity = name});
  });
  KC_CHECK_OK(checked);
  return created(name);
}

Answer create_or_alter_database(Command& command) {
  KC_CHECK_OK(parse_database(command));
  KC_CHECK_OK(command.tokens.expect_word("ingestion"));
  return put_database_mapping(command, MappingMode::create_or_alter);
}

Answer alter_database(Command& command) {
  KC_CHECK_OK(parse_database(command));
  auto& tokens = command.tokens;
  if (tokens.accept_word("ingestion")) return put_database_mapping(command, MappingMode::alter);
  if (tokens.accept_word("policy")) return alter_scope_policy(command, Scope::database, false);
  if (tokens.accept_word("prettyname")) return unsupported(command, "a database's pretty name");
  return unsupported(command, "this form of '.alter database'");
}

Answer alter_merge_database(Command& command) {
  KC_CHECK_OK(parse_database(command));
  auto& tokens = command.tokens;
  if (tokens.accept_word("ingestion")) return put_database_mapping(command, MappingMode::merge);
  KC_CHECK_OK(tokens.expect_word("policy"));
  return alter_scope_policy(command, Scope::database, true);
}

Answer delete_database(Command& command) {
  KC_CHECK_OK(parse_database(command));
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  return delete_scope_policy(command, Scope::database);
}

Answer drop_database(Command& command) {
  KC_CHECK_OK(parse_database(command));
  auto& tokens = command.tokens;
  if (tokens.accept_word("ingestion")) return drop_database_mapping(command);
  if (is_role(tokens)) return change_database_role(command, RoleChange::drop);
  return unsupported(command, "dropping a database");
}

Answer alter_cluster(Command& command) {
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  return alter_scope_policy(command, Scope::cluster, false);
}
Answer alter_merge_cluster(Command& command) {
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  return alter_scope_policy(command, Scope::cluster, true);
}
Answer delete_cluster(Command& command) {
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  return delete_scope_policy(command, Scope::cluster);
}

}  // namespace kc::engine
