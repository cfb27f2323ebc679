// `.show tables`, `.show table`, `.show database(s)`: what is there, with the columns of the
// protocol.
#include <algorithm>

#include "core/engine/commands/command.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr auto kLong = ScalarType::long_;
constexpr auto kReal = ScalarType::real_;
constexpr auto kDatetime = ScalarType::datetime_;

std::string_view dotnet_type(ScalarType type) {
  switch (type) {
    case ScalarType::bool_:
      return "System.SByte";
    case ScalarType::int_:
      return "System.Int32";
    case ScalarType::long_:
      return "System.Int64";
    case ScalarType::real_:
      return "System.Double";
    case ScalarType::decimal_:
      return "System.Data.SqlTypes.SqlDecimal";
    case ScalarType::datetime_:
      return "System.DateTime";
    case ScalarType::timespan_:
      return "System.TimeSpan";
    case ScalarType::guid_:
      return "System.Guid";
    case ScalarType::string_:
      return "System.String";
    default:
      return "System.Object";
  }
}

std::string ordered_columns(const CatalogueTable& table) {
  std::string json = "\"OrderedColumns\":[";
  bool first = true;
  for (const auto& column : table.schema.columns) {
    if (!std::exchange(first, false)) json += ',';
    json += "{\"Name\":" + json_string(column.name) + ",\"Type\":\"" +
            std::string(dotnet_type(column.type)) + "\",\"CslType\":\"" +
            std::string(to_string(column.type)) + "\"}";
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

std::string csl_schema(const CatalogueTable& table) {
  std::string text;
  for (const auto& column : table.schema.columns) {
    if (!text.empty()) text += ',';
    const bool plain = !column.name.empty() &&
                       std::all_of(column.name.begin(), column.name.end(),
                                   [](char c) {
                                     return c == '_' || (c >= '0' && c <= '9') ||
                                            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                                   }) &&
                       !(column.name[0] >= '0' && column.name[0] <= '9');
    text += plain ? column.name : "[" + json_string(column.name) + "]";
    text += ":" + std::string(to_string(column.type));
  }
  return text;
}

std::string database_json(const DatabaseEntry& database,
                          const std::vector<CatalogueTable>& tables) {
  const auto name = json_string(database.name);
  std::string json = "{\"Databases\":{" + name + ":{\"Name\":" + name + ",\"Tables\":{";
  bool first = true;
  for (const auto& table : tables) {
    if (table.hidden) continue;
    if (!std::exchange(first, false)) json += ',';
    json += json_string(table.name) + ":" + names_json(table) + ",\"DefaultColumn\":null," +
            ordered_columns(table) + "}";
  }
  return json + "},\"PrettyName\":null,\"MajorVersion\":1,\"MinorVersion\":" +
         std::to_string(database.version) + ",\"Functions\":{}}}}";
}

struct Tables {
  DatabaseEntry database;
  std::vector<CatalogueTable> tables;
};

Result<Tables> all_tables(Session& session) {
  return session.host.catalogue->read([&](CatalogueView& view) -> Result<Tables> {
    KC_TRY(auto database, view.database(session.database));
    KC_TRY(auto tables, view.tables(database.id));
    return Tables{std::move(database), std::move(tables)};
  });
}

Value policy_value(const std::map<std::string, std::string>& policies, const std::string& name) {
  const auto found = policies.find(name);
  return text_value(found == policies.end() ? std::string_view("null")
                                            : std::string_view(found->second));
}

Result<std::vector<Value>> details_row(CatalogueView& view, const CatalogueTable& table,
                                       const std::string& database) {
  KC_TRY(const auto sums, view.sums(table.id));
  KC_TRY(const auto policies, view.policies(table.id));
  const Value extents = sums.extents, rows = sums.rows;
  const Value size = static_cast<double>(sums.file_size),
              original = static_cast<double>(sums.original_size);
  const auto time = [](const std::optional<std::int64_t>& at) { return at ? Value(*at) : Value(); };
  return std::vector<Value>{text_value(table.name),
                            text_value(database),
                            text_value(table.schema.folder),
                            text_value(table.schema.docstring),
                            extents,
                            size,
                            original,
                            rows,
                            extents,
                            size,
                            original,
                            rows,
                            text_value("[]"),
                            policy_value(policies, "retention"),
                            policy_value(policies, "caching"),
                            policy_value(policies, "sharding"),
                            policy_value(policies, "merge"),
                            policy_value(policies, "streamingingestion"),
                            policy_value(policies, "ingestionbatching"),
                            time(sums.created_min),
                            time(sums.created_max),
                            policy_value(policies, "roworder"),
                            guid_value(table.guid)};
}

Answer details(Command& command, const std::vector<CatalogueTable>& tables,
               const std::string& database) {
  RowTable answer{{{"TableName", kString},
                   {"DatabaseName", kString},
                   {"Folder", kString},
                   {"DocString", kString},
                   {"TotalExtents", kLong},
                   {"TotalExtentSize", kReal},
                   {"TotalOriginalSize", kReal},
                   {"TotalRowCount", kLong},
                   {"HotExtents", kLong},
                   {"HotExtentSize", kReal},
                   {"HotOriginalSize", kReal},
                   {"HotRowCount", kLong},
                   {"AuthorizedPrincipals", kString},
                   {"RetentionPolicy", kString},
                   {"CachingPolicy", kString},
                   {"ShardingPolicy", kString},
                   {"MergePolicy", kString},
                   {"StreamingIngestionPolicy", kString},
                   {"IngestionBatchingPolicy", kString},
                   {"MinExtentsCreationTime", kDatetime},
                   {"MaxExtentsCreationTime", kDatetime},
                   {"RowOrderPolicy", kString},
                   {"TableId", ScalarType::guid_}},
                  {}};
  const auto checked = command.host().catalogue->read([&](CatalogueView& view) -> Result<void> {
    for (const auto& table : tables) {
      KC_TRY(auto row, details_row(view, table, database));
      answer.rows.push_back(std::move(row));
    }
    return {};
  });
  KC_CHECK_OK(checked);
  return answer;
}

}  // namespace

RowTable table_list(const std::vector<CatalogueTable>& tables, const std::string& database) {
  RowTable answer{{{"TableName", kString},
                   {"DatabaseName", kString},
                   {"Folder", kString},
                   {"DocString", kString}},
                  {}};
  for (const auto& table : tables) {
    answer.rows.push_back({text_value(table.name), text_value(database),
                           text_value(table.schema.folder), text_value(table.schema.docstring)});
  }
  return answer;
}

Result<RowTable> list_tables(Session& session) {
  KC_TRY(auto all, all_tables(session));
  std::erase_if(all.tables, [](const CatalogueTable& table) { return table.hidden; });
  return table_list(all.tables, all.database.name);
}

RowTable schema_row(const CatalogueTable& table, const std::string& database, bool csl) {
  const auto schema =
      csl ? csl_schema(table) : names_json(table) + "," + ordered_columns(table) + "}";
  return {{{"TableName", kString},
           {"Schema", kString},
           {"DatabaseName", kString},
           {"Folder", kString},
           {"DocString", kString}},
          {{text_value(table.name), text_value(schema), text_value(database),
            text_value(table.schema.folder), text_value(table.schema.docstring)}}};
}

Answer show_tables(Command& command) {
  KC_TRY(auto all, all_tables(command.session));
  auto& tables = all.tables;
  if (command.tokens.is("(")) {
    KC_TRY(const auto names, parse_names(command));
    std::erase_if(tables, [&](const CatalogueTable& table) {
      return std::find(names.begin(), names.end(), table.name) == names.end();
    });
    // Tables that are gone are left out; where all are, the first is named.
    if (tables.empty()) KC_CHECK_OK(table_of(command.session, names.front()));
    if (command.tokens.accept_word("extents")) return show_extents(command, tables, all.database);
  } else if (command.tokens.accept_word("extents")) {
    return show_extents(command, tables, all.database);
  }
  const bool detailed = command.tokens.accept_word("details");
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(const auto hidden, bool_property(properties, "includehiddentables", false));
  if (!hidden) std::erase_if(tables, [](const CatalogueTable& table) { return table.hidden; });
  KC_CHECK_OK(expect_end(command));
  return detailed ? details(command, tables, all.database.name)
                  : Answer(table_list(tables, all.database.name));
}

Answer show_table(Command& command) {
  auto& tokens = command.tokens;
  KC_TRY(const auto name, tokens.name());
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(const auto table, table_of(command.session, name));
  if (tokens.accept_word("extents")) return show_extents(command, {table}, database);
  if (tokens.accept_word("policy")) return show_policy(command, table, database);
  if (tokens.accept_word("details")) {
    KC_CHECK_OK(expect_end(command));
    return details(command, {table}, database.name);
  }
  if (tokens.accept_word("cslschema") || tokens.accept_word("kqlschema")) {
    KC_CHECK_OK(expect_end(command));
    return schema_row(table, database.name, true);
  }
  if (tokens.accept_word("schema")) {
    KC_CHECK_OK(tokens.expect_word("as"));
    KC_CHECK_OK(tokens.expect_word("json"));
    KC_CHECK_OK(expect_end(command));
    return schema_row(table, database.name, false);
  }
  return unsupported(command, "this form of '.show table'");
}

Answer show_database(Command& command) {
  auto& tokens = command.tokens;
  auto session = command.session;
  if (tokens.is_name() && !tokens.is_word("schema") && !tokens.is_word("extents") &&
      !tokens.is_word("cslschema")) {
    KC_TRY(session.database, tokens.name());
  }
  KC_TRY(const auto all, all_tables(session));
  if (tokens.accept_word("extents")) return show_extents(command, all.tables, all.database);
  if (tokens.accept_word("cslschema")) {
    KC_CHECK_OK(expect_end(command));
    RowTable answer = schema_row({}, {}, true);
    answer.rows.clear();
    for (const auto& table : all.tables)
      answer.rows.push_back(schema_row(table, all.database.name, true).rows[0]);
    return answer;
  }
  if (!tokens.accept_word("schema")) return unsupported(command, "this form of '.show database'");
  KC_CHECK_OK(tokens.expect_word("as"));
  KC_CHECK_OK(tokens.expect_word("json"));
  KC_TRY(const auto properties, parse_properties(command));
  KC_CHECK_OK(expect_end(command));
  return RowTable{{{"DatabaseSchema", kString}},
                  {{text_value(database_json(all.database, all.tables))}}};
}

Answer show_databases(Command& command) {
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto databases,
         command.host().catalogue->read([](CatalogueView& view) { return view.databases(); }));
  RowTable answer{{{"DatabaseName", kString},
                   {"PersistentStorage", kString},
                   {"Version", kString},
                   {"IsCurrent", ScalarType::bool_},
                   {"DatabaseAccessMode", kString},
                   {"PrettyName", kString},
                   {"ReservedSlot1", ScalarType::bool_},
                   {"DatabaseId", ScalarType::guid_},
                   {"InTransitionTo", kString},
                   {"SuspensionState", kString}},
                  {}};
  for (const auto& database : databases) {
    answer.rows.push_back({text_value(database.name), text_value(""),
                           text_value("v1." + std::to_string(database.version)),
                           database.name == command.session.database, text_value("ReadWrite"),
                           text_value(""), Value(), guid_value(database.guid), text_value(""),
                           text_value("")});
  }
  return answer;
}

}  // namespace kc::engine
