// Commands that make, change and remove tables.
#include <algorithm>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

// What `.create-merge` makes of two schemas: the old columns, then the new ones that are not among
// them.
Result<std::vector<Column>> merged(const CatalogueTable& table,
                                   const std::vector<Column>& columns) {
  auto all = table.schema.columns;
  for (const auto& column : columns) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Column& old) { return old.name == column.name; });
    if (found == all.end()) {
      all.push_back(column);
    } else if (found->type != column.type) {
      return bad_request("The column '" + column.name + "' of table '" + table.name +
                         "' has type '" + std::string(to_string(found->type)) + "', not '" +
                         std::string(to_string(column.type)) + "'.");
    }
  }
  return all;
}

struct Definition {
  std::string name;
  std::vector<Column> columns;
};

Result<Definition> parse_definition(Command& command) {
  Definition definition;
  KC_TRY(definition.name, command.tokens.name());
  KC_CHECK_OK(check_entity_name(definition.name));
  KC_TRY(definition.columns, parse_columns(command));
  return definition;
}

Result<CatalogueTable> make(Command& command, CatalogueView& view, const Definition& definition,
                            const Properties& properties, bool merge) {
  KC_TRY(const auto database, view.database(command.session.database));
  auto found = view.table(database, definition.name);
  if (found) {
    if (!merge) return *found;
    KC_TRY(auto columns, merged(*found, definition.columns));
    auto table = *found;
    table.schema.columns = std::move(columns);
    apply_table_properties(table, properties);
    if (!(table.schema == found->schema)) KC_CHECK_OK(view.set_table(table));
    return table;
  }
  CatalogueTable table;
  table.database = database.id;
  table.name = definition.name;
  table.guid = command.host().new_id();
  table.schema.columns = definition.columns;
  apply_table_properties(table, properties);
  KC_TRY(table.hidden, bool_property(properties, "hidden", false));
  KC_TRY(table.id, view.add_table(table));
  KC_CHECK_OK(own_table(command, view, table));
  KC_CHECK_OK(note(command, view,
                   {.event = "CREATE-TABLE", .entity = table.name, .container = database.name}));
  return table;
}

// `N based-on O [ifnotexists] [with (…)]`: columns, details and policies of the old one, except
// its update policy and its principals.
Answer create_based_on(Command& command, const std::string& name) {
  auto& tokens = command.tokens;
  KC_CHECK_OK(check_entity_name(name));
  KC_TRY(const auto original, tokens.name());
  const bool if_not_exists = tokens.accept_word("ifnotexists");
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  CatalogueTable table;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    KC_TRY(const auto old, view.table(database, original));
    if (auto found = view.table(database, name)) {
      if (!if_not_exists) return bad_request("A table named '" + name + "' already exists.");
      table = std::move(*found);
      return {};
    }
    table = old;
    table.name = name;
    table.guid = command.host().new_id();
    apply_table_properties(table, properties);
    KC_TRY(table.hidden, bool_property(properties, "hidden", old.hidden));
    KC_TRY(table.id, view.add_table(table));
    KC_TRY(const auto policies, view.policies(old.id));
    for (const auto& [policy, value] : policies) {
      if (policy != "update") KC_CHECK_OK(view.set_policy(table.id, policy, value));
    }
    KC_TRY(const auto details, view.column_details(old.id));
    for (const auto& [column, detail] : details)
      KC_CHECK_OK(view.set_column_details(table.id, column, detail));
    return own_table(command, view, table);
  });
  KC_CHECK_OK(checked);
  return schema_row(table, command.session.database, false);
}

Answer create(Command& command, bool merge) {
  KC_TRY(const auto definition, parse_definition(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  CatalogueTable table;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(table, make(command, view, definition, properties, merge));
    return {};
  });
  KC_CHECK_OK(checked);
  return schema_row(table, command.session.database, false);
}

Result<void> drop(Command& command, const std::vector<std::string>& names, bool if_exists) {
  std::vector<std::string> files;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    files.clear();
    KC_TRY(const auto database, view.database(command.session.database));
    for (const auto& name : names) {
      const auto table = view.table(database, name);
      if (!table && if_exists && table.error().kind == ErrorKind::not_found) continue;
      if (!table) return fail(table.error());
      KC_CHECK_OK(check_table_access(command.session, view, *table));
      KC_TRY(const auto freed, view.drop_table(table->id));
      KC_CHECK_OK(
          note(command, view, {.event = "DROP-TABLE", .entity = name, .container = database.name}));
      files.insert(files.end(), freed.begin(), freed.end());
    }
    return {};
  });
  KC_CHECK_OK(checked);
  command.host().files->doom(files);
  return {};
}

Answer remaining(Command& command) {
  KC_TRY(auto tables, list_tables(command.session));
  tables.columns.resize(2);
  for (auto& row : tables.rows) row.resize(2);
  return tables;
}

using Renames = std::vector<std::pair<std::string, std::string>>;  // new, old

// All at once, so that swaps and permutations work: first away from every old name, then onto the
// new ones.
Result<void> rename(Command& command, const Renames& renames, bool if_exists) {
  return command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    std::vector<std::pair<CatalogueTable, std::string>> moved;
    for (const auto& [to, from] : renames) {
      auto table = view.table(database, from);
      if (!table && if_exists && table.error().kind == ErrorKind::not_found) continue;
      if (!table) return fail(table.error());
      KC_CHECK_OK(check_table_access(command.session, view, *table));
      KC_CHECK_OK(check_entity_name(to));
      moved.emplace_back(*table, to);
      table->name = "\x01renaming " + std::to_string(table->id);
      KC_CHECK_OK(view.set_table(*table));
    }
    for (auto& [table, to] : moved) {
      if (view.table(database, to))
        return bad_request("A table named '" + to + "' already exists.");
      const auto from = std::exchange(table.name, to);
      KC_CHECK_OK(view.set_table(table));
      KC_CHECK_OK(note(command, view,
                       {.event = "RENAME-TABLE",
                        .entity = from,
                        .updated_entity = to,
                        .container = database.name}));
    }
    return {};
  });
}

}  // namespace

// `.create table T …`: columns, another table's, or a mapping of T.
Answer create_table(Command& command) {
  auto& tokens = command.tokens;
  const auto mark = tokens.mark();
  KC_TRY(const auto name, tokens.name());
  if (tokens.accept_word("ingestion")) return put_table_mapping(command, name, MappingMode::create);
  if (tokens.peek_hyphenated() == "based-on") {
    tokens.take_hyphenated();
    return create_based_on(command, name);
  }
  tokens.reset(mark);
  return create(command, false);
}
Answer create_merge_table(Command& command) { return create(command, true); }

// Both `.create tables` and `.create-merge tables`: of a table that exists only the latter changes
// anything.
Answer create_tables(Command& command) {
  std::vector<Definition> definitions;
  do {
    KC_TRY(auto definition, parse_definition(command));
    definitions.push_back(std::move(definition));
  } while (command.tokens.accept(","));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  std::vector<CatalogueTable> tables;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    tables.clear();
    for (const auto& definition : definitions) {
      KC_TRY(auto table,
             make(command, view, definition, properties, command.kind == "TablesCreateMerge"));
      tables.push_back(std::move(table));
    }
    return {};
  });
  KC_CHECK_OK(checked);
  return table_list(tables, command.session.database);
}

Answer alter_merge_table(Command& command) {
  auto& tokens = command.tokens;
  KC_TRY(const auto name, tokens.name());
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(const auto found, table_of(command.session, name));
  if (tokens.accept_word("policy")) return alter_policy(command, found, database, true);
  if (tokens.accept_word("ingestion")) return put_table_mapping(command, name, MappingMode::merge);
  if (tokens.accept_word("extent"))
    return alter_extent_tags(command, found, TagChange::merge, false);
  if (tokens.peek_hyphenated() == "column-docstrings") {
    tokens.take_hyphenated();
    return alter_column_docstrings(command, name, true);
  }
  KC_TRY(const auto columns, parse_columns(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  CatalogueTable table;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(table, make(command, view, {name, columns}, properties, true));
    return {};
  });
  KC_CHECK_OK(checked);
  return schema_row(table, database.name, false);
}

Answer alter_table(Command& command) {
  auto& tokens = command.tokens;
  KC_TRY(const auto name, tokens.name());
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(auto table, table_of(command.session, name));
  if (tokens.accept_word("policy")) return alter_policy(command, table, database, false);
  if (tokens.accept_word("ingestion")) return put_table_mapping(command, name, MappingMode::alter);
  if (tokens.accept_word("extent")) return alter_extent_tags(command, table, TagChange::set, false);
  if (tokens.is("(")) return alter_table_columns(command, name);
  if (tokens.peek_hyphenated() == "column-docstrings") {
    tokens.take_hyphenated();
    return alter_column_docstrings(command, name, false);
  }
  if (tokens.accept_word("docstring")) {
    KC_TRY(table.schema.docstring, tokens.string());
  } else if (tokens.accept_word("folder")) {
    KC_TRY(table.schema.folder, tokens.string());
  } else {
    return unsupported(command, "this form of '.alter table'");
  }
  KC_CHECK_OK(expect_end(command));
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_CHECK_OK(view.set_table(table));
    return note(command, view,
                {.event = "ALTER-TABLE", .entity = name, .container = database.name});
  });
  KC_CHECK_OK(checked);
  return schema_row(table, database.name, false);
}

Answer drop_table(Command& command) {
  auto& tokens = command.tokens;
  KC_TRY(const auto name, tokens.name());
  if (tokens.accept_word("columns")) return drop_table_columns(command, name);
  if (tokens.accept_word("ingestion")) return drop_table_mapping(command, name);
  if (tokens.accept_word("extent")) {
    KC_TRY(const auto table, table_of(command.session, name));
    return alter_extent_tags(command, table, TagChange::drop, false);
  }
  if (is_role(tokens)) return change_table_role(command, name, RoleChange::drop);
  const bool if_exists = accept_if_exists(command);
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(drop(command, {name}, if_exists));
  return remaining(command);
}

Answer drop_tables(Command& command) {
  KC_TRY(const auto names, parse_names(command));
  const bool if_exists = accept_if_exists(command);
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(drop(command, names, if_exists));
  return remaining(command);
}

// `cache streamingingestion schema`: every node would look anew; the only one always does.
Answer clear_cache(Command& command, const std::string& name) {
  KC_CHECK_OK(table_of(command.session, name));
  KC_CHECK_OK(command.tokens.expect_word("streamingingestion"));
  KC_CHECK_OK(command.tokens.expect_word("schema"));
  KC_CHECK_OK(expect_end(command));
  return RowTable{{{"NodeId", ScalarType::string_}, {"Status", ScalarType::string_}},
                  {{text_value("KEngine000000"), text_value("Succeeded")}}};
}

Answer clear_table(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  if (command.tokens.accept_word("cache")) return clear_cache(command, name);
  KC_CHECK_OK(command.tokens.expect_word("data"));
  KC_CHECK_OK(expect_end(command));
  std::vector<std::string> files;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    KC_TRY(const auto table, view.table(database, name));
    KC_CHECK_OK(check_table_access(command.session, view, table));
    KC_TRY(const auto extents, view.extents(table.id));
    files.clear();
    for (const auto& extent : extents) {
      files.push_back(extent.file);
      KC_CHECK_OK(view.drop_extent(extent.id));
    }
    return {};
  });
  KC_CHECK_OK(checked);
  command.host().files->doom(files);
  return RowTable{{{"Status", ScalarType::string_}}, {{text_value("Cleared")}}};
}

Answer rename_table(Command& command) {
  KC_TRY(const auto from, command.tokens.name());
  KC_CHECK_OK(command.tokens.expect_word("to"));
  KC_TRY(const auto to, command.tokens.name());
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(rename(command, {{to, from}}, false));
  return list_tables(command.session);
}

Answer rename_tables(Command& command) {
  Renames renames;
  bool if_exists = false;
  do {
    KC_TRY(auto to, command.tokens.name());
    KC_CHECK_OK(command.tokens.expect("="));
    KC_TRY(auto from, command.tokens.name());
    renames.emplace_back(std::move(to), std::move(from));
    if_exists = accept_if_exists(command) || if_exists;
  } while (command.tokens.accept(","));
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(rename(command, renames, if_exists));
  return list_tables(command.session);
}

}  // namespace kc::engine
