// Ingestion from a query: `.set`, `.append`, `.set-or-append`, `.set-or-replace`.
#include <algorithm>

#include "core/engine/commands/ingest.h"
#include "core/engine/query/run.h"

namespace kc::engine {
namespace {

enum class IfExists { fails, appends, replaces };
struct FromQuery {
  IfExists if_exists;
  bool creates;
};

RowTable query_loaded(const std::vector<Extent>& extents) {
  constexpr auto kLong = ScalarType::long_;
  RowTable answer{{{"ExtentId", ScalarType::guid_},
                   {"OriginalSize", kLong},
                   {"ExtentSize", kLong},
                   {"ColumnSize", kLong},
                   {"IndexSize", kLong},
                   {"RowCount", kLong}},
                  {}};
  for (const auto& extent : extents) {
    answer.rows.push_back({guid_value(extent.id), extent.original_size, extent.file_size,
                           extent.file_size, std::int64_t{0}, extent.rows});
  }
  return answer;
}

Result<void> check_column_names(const std::vector<Column>& columns) {
  for (const auto& column : columns) {
    if (column.name.find('$') != std::string::npos)
      return bad_request("The column name '" + column.name + "' holds a '$'.");
  }
  return {};
}

// The table as it is, or made from the query's columns.
Result<CatalogueTable> target(Command& command, const std::string& name, const FromQuery& how,
                              const std::vector<Column>& columns, const Properties& properties) {
  auto found = table_of(command.session, name);
  if (found) {
    if (how.if_exists == IfExists::fails)
      return bad_request("The table '" + name + "' already exists.");
    return found;
  }
  if (found.error().kind != ErrorKind::not_found || !how.creates) return found;
  CatalogueTable table;
  KC_TRY(const auto database, database_of(command.session));
  table.database = database.id;
  table.name = name;
  table.guid = command.host().new_id();
  table.schema.columns = columns;
  KC_CHECK_OK(check_entity_name(name));
  KC_CHECK_OK(check_column_names(columns));
  apply_table_properties(table, properties);
  KC_TRY(const bool stamped, bool_property(properties, "policy_ingestiontime", true));
  const auto checked = command.host().catalogue->change([&](CatalogueView& view) -> Result<void> {
    KC_TRY(table.id, view.add_table(table));
    if (!stamped) KC_CHECK_OK(view.set_policy(table.id, "ingestiontime", "{\"IsEnabled\":false}"));
    KC_CHECK_OK(own_table(command, view, table));
    return note(command, view,
                {.event = "CREATE-TABLE", .entity = name, .container = database.name});
  });
  KC_CHECK_OK(checked);
  return table;
}

// By type and order, not by name.
Result<std::string> select_for(const CatalogueTable& table, const Translated& query) {
  const auto& columns = table.schema.columns;
  bool same = query.columns.size() == columns.size();
  for (std::size_t i = 0; same && i < columns.size(); ++i)
    same = query.columns[i].type == columns[i].type;
  if (!same)
    return bad_request("The query's columns are not those of the table '" + table.name +
                       "', by type and order.");
  std::string names;
  for (std::size_t i = 0; i < columns.size(); ++i)
    names += (i > 0 ? ", c" : "c") + std::to_string(i);
  return "SELECT " + names + " FROM (" + query.sql + ") AS rows(" + names + ")";
}

// The query's columns beyond the table's own come at its end, in a change of their own.
Result<CatalogueTable> extended(Command& command, const CatalogueTable& table,
                                const std::vector<Column>& columns) {
  if (columns.size() <= table.schema.columns.size()) return table;
  auto wider = table;
  for (auto i = table.schema.columns.size(); i < columns.size(); ++i) {
    const auto same = std::any_of(wider.schema.columns.begin(), wider.schema.columns.end(),
                                  [&](const Column& old) { return old.name == columns[i].name; });
    if (same) return bad_request("The table has a column '" + columns[i].name + "' already.");
    wider.schema.columns.push_back(columns[i]);
  }
  KC_CHECK_OK(
      command.host().catalogue->change([&](CatalogueView& view) { return view.set_table(wider); }));
  return wider;
}

// The query's columns in place of the table's own, in a change of their own: what the extents of
// before hold under other names and types is out of reach from then on.
Result<CatalogueTable> recreated(Command& command, CatalogueTable table,
                                 std::vector<Column> columns) {
  table.schema.columns = std::move(columns);
  KC_CHECK_OK(check_column_names(table.schema.columns));
  KC_CHECK_OK(
      command.host().catalogue->change([&](CatalogueView& view) { return view.set_table(table); }));
  return table;
}

// What the command ingests, and what keeps it readable until that is done.
struct IngestRows {
  std::optional<BoundQuery> query;
  std::optional<SourceRegistry::Handle> answer;  // of a `.show` command
  Translated translated;
};

Result<std::shared_ptr<IngestRows>> rows_to_ingest(Command& command, std::string_view text) {
  auto rows = std::make_shared<IngestRows>();
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '.') {
    KC_TRY(auto answer, rows_of(command.session, text));
    for (const auto& column : answer.columns)
      rows->translated.columns.push_back({column.name, column.type});
    rows->answer.emplace(command.host().sources.add(source_of(std::move(answer))));
    rows->translated.sql = "SELECT * FROM " + rows->answer->sql();
    return rows;
  }
  auto bound = bind_query(command.session, text);
  if (!bound) return fail(std::move(bound).error());
  rows->query.emplace(std::move(*bound));
  if (rows->query->translated.results.empty()) return bad_request("the query yields no table");
  rows->translated = rows->query->translated.results.front();
  return rows;
}

Answer from_query(Command& command, const FromQuery& how) {
  auto& tokens = command.tokens;
  const bool async = tokens.accept_word("async");
  KC_TRY(const auto name, tokens.name());
  KC_TRY(const auto properties, parse_properties(command));
  KC_TRY(const auto parsed, ingest_properties(properties, true));
  KC_CHECK_OK(tokens.expect("<|"));
  KC_TRY(const auto query, rows_to_ingest(command, tokens.rest()));
  while (!tokens.at_end() && !tokens.failure()) tokens.take();
  const auto& translated = query->translated;
  const auto columns = columns_of(translated);
  KC_TRY(auto table, target(command, name, how, columns, properties));
  if (parsed.recreate_schema && how.if_exists != IfExists::replaces)
    return bad_request("'recreate_schema' belongs to '.set-or-replace'.");
  if (parsed.recreate_schema) {
    KC_TRY(table, recreated(command, std::move(table), columns));
  } else if (parsed.extend_schema) {
    KC_TRY(table, extended(command, table, columns));
  }
  KC_TRY(auto select, select_for(table, translated));
  auto& host = command.host();
  KC_CHECK_OK(check_plan(host, {table, parsed, {}, {}}));
  IngestInput input{table,
                    std::move(select),
                    parsed.tags,
                    parsed.creation_time,
                    parsed.skip_if_tags,
                    how.if_exists == IfExists::replaces,
                    !parsed.distributed};
  return run_or_start(command, async, &host.ingestions, "CapacityPolicy/Ingestion",
                      [&host, query, input](Execution& execution) mutable -> Result<ResultTable> {
                        ResultTable result;
                        input.cancellation = execution.cancellation();
                        const auto done = ingest(
                            host, input, [&](CatalogueView& view, const std::vector<Extent>& made) {
                              result = encode(query_loaded(made));
                              return execution.finish(view, result);
                            });
                        if (!done) return fail(done.error());
                        return result;
                      });
}

}  // namespace

Answer set_table(Command& command) { return from_query(command, {IfExists::fails, true}); }
Answer append_table(Command& command) { return from_query(command, {IfExists::appends, false}); }
Answer set_or_append_table(Command& command) {
  return from_query(command, {IfExists::appends, true});
}
Answer set_or_replace_table(Command& command) {
  return from_query(command, {IfExists::replaces, true});
}

}  // namespace kc::engine
