// Commands that change a table's columns. Extents keep their files: what a column's name and type
// no longer find in a file's shape is null, so a dropped column's data is put out of reach there.
#include <algorithm>

#include "core/engine/commands/command.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;

auto column_at(std::vector<Column>& columns, std::string_view name) {
  return std::find_if(columns.begin(), columns.end(),
                      [&](const Column& column) { return column.name == name; });
}

Failure no_column(const CatalogueTable& table, std::string_view name) {
  Error error{.kind = ErrorKind::not_found, .code = "engine.column", .message = {}};
  error.message =
      "Entity ID '" + table.name + "." + std::string(name) + "' of kind 'Column' was not found.";
  error.service_code = "BadRequest_EntityNotFound";
  return fail(std::move(error));
}

// Changes the table in one transaction and answers with its schema.
Answer change_table(Command& command, const std::string& name, std::string_view event,
                    const std::function<Result<void>(CatalogueView&, CatalogueTable&)>& change) {
  KC_TRY(const auto known, table_of(command.session, name));
  CatalogueTable table;
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto database, view.database(command.session.database));
    KC_TRY(table, view.table(database, name));
    KC_CHECK_OK(change(view, table));
    KC_CHECK_OK(view.set_table(table));
    return note(command, view,
                {.event = std::string(event), .entity = name, .container = database.name});
  });
  KC_CHECK_OK(checked);
  return schema_row(table, command.session.database, false);
}

Result<void> forget_column(CatalogueView& view, const CatalogueTable& table, const Column& column) {
  KC_CHECK_OK(view.set_column_details(table.id, column.name, {}));
  return view.reshape(table.id, [&](std::vector<Column>& shape) {
    for (auto& old : shape) {
      if (old == column) old.name = "\x01 dropped " + old.name;
    }
  });
}

struct ColumnPath {
  std::string table, column;
};

// `T.C`, `['T'].['C']`, `D.T.C`
Result<ColumnPath> parse_path(Command& command) {
  std::vector<std::string> names;
  do {
    KC_TRY(auto name, command.tokens.name());
    names.push_back(std::move(name));
  } while (command.tokens.accept("."));
  if (names.size() == 3 && names.front() != command.session.database)
    return bad_request("A column is changed in the request's own database.");
  if (names.size() < 2 || names.size() > 3)
    return fail(command.tokens.error("expected a column as table.column"));
  return ColumnPath{names[names.size() - 2], names.back()};
}

Result<ScalarType> parse_type(Command& command) {
  const auto type = parse_scalar_type(command.tokens.peek().raw);
  if (!type) return fail(command.tokens.error("expected a column type"));
  command.tokens.take();
  return *type;
}

// Every other column keeps its values; types must not change.
Result<void> set_columns(CatalogueView& view, CatalogueTable& table,
                         const std::vector<Column>& columns) {
  for (const auto& column : columns) {
    const auto old = column_at(table.schema.columns, column.name);
    if (old != table.schema.columns.end() && old->type != column.type)
      return bad_request("The column '" + column.name + "' of table '" + table.name +
                         "' has type '" + std::string(to_string(old->type)) + "', not '" +
                         std::string(to_string(column.type)) + "'.");
  }
  for (const auto& old : table.schema.columns) {
    if (std::find(columns.begin(), columns.end(), old) == columns.end())
      KC_CHECK_OK(forget_column(view, table, old));
  }
  table.schema.columns = columns;
  return {};
}

Result<void> rename_columns(CatalogueView& view, CatalogueTable& table,
                            const std::vector<std::pair<std::string, std::string>>& renames) {
  auto columns = table.schema.columns;
  KC_TRY(auto details, view.column_details(table.id));
  std::vector<std::pair<Column, std::string>> done;
  for (const auto& [to, from] : renames) {
    KC_CHECK_OK(check_entity_name(to));
    const auto at = column_at(table.schema.columns, from);
    if (at == table.schema.columns.end()) return no_column(table, from);
    columns[static_cast<std::size_t>(at - table.schema.columns.begin())].name = to;
    done.emplace_back(*at, to);
    KC_CHECK_OK(view.set_column_details(table.id, from, {}));
  }
  for (const auto& column : columns) {
    if (std::count_if(columns.begin(), columns.end(),
                      [&](const Column& other) { return other.name == column.name; }) > 1)
      return bad_request("A column named '" + column.name + "' already exists in table '" +
                         table.name + "'.");
  }
  for (const auto& [old, to] : done)
    KC_CHECK_OK(view.set_column_details(table.id, to, details[old.name]));
  table.schema.columns = columns;
  return view.reshape(table.id, [&](std::vector<Column>& shape) {
    for (auto& column : shape) {
      for (const auto& [old, to] : done) {
        if (column == old) {
          column.name = to;
          break;
        }
      }
    }
  });
}

Answer drop_columns(Command& command, const std::string& name,
                    const std::vector<std::string>& columns, bool if_exists) {
  return change_table(
      command, name, "DROP-COLUMN",
      [&](CatalogueView& view, CatalogueTable& table) -> Result<void> {
        for (const auto& wanted : columns) {
          const auto at = column_at(table.schema.columns, wanted);
          if (at == table.schema.columns.end() && if_exists) continue;
          if (at == table.schema.columns.end()) return no_column(table, wanted);
          if (table.schema.columns.size() == 1)
            return bad_request("The last column of table '" + table.name + "' cannot be dropped.");
          KC_CHECK_OK(forget_column(view, table, *at));
          table.schema.columns.erase(at);
        }
        return {};
      });
}

}  // namespace

Answer alter_table_columns(Command& command, const std::string& name) {
  KC_TRY(const auto columns, parse_columns(command));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  return change_table(command, name, "ALTER-TABLE",
                      [&](CatalogueView& view, CatalogueTable& table) -> Result<void> {
                        apply_table_properties(table, properties);
                        return set_columns(view, table, columns);
                      });
}

// `column-docstrings (a:'…', b:'…')`: those not named lose theirs, unless merged.
Answer alter_column_docstrings(Command& command, const std::string& name, bool merge) {
  auto& tokens = command.tokens;
  std::map<std::string, std::string> docstrings;
  KC_CHECK_OK(tokens.expect("("));
  do {
    KC_TRY(const auto column, tokens.name());
    KC_CHECK_OK(tokens.expect(":"));
    KC_TRY(docstrings[column], tokens.string());
  } while (tokens.accept(","));
  KC_CHECK_OK(tokens.expect(")"));
  KC_CHECK_OK(expect_end(command));
  auto answer =
      change_table(command, name, "ALTER-TABLE-COLUMN-DOCSTRINGS",
                   [&](CatalogueView& view, CatalogueTable& table) -> Result<void> {
                     KC_TRY(auto details, view.column_details(table.id));
                     for (const auto& [column, text] : docstrings) {
                       if (column_at(table.schema.columns, column) == table.schema.columns.end())
                         return no_column(table, column);
                     }
                     for (const auto& column : table.schema.columns) {
                       const auto at = docstrings.find(column.name);
                       if (at == docstrings.end() && merge) continue;
                       auto changed = details[column.name];
                       changed.docstring = at == docstrings.end() ? "" : at->second;
                       KC_CHECK_OK(view.set_column_details(table.id, column.name, changed));
                     }
                     return {};
                   });
  KC_CHECK_OK(answer);
  return schema_answer(command.session, name, false);
}

Answer drop_table_columns(Command& command, const std::string& name) {
  KC_TRY(const auto columns, parse_names(command));
  KC_CHECK_OK(expect_end(command));
  return drop_columns(command, name, columns, false);
}

Answer drop_column(Command& command) {
  KC_TRY(const auto path, parse_path(command));
  const bool if_exists = accept_if_exists(command);
  KC_CHECK_OK(expect_end(command));
  return drop_columns(command, path.table, {path.column}, if_exists);
}

Answer rename_column(Command& command) {
  KC_TRY(const auto path, parse_path(command));
  KC_CHECK_OK(command.tokens.expect_word("to"));
  KC_TRY(const auto to, command.tokens.name());
  KC_CHECK_OK(expect_end(command));
  return change_table(command, path.table, "RENAME-COLUMN",
                      [&](CatalogueView& view, CatalogueTable& table) {
                        return rename_columns(view, table, {{to, path.column}});
                      });
}

// `.rename columns N = T.A, A = T.N`: all at once, so that names can be exchanged.
Answer rename_columns(Command& command) {
  std::vector<std::pair<std::string, std::string>> renames;
  std::string name;
  do {
    KC_TRY(auto to, command.tokens.name());
    KC_CHECK_OK(command.tokens.expect("="));
    KC_TRY(const auto path, parse_path(command));
    if (!name.empty() && name != path.table)
      return bad_request("The columns of one table are renamed at a time.");
    name = path.table;
    renames.emplace_back(std::move(to), path.column);
  } while (command.tokens.accept(","));
  KC_CHECK_OK(expect_end(command));
  return change_table(command, name, "RENAME-COLUMN",
                      [&](CatalogueView& view, CatalogueTable& table) {
                        return rename_columns(view, table, renames);
                      });
}

// `T.C type=long`: the old values become null. `T.C policy …` is the policies'.
Answer alter_column(Command& command) {
  KC_TRY(const auto path, parse_path(command));
  auto& tokens = command.tokens;
  if (tokens.accept_word("policy")) return alter_column_policy(command, path.table, path.column);
  if (tokens.accept_word("docstring")) {
    KC_TRY(const auto text, tokens.string());
    KC_CHECK_OK(expect_end(command));
    auto answer = change_table(
        command, path.table, "ALTER-COLUMN",
        [&](CatalogueView& view, CatalogueTable& table) -> Result<void> {
          if (column_at(table.schema.columns, path.column) == table.schema.columns.end())
            return no_column(table, path.column);
          KC_TRY(auto details, view.column_details(table.id));
          details[path.column].docstring = text;
          return view.set_column_details(table.id, path.column, details[path.column]);
        });
    KC_CHECK_OK(answer);
    return schema_answer(command.session, path.table, false);
  }
  KC_CHECK_OK(tokens.expect_word("type"));
  KC_CHECK_OK(tokens.expect("="));
  KC_TRY(const auto type, parse_type(command));
  KC_CHECK_OK(expect_end(command));
  const auto checked =
      change_table(command, path.table, "ALTER-COLUMN",
                   [&](CatalogueView& view, CatalogueTable& table) -> Result<void> {
                     const auto at = column_at(table.schema.columns, path.column);
                     if (at == table.schema.columns.end()) return no_column(table, path.column);
                     if (at->type == type) return {};
                     KC_CHECK_OK(forget_column(view, table, *at));
                     at->type = type;
                     return {};
                   });
  KC_CHECK_OK(checked);
  return RowTable{{{"EntityName", kString}, {"DataType", kString}, {"Policy", kString}},
                  {{text_value(path.column), text_value(to_string(type)), text_value("null")}}};
}

Answer show_column(Command& command) {
  KC_TRY(const auto path, parse_path(command));
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  return show_column_policy(command, path.table, path.column);
}

Answer delete_column(Command& command) {
  KC_TRY(const auto path, parse_path(command));
  KC_CHECK_OK(command.tokens.expect_word("policy"));
  return delete_column_policy(command, path.table, path.column);
}

}  // namespace kc::engine
