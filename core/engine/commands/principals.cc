// Principals and their roles on the cluster, on databases and on tables.
#include <algorithm>
#include <array>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

struct Role {
  std::string_view word, shown;
  bool of_cluster, of_database, of_table;
};
constexpr std::array<Role, 6> kRoles = {{
    {"admins", "Admin", true, true, true},
    {"users", "User", true, true, false},
    {"viewers", "Viewer", true, true, false},
    {"unrestrictedviewers", "UnrestrictedViewer", false, true, false},
    {"ingestors", "Ingestor", false, true, true},
    {"monitors", "Monitor", true, true, false},
}};

struct Owner {
  Scope scope = Scope::cluster;
  std::int64_t id = 0;
  std::string name;
};

std::string role_name(const PrincipalEntry& entry) {
  const auto role = std::find_if(kRoles.begin(), kRoles.end(),
                                 [&](const Role& one) { return one.word == entry.role; });
  const std::string shown = role == kRoles.end() ? entry.role : std::string(role->shown);
  switch (entry.scope) {
    case Scope::cluster:
      return "AllDatabases" + shown;
    case Scope::database:
      return "Database " + shown;
    default:
      return "Table " + shown;
  }
}

std::string type_of(const std::string& principal) {
  if (principal.starts_with("aadapp=")) return "AAD Application";
  return principal.starts_with("aadgroup=") ? "AAD Group" : "AAD User";
}

RowTable principals_table(const std::vector<PrincipalEntry>& entries, const Owner& owner) {
  RowTable answer{{{"Role", kString},
                   {"PrincipalType", kString},
                   {"PrincipalDisplayName", kString},
                   {"PrincipalObjectId", kString},
                   {"PrincipalFQN", kString},
                   {"Notes", kString}},
                  {}};
  for (const auto& entry : entries) {
    if (entry.scope != owner.scope || entry.owner != owner.id) continue;
    const auto start = entry.principal.find('=') + 1;
    const auto object = entry.principal.substr(start, entry.principal.find(';') - start);
    answer.rows.push_back({text_value(role_name(entry)), text_value(type_of(entry.principal)),
                           text_value(object), text_value(object), text_value(entry.principal),
                           text_value(entry.notes)});
  }
  return answer;
}

// `aaduser=…`, `aadapp=…`, `aadgroup=…`
Result<std::vector<std::string>> parse_principals(Command& command) {
  KC_TRY(auto principals, parse_strings(command));
  for (const auto& principal : principals) {
    const bool known = principal.starts_with("aaduser=") || principal.starts_with("aadapp=") ||
                       principal.starts_with("aadgroup=");
    if (!known || principal.size() <= principal.find('=') + 1)
      return bad_request("The principal '" + principal +
                         "' is not understood: aaduser=…, aadgroup=… or aadapp=… is expected.");
  }
  return principals;
}

Answer change_role(Command& command, const Owner& owner, RoleChange change) {
  auto& tokens = command.tokens;
  const auto word = tokens.peek().text;
  const auto role = std::find_if(kRoles.begin(), kRoles.end(), [&](const Role& one) {
    return one.word == word && (owner.scope == Scope::cluster    ? one.of_cluster
                                : owner.scope == Scope::database ? one.of_database
                                                                 : one.of_table);
  });
  if (role == kRoles.end()) return fail(tokens.error("expected a role"));
  tokens.take();
  std::vector<std::string> principals;
  const bool none = change == RoleChange::set && tokens.accept_word("none");
  if (!none) {
    KC_TRY(principals, parse_principals(command));
  }
  tokens.accept_word("skip-results");
  std::string notes;
  if (tokens.peek().kind == TokenKind::string) {
    KC_TRY(notes, tokens.string());
  }
  KC_CHECK_OK(expect_end(command));
  std::vector<PrincipalEntry> left;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto before, view.principals());
    for (const auto& entry : before) {
      if (change == RoleChange::set && entry.scope == owner.scope && entry.owner == owner.id &&
          entry.role == role->word)
        KC_CHECK_OK(view.drop_principal(entry));
    }
    for (const auto& principal : principals) {
      const PrincipalEntry entry{owner.scope, owner.id, std::string(role->word), principal, notes};
      KC_CHECK_OK(change == RoleChange::drop ? view.drop_principal(entry)
                                             : view.add_principal(entry));
    }
    KC_CHECK_OK(note(command, view,
                     {.event = "ALTER-PRINCIPALS",
                      .entity = std::string(role->shown),
                      .container = owner.name}));
    KC_TRY(left, view.principals());
    return {};
  });
  KC_CHECK_OK(checked);
  return principals_table(left, owner);
}

Result<Owner> database_owner(Command& command) {
  KC_TRY(const auto database, database_of(command.session));
  return Owner{Scope::database, database.id, database.name};
}

Answer denied(Command& command, std::string_view what) {
  return access_denied(principal_of_token(command.session.options.token), what);
}

}  // namespace

bool is_role(TokenStream& tokens) {
  return std::any_of(kRoles.begin(), kRoles.end(),
                     [&](const Role& role) { return tokens.is_word(role.word); });
}

Answer change_table_role(Command& command, const std::string& name, RoleChange change) {
  KC_TRY(const auto table, table_of(command.session, name));
  return change_role(command, {Scope::table, table.id, table.name}, change);
}

// The database is the session's.
Answer change_database_role(Command& command, RoleChange change) {
  KC_TRY(const auto owner, database_owner(command));
  const auto principal = principal_of_token(command.session.options.token);
  KC_TRY(const bool allowed, command.host().catalogue->read([&](CatalogueView& view) {
    return may(view, principal, Access::database_admin, owner.id, std::nullopt);
  }));
  if (!allowed)
    return denied(command, "change the principals of the database '" + owner.name + "'");
  return change_role(command, owner, change);
}

Answer add_role(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.accept_word("table")) {
    KC_TRY(const auto name, tokens.name());
    return change_table_role(command, name, RoleChange::add);
  }
  if (tokens.accept_word("database")) {
    KC_TRY(command.session.database, tokens.name());
    return change_database_role(command, RoleChange::add);
  }
  if (!tokens.accept_word("cluster")) return unsupported(command, "this form of '.add'");
  const auto principal = principal_of_token(command.session.options.token);
  KC_TRY(const bool allowed, command.host().catalogue->read([&](CatalogueView& view) {
    return may(view, principal, Access::cluster_admin, std::nullopt, std::nullopt);
  }));
  if (!allowed) return denied(command, "change the principals of the cluster");
  return change_role(command, {}, RoleChange::add);
}

Answer set_database_role(Command& command) {
  KC_TRY(command.session.database, command.tokens.name());
  return change_database_role(command, RoleChange::set);
}
Answer set_table_role(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  return change_table_role(command, name, RoleChange::set);
}
Answer set_cluster_role(Command& command) { return change_role(command, {}, RoleChange::set); }
Answer drop_cluster_role(Command& command) { return change_role(command, {}, RoleChange::drop); }

Answer show_principals(Command& command, Scope scope, std::int64_t owner) {
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto entries,
         command.host().catalogue->read([](CatalogueView& view) { return view.principals(); }));
  return principals_table(entries, {scope, owner, ""});
}

// `.show principal ['aaduser=…'] roles`
Answer show_principal_roles(Command& command) {
  auto& tokens = command.tokens;
  auto wanted = principal_name(command.session);
  const bool own = tokens.peek().kind != TokenKind::string;
  if (!own) {
    KC_TRY(wanted, tokens.string());
  }
  KC_CHECK_OK(tokens.expect_word("roles"));
  KC_CHECK_OK(expect_end(command));
  RowTable answer{
      {{"Scope", kString}, {"DisplayName", kString}, {"AADObjectID", kString}, {"Role", kString}},
      {}};
  const auto add = [&](std::string_view scope, std::string_view name, std::string_view role) {
    answer.rows.push_back(
        {text_value(scope), text_value(name), text_value(wanted), text_value(role)});
  };
  if (own && command.session.options.token.empty()) {
    add("Cluster", command.host().options.name, "Cluster Admin");
    return answer;
  }
  KC_CHECK_OK(command.host().catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto entries, view.principals());
    KC_TRY(const auto databases, view.databases());
    std::map<std::int64_t, std::string> tables;
    for (const auto& database : databases) {
      KC_TRY(const auto found, view.tables(database.id));
      for (const auto& table : found) tables[table.id] = table.name;
    }
    for (const auto& entry : entries) {
      if (entry.principal != wanted && !wanted.starts_with(entry.principal + ";")) continue;
      if (entry.scope == Scope::cluster) {
        add("Cluster", command.host().options.name, role_name(entry));
      } else if (entry.scope == Scope::table) {
        add("Table", tables[entry.owner], role_name(entry));
      } else {
        for (const auto& database : databases) {
          if (database.id == entry.owner) add("Database", database.name, role_name(entry));
        }
      }
    }
    return {};
  }));
  return answer;
}

}  // namespace kc::engine
