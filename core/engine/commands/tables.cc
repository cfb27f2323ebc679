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
  if (definition.name.empty() || definition.name.size() > 1024) {
    return bad_request("BadRequest_EntityNameIsNotValid: a table's name has 1 to 1024 characters.");
  }
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
    if (const auto at = properties.find("folder"); at != properties.end())
      table.schema.folder = at->second;
    if (const auto at = properties.find("docstring"); at != properties.end())
      table.schema.docstring = at->second;
    if (!(table.schema == found->schema)) KC_CHECK_OK(view.set_table(table));
    return table;
  }
  CatalogueTable table;
  table.database = database.id;
  table.name = definition.name;
  table.guid = command.host().new_id();
  table.schema.columns = definition.columns;
  if (const auto at = properties.find("folder"); at != properties.end())
    table.schema.folder = at->second;
  if (const auto at = properties.find("docstring"); at != properties.end())
    table.schema.docstring = at->second;
  KC_TRY(table.hidden, bool_property(properties, "hidden", false));
  KC_TRY(table.id, view.add_table(table));
  return table;
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
      KC_TRY(const auto freed, view.drop_table(table->id));
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
      moved.emplace_back(*table, to);
      table->name = "\x01renaming " + std::to_string(table->id);
      KC_CHECK_OK(view.set_table(*table));
    }
    for (auto& [table, to] : moved) {
      if (view.table(database, to))
        return bad_request("A table named '" + to + "' already exists.");
      table.name = to;
      KC_CHECK_OK(view.set_table(table));
    }
    return {};
  });
}

}  // namespace

Answer create_table(Command& command) { return create(command, false); }
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
  KC_TRY(const auto name, command.tokens.name());
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(const auto found, table_of(command.session, name));
  if (command.tokens.accept_word("policy")) return alter_policy(command, found, database, true);
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
  KC_TRY(const auto name, command.tokens.name());
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(auto table, table_of(command.session, name));
  if (command.tokens.accept_word("policy")) return alter_policy(command, table, database, false);
  if (command.tokens.accept_word("docstring")) {
    KC_TRY(table.schema.docstring, command.tokens.string());
  } else if (command.tokens.accept_word("folder")) {
    KC_TRY(table.schema.folder, command.tokens.string());
  } else {
    return unsupported(command, "this form of '.alter table'");
  }
  KC_CHECK_OK(expect_end(command));
  KC_CHECK_OK(
      command.host().catalogue->change([&](CatalogueView& view) { return view.set_table(table); }));
  return schema_row(table, database.name, false);
}

Answer drop_table(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  if (command.tokens.is_word("extent") || command.tokens.is_word("columns")) {
    KC_TRY(const auto table, table_of(command.session, name));
    if (command.tokens.accept_word("extent") && command.tokens.accept_word("tags")) {
      return drop_extent_tags(command, table);
    }
    return unsupported(command, "this form of '.drop table'");
  }
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

Answer clear_table(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  KC_CHECK_OK(command.tokens.expect_word("data"));
  KC_CHECK_OK(expect_end(command));
  std::vector<std::string> files;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    KC_TRY(const auto table, view.table(database, name));
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

Answer create_database(Command& command) {
  KC_TRY(const auto name, command.tokens.name());
  if (command.tokens.accept_word("persist")) {
    KC_TRY(const auto paths,
           parse_strings(command));  // accepted; data stays in the engine's own folder
  } else {
    command.tokens.accept_word("volatile");
  }
  command.tokens.accept_word("ifnotexists");
  KC_CHECK_OK(expect_end(command));
  auto& host = command.host();
  const auto checked = host.catalogue->change([&](CatalogueView& view) -> Result<void> {
    if (view.database(name)) return bad_request("Database '" + name + "' already exists.");
    DatabaseEntry entry;
    entry.name = name;
    entry.guid = host.new_id();
    entry.created = entry.cursor = host.now();
    return view.add_database(entry);
  });
  KC_CHECK_OK(checked);
  return RowTable{{{"DatabaseName", ScalarType::string_},
                   {"PersistentPath", ScalarType::string_},
                   {"Created", ScalarType::string_},
                   {"StoresMetadata", ScalarType::bool_},
                   {"StoresData", ScalarType::bool_}},
                  {{text_value(name), text_value(""), text_value("True"), true, true}}};
}

}  // namespace kc::engine
