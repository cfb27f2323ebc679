// `.show tables`, `.show table`, `.show database(s)`: what is there, with the columns of the
// protocol.
#include <algorithm>

#include "core/engine/commands/command.h"
#include "core/engine/commands/schema.h"
#include "core/engine/syntax/literal.h"

namespace kc::engine {
namespace {

constexpr auto kString = ScalarType::string_;
constexpr auto kLong = ScalarType::long_;
constexpr auto kReal = ScalarType::real_;
constexpr auto kDatetime = ScalarType::datetime_;

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

Result<std::vector<Value>> details_row(CatalogueView& view, const CatalogueTable& table,
                                       const std::string& database) {
  KC_TRY(const auto sums, view.sums(table.id));
  std::map<std::string, std::string> policies;
  for (const auto* name : {"retention", "caching", "sharding", "merge", "streamingingestion",
                           "ingestionbatching", "roworder"}) {
    KC_TRY(const auto value, view.effective_policy(table, name));
    policies[name] = value.value_or("null");
  }
  const auto effective = [&](const char* name) { return text_value(policies[name]); };
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
                            effective("retention"),
                            effective("caching"),
                            effective("sharding"),
                            effective("merge"),
                            effective("streamingingestion"),
                            effective("ingestionbatching"),
                            time(sums.created_min),
                            time(sums.created_max),
                            effective("roworder"),
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

RowTable databases_table(Command& command, const std::vector<DatabaseEntry>& databases) {
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

// Tables and functions of every database.
Answer entities(Command& command) {
  KC_CHECK_OK(expect_end(command));
  RowTable answer{{{"DatabaseName", kString},
                   {"EntityType", kString},
                   {"EntityName", kString},
                   {"DocString", kString},
                   {"Folder", kString},
                   {"CslInputSchema", kString},
                   {"Content", kString},
                   {"CslOutputSchema", kString},
                   {"Properties", ScalarType::dynamic_}},
                  {}};
  const auto checked = command.host().catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto databases, view.databases());
    for (const auto& database : databases) {
      KC_TRY(const auto tables, view.tables(database.id));
      for (const auto& table : tables) {
        answer.rows.push_back({text_value(database.name), text_value("Table"),
                               text_value(table.name), text_value(table.schema.docstring),
                               text_value(table.schema.folder), text_value(csl_schema(table)),
                               text_value(""), text_value(csl_schema(table)), text_value("{}")});
      }
      KC_TRY(const auto functions, view.functions(database.id));
      for (const auto& entry : functions) {
        answer.rows.push_back({text_value(database.name), text_value("Function"),
                               text_value(entry.name), text_value(entry.docstring),
                               text_value(entry.folder), text_value(entry.parameters),
                               text_value(entry.body), text_value(""), text_value("{}")});
      }
    }
    return {};
  });
  KC_CHECK_OK(checked);
  return answer;
}

// `.show table T`: one row per column, without the statistics that a shard's columns have there.
RowTable attributes(const CatalogueTable& table) {
  RowTable answer{{{"AttributeName", kString},
                   {"AttributeType", kString},
                   {"ExtentSize", kLong},
                   {"CompressionRatio", kReal},
                   {"IndexSize", kLong},
                   {"IndexSizePercent", kReal},
                   {"OriginalSize", kLong},
                   {"AttributeId", ScalarType::guid_},
                   {"SharedIndexSize", kLong},
                   {"StorageEngineVersion", kString}},
                  {}};
  for (const auto& column : table.schema.columns) {
    answer.rows.push_back({text_value(column.name), text_value(dotnet_type(column.type)),
                           std::int64_t{0}, 0.0, std::int64_t{0}, 0.0, std::int64_t{0},
                           guid_value({}), std::int64_t{0}, text_value("")});
  }
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
  // Of a table that is not there the schema has no rows; connectors ask so whether to make it.
  if (tokens.is_word("schema")) {
    const auto found = table_of(command.session, name);
    if (!found && found.error().kind == ErrorKind::not_found) {
      KC_CHECK_OK(database_of(command.session));
      tokens.take();
      KC_CHECK_OK(tokens.expect_word("as"));
      KC_CHECK_OK(tokens.expect_word("json"));
      KC_CHECK_OK(expect_end(command));
      auto none = schema_row({}, {}, true);
      none.rows.clear();
      return none;
    }
  }
  KC_TRY(const auto database, database_of(command.session));
  KC_TRY(const auto table, table_of(command.session, name));
  if (tokens.accept_word("extents")) return show_extents(command, {table}, database);
  if (tokens.accept_word("policy")) return show_policy(command, table, database);
  if (tokens.accept_word("details")) {
    KC_CHECK_OK(expect_end(command));
    return details(command, {table}, database.name);
  }
  if (tokens.accept_word("ingestion")) return show_table_mappings(command, name);
  if (tokens.accept_word("principals")) return show_principals(command, Scope::table, table.id);
  if (tokens.at_end() || tokens.is("|") || tokens.is(";")) return attributes(table);
  if (tokens.accept_word("cslschema") || tokens.accept_word("kqlschema")) {
    KC_CHECK_OK(expect_end(command));
    return schema_row(table, database.name, true);
  }
  if (tokens.accept_word("schema")) {
    KC_CHECK_OK(tokens.expect_word("as"));
    KC_CHECK_OK(tokens.expect_word("json"));
    KC_CHECK_OK(expect_end(command));
    return schema_answer(command.session, name, false);
  }
  return unsupported(command, "this form of '.show table'");
}

Answer show_database(Command& command) {
  auto& tokens = command.tokens;
  static const std::vector<std::string> kWords = {"schema",  "extents",   "cslschema",
                                                  "policy",  "ingestion", "principals",
                                                  "journal", "details",   "identity"};
  const bool word = std::any_of(kWords.begin(), kWords.end(),
                                [&](const std::string& one) { return tokens.is_word(one); });
  if (tokens.is_name() && !word) {
    KC_TRY(command.session.database, tokens.name());
  }
  KC_TRY(const auto all, all_tables(command.session));
  if (tokens.accept_word("extents")) return show_extents(command, all.tables, all.database);
  if (tokens.accept_word("policy")) return show_scope_policy(command, Scope::database);
  if (tokens.accept_word("ingestion")) return show_database_mappings(command);
  if (tokens.accept_word("principals"))
    return show_principals(command, Scope::database, all.database.id);
  if (tokens.accept_word("journal")) {
    KC_TRY(auto journal, show_journal(command));
    std::erase_if(journal.rows, [&](const auto& row) {
      return std::get<std::string>(row[2]) != all.database.name;
    });
    return journal;
  }
  if (tokens.is_word("schema") || tokens.is_word("cslschema")) return show_database_schema(command);
  const bool details = tokens.accept_word("details");
  if (!details) tokens.accept_word("identity");
  KC_CHECK_OK(expect_end(command));
  return databases_table(command, {all.database});
}

// `.show databases`, `(A, B) schema as json`, `entities`, `details`, `identity`
Answer show_databases(Command& command) {
  auto& tokens = command.tokens;
  if (tokens.is("(")) {
    KC_TRY(const auto names, parse_names(command));
    return show_databases_schema(command, names);
  }
  if (tokens.accept_word("schema")) {
    tokens.accept_word("as");
    tokens.accept_word("json");
    return show_databases_schema(command, {});
  }
  if (tokens.accept_word("entities")) return entities(command);
  for (const auto* word : {"details", "identity", "policies", "datastats", "metadata"}) {
    if (tokens.accept_word(word)) break;
  }
  KC_CHECK_OK(expect_end(command));
  KC_TRY(const auto databases,
         command.host().catalogue->read([](CatalogueView& view) { return view.databases(); }));
  return databases_table(command, databases);
}

}  // namespace kc::engine
