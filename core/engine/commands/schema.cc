#include "core/engine/commands/schema.h"

#include <algorithm>
#include <charconv>

#include "core/engine/syntax/literal.h"

namespace kc::engine {

std::string ordered_columns(const CatalogueTable& table, const Details& details) {
  std::string json = "\"OrderedColumns\":[";
  bool first = true;
  for (const auto& column : table.schema.columns) {
    if (!std::exchange(first, false)) json += ',';
    json += "{\"Name\":" + json_string(column.name) + ",\"Type\":\"" +
            std::string(dotnet_type(column.type)) + "\",\"CslType\":\"" +
            std::string(to_string(column.type)) + "\"";
    const auto at = details.find(column.name);
    if (at != details.end() && !at->second.docstring.empty())
      json += ",\"DocString\":" + json_string(at->second.docstring);
    json += "}";
  }
  return json + "]";
}

std::string names_json(const CatalogueTable& table) {
  std::string json = "{\"Name\":" + json_string(table.name);
  if (!table.schema.folder.empty()) json += ",\"Folder\":" + json_string(table.schema.folder);
  if (!table.schema.docstring.empty())
    json += ",\"DocString\":" + json_string(table.schema.docstring);
  return json;
}

// A name as it must be written in a command.
std::string csl_name(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }) && !(name[0] >= '0' && name[0] <= '9');
  return plain ? name : "[" + json_string(name) + "]";
}

std::string csl_schema(const CatalogueTable& table) {
  std::string text;
  for (const auto& column : table.schema.columns) {
    if (!text.empty()) text += ',';
    text += csl_name(column.name) + ":" + std::string(to_string(column.type));
  }
  return text;
}

namespace {

constexpr auto kString = ScalarType::string_;

// All that a database's schema tells, seen at one moment.
struct Schema {
  DatabaseEntry database;
  std::vector<CatalogueTable> tables;
  std::map<std::int64_t, Details> details;
  std::map<std::int64_t, std::vector<MappingEntry>> mappings;  // by table; of the database: 0
  std::map<std::int64_t, std::map<std::string, std::string>> policies;
  std::vector<FunctionEntry> functions;
};

Result<Schema> read_schema(CatalogueView& view, const std::string& name) {
  Schema schema;
  KC_TRY(schema.database, view.database(name));
  KC_TRY(schema.tables, view.tables(schema.database.id));
  std::erase_if(schema.tables, [](const CatalogueTable& table) { return table.hidden; });
  for (const auto& table : schema.tables) {
    KC_TRY(schema.details[table.id], view.column_details(table.id));
    KC_TRY(schema.mappings[table.id], view.mappings(schema.database.id, table.id));
    KC_TRY(schema.policies[table.id], view.policies(table.id));
  }
  KC_TRY(schema.mappings[0], view.mappings(schema.database.id, std::nullopt));
  KC_TRY(schema.functions, view.functions(schema.database.id));
  return schema;
}

std::string functions_json(const std::vector<FunctionEntry>& functions) {
  std::string json;
  for (const auto& entry : functions) {
    if (!json.empty()) json += ',';
    json += json_string(entry.name) + ":{\"Name\":" + json_string(entry.name) +
            ",\"Body\":" + json_string(entry.body) + ",\"Folder\":" + json_string(entry.folder) +
            ",\"DocString\":" + json_string(entry.docstring) +
            ",\"Parameters\":" + json_string(entry.parameters) + ",\"FunctionKind\":\"" +
            (entry.view ? "ViewFunction" : "Unknown") + "\"}";
  }
  return json;
}

std::string database_json(const Schema& schema, bool with_tables, bool with_functions) {
  const auto& database = schema.database;
  std::string tables;
  for (const auto& table : schema.tables) {
    if (!tables.empty()) tables += ',';
    tables += json_string(table.name) + ":" + names_json(table) + ",\"DefaultColumn\":null," +
              ordered_columns(table, schema.details.at(table.id)) + "}";
  }
  return json_string(database.name) + ":{\"Name\":" + json_string(database.name) + ",\"Tables\":{" +
         (with_tables ? tables : "") +
         "},\"PrettyName\":null,\"MajorVersion\":1,\"MinorVersion\":" +
         std::to_string(database.version) + ",\"Functions\":{" +
         (with_functions ? functions_json(schema.functions) : "") + "}}";
}

Answer as_json(Command& command, const std::vector<std::string>& names) {
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  const bool chosen = properties.contains("tables") || properties.contains("functions");
  KC_TRY(const bool tables, bool_property(properties, "tables", !chosen));
  KC_TRY(const bool functions, bool_property(properties, "functions", !chosen));
  std::string json;
  const auto checked = command.host().catalogue->read([&](CatalogueView& view) -> Result<void> {
    for (const auto& name : names) {
      KC_TRY(const auto schema, read_schema(view, name));
      json += (json.empty() ? "" : ",") + database_json(schema, tables, functions);
    }
    return {};
  });
  KC_CHECK_OK(checked);
  return RowTable{{{"DatabaseSchema", kString}}, {{text_value("{\"Databases\":{" + json + "}}")}}};
}

std::string with_clause(const std::string& folder, const std::string& docstring) {
  std::string inside;
  if (!folder.empty()) inside = "folder = " + json_string(folder);
  if (!docstring.empty())
    inside += (inside.empty() ? "" : ", ") + std::string("docstring = ") + json_string(docstring);
  return inside.empty() ? inside : " with (" + inside + ")";
}

void add_table_script(std::vector<std::string>& script, const Schema& schema,
                      const CatalogueTable& table, bool encodings, bool security, bool mappings) {
  const auto name = csl_name(table.name);
  std::string columns;
  for (const auto& column : table.schema.columns) {
    columns += (columns.empty() ? "" : ", ") + csl_name(column.name) + ":" +
               std::string(to_string(column.type));
  }
  script.push_back(".create-merge table " + name + " (" + columns + ")" +
                   with_clause(table.schema.folder, table.schema.docstring));
  std::string docstrings;
  for (const auto& [column, details] : schema.details.at(table.id)) {
    if (!details.docstring.empty())
      docstrings += (docstrings.empty() ? "" : ", ") + csl_name(column) + ":" +
                    json_string(details.docstring);
    if (encodings && !details.encoding.empty())
      script.push_back(".alter column " + name + "." + csl_name(column) +
                       " policy encoding type = '" + details.encoding + "'");
  }
  if (!docstrings.empty())
    script.push_back(".alter-merge table " + name + " column-docstrings (" + docstrings + ")");
  if (mappings) {
    for (const auto& mapping : schema.mappings.at(table.id))
      script.push_back(".create-or-alter table " + name + " ingestion " + mapping.kind +
                       " mapping " + json_string(mapping.name) + " ```" + mapping.mapping + "```");
  }
  if (!security) return;
  const auto& policies = schema.policies.at(table.id);
  if (const auto at = policies.find("restricted_view_access"); at != policies.end())
    script.push_back(".alter table " + name + " policy restricted_view_access " +
                     (at->second.find("true") == std::string::npos ? "false" : "true"));
}

Answer as_script(Command& command) {
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const bool encodings, bool_property(properties, "includeencodingpolicies", true));
  KC_TRY(const bool security, bool_property(properties, "includesecuritysettings", true));
  KC_TRY(const bool mappings, bool_property(properties, "includeingestionmappings", true));
  KC_TRY(const auto schema, command.host().catalogue->read([&](CatalogueView& view) {
    return read_schema(view, command.session.database);
  }));
  std::vector<std::string> script;
  for (const auto& table : schema.tables)
    add_table_script(script, schema, table, encodings, security, mappings);
  if (mappings) {
    for (const auto& mapping : schema.mappings.at(0))
      script.push_back(".create-or-alter database " + csl_name(schema.database.name) +
                       " ingestion " + mapping.kind + " mapping " + json_string(mapping.name) +
                       " ```" + mapping.mapping + "```");
  }
  for (const auto& entry : schema.functions)
    script.push_back(".create-or-alter function" + with_clause(entry.folder, entry.docstring) +
                     " " + csl_name(entry.name) + entry.parameters + " " + entry.body);
  RowTable answer{{{"DatabaseSchemaScript", kString}}, {}};
  for (const auto& line : script) answer.rows.push_back({text_value(line)});
  return answer;
}

// `v1.7`: nothing where the schema is not newer.
Result<bool> is_newer(Command& command, const DatabaseEntry& database) {
  if (!command.tokens.accept_word("if_later_than")) return true;
  KC_TRY(const auto text, command.tokens.string());
  std::int64_t minor = 0;
  const auto dot = text.find('.');
  const auto* end = text.data() + text.size();
  if (!text.starts_with('v') || dot == std::string::npos ||
      std::from_chars(text.data() + dot + 1, end, minor).ptr != end)
    return bad_request("'" + text + "' is no version of a schema, such as 'v1.2'.");
  return database.version > minor;
}

Answer as_list(Command& command) {
  command.tokens.accept_word("details");
  KC_TRY(const auto schema, command.host().catalogue->read([&](CatalogueView& view) {
    return read_schema(view, command.session.database);
  }));
  KC_TRY(const bool newer, is_newer(command, schema.database));
  KC_CHECK_OK(expect_end(command));
  RowTable answer{{{"DatabaseName", kString},
                   {"TableName", kString},
                   {"ColumnName", kString},
                   {"ColumnType", kString},
                   {"IsDefaultTable", ScalarType::bool_},
                   {"IsDefaultColumn", ScalarType::bool_},
                   {"PrettyName", kString},
                   {"Version", kString},
                   {"Folder", kString},
                   {"DocString", kString}},
                  {}};
  if (!newer) return answer;
  const auto add = [&](const std::string& table, const std::string& column, std::string_view type,
                       const std::string& version, const std::string& folder,
                       const std::string& docstring) {
    answer.rows.push_back({text_value(schema.database.name), text_value(table), text_value(column),
                           text_value(type), false, false, text_value(""), text_value(version),
                           text_value(folder), text_value(docstring)});
  };
  add("", "", "", "v1." + std::to_string(schema.database.version), "", "");
  for (const auto& table : schema.tables) {
    add(table.name, "", "", "", table.schema.folder, table.schema.docstring);
    const auto& details = schema.details.at(table.id);
    for (const auto& column : table.schema.columns) {
      const auto at = details.find(column.name);
      add(table.name, column.name, dotnet_type(column.type), "", "",
          at == details.end() ? "" : at->second.docstring);
    }
  }
  return answer;
}

}  // namespace

RowTable schema_row(const CatalogueTable& table, const std::string& database, bool csl,
                    const Details& details) {
  const auto schema =
      csl ? csl_schema(table) : names_json(table) + "," + ordered_columns(table, details) + "}";
  return {{{"TableName", kString},
           {"Schema", kString},
           {"DatabaseName", kString},
           {"Folder", kString},
           {"DocString", kString}},
          {{text_value(table.name), text_value(schema), text_value(database),
            text_value(table.schema.folder), text_value(table.schema.docstring)}}};
}

Answer schema_answer(Session& session, const std::string& name, bool csl) {
  KC_TRY(const auto table, table_of(session, name));
  KC_TRY(const auto database, database_of(session));
  KC_TRY(const auto details, session.host.catalogue->read([&](CatalogueView& view) {
    return view.column_details(table.id);
  }));
  return schema_row(table, database.name, csl, details);
}

// `schema [details] [if_later_than "v1.2"]`, `schema as json`, `schema as csl script`, `cslschema`
Answer show_database_schema(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.accept_word("cslschema")) {
    KC_CHECK_OK(expect_end(command));
    KC_TRY(const auto schema, command.host().catalogue->read([&](CatalogueView& view) {
      return read_schema(view, command.session.database);
    }));
    RowTable answer = schema_row({}, {}, true, {});
    answer.rows.clear();
    for (const auto& table : schema.tables)
      answer.rows.push_back(schema_row(table, schema.database.name, true, {}).rows[0]);
    return answer;
  }
  KC_CHECK_OK(tokens.expect_word("schema"));
  if (!tokens.accept_word("as")) return as_list(command);
  if (tokens.accept_word("csl") || tokens.accept_word("kql")) {
    KC_CHECK_OK(tokens.expect_word("script"));
    return as_script(command);
  }
  KC_CHECK_OK(tokens.expect_word("json"));
  return as_json(command, {command.session.database});
}

Answer show_databases_schema(Command& command, const std::vector<std::string>& names) {
  auto wanted = names;
  if (names.empty()) {
    KC_TRY(const auto all,
           command.host().catalogue->read([](CatalogueView& view) { return view.databases(); }));
    for (const auto& database : all) wanted.push_back(database.name);
  } else {
    KC_CHECK_OK(command.tokens.expect_word("schema"));
    KC_CHECK_OK(command.tokens.expect_word("as"));
    KC_CHECK_OK(command.tokens.expect_word("json"));
  }
  return as_json(command, wanted);
}

}  // namespace kc::engine
