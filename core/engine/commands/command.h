// Management commands: a table of leading words and handlers, and the pieces that their grammars
// share. Used by the engine. Thread promise: a Command belongs to one request.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/engine/host.h"
#include "core/engine/syntax/lexer.h"

namespace kc::engine {

struct Command {
  Session& session;
  TokenStream tokens;
  std::string_view kind;  // as `.show operations` and the faults name it

  Host& host() const { return session.host; }
};

using Answer = Result<RowTable>;
using Handler = Answer (*)(Command&);

struct CommandEntry {
  std::string_view words;  // `show tables`: hyphenated words count as one
  std::string_view kind;
  Handler handler;
  bool reads = false;
};
// In the order of matching: longer ones of the same beginning first.
const std::vector<CommandEntry>& command_entries();

// Runs the command and, where one follows, the operators over its answer.
Answer run_command(Session& session, std::string_view text);
// What a query or a command after `<|` yields.
Answer rows_of(Session& session, std::string_view text);

// ---- Grammar pieces

using Properties = std::map<std::string, std::string>;  // names in lower case
Result<Properties> parse_properties(
    Command& command);  // `with (a=b, …)`, none, or several in a row
Result<std::vector<Uuid>> parse_ids(Command& command);             // `(id, id)` or one id
Result<std::vector<std::string>> parse_names(Command& command);    // `(T, ['U'])`
Result<std::vector<std::string>> parse_strings(Command& command);  // `('a', 'b')` or one string
Result<std::vector<Column>> parse_columns(Command& command);       // `(a:long, ['b']:string)`
bool accept_if_exists(Command& command);                           // `ifexists`
Result<void> expect_end(Command& command);                         // the end, or operators, or `;`
Result<bool> bool_property(const Properties& properties, const std::string& name, bool standard);

// The members of `changes` laid over those of `old`; `changes` alone where either is no object.
Result<std::string> merge_json(const std::string& old, const std::string& changes);
Result<std::vector<std::string>> strings_from_json(const std::string& text);  // `["a","b"]`

Failure bad_request(const std::string& what);
Failure unsupported(Command& command, std::string_view what);

Result<DatabaseEntry> database_of(Session& session);
Result<CatalogueTable> table_of(Session& session, std::string_view name);

// ---- Answers that several commands give

RowTable table_list(const std::vector<CatalogueTable>& tables, const std::string& database);
RowTable schema_row(const CatalogueTable& table, const std::string& database, bool csl);
RowTable operation_id(const Uuid& id);
Result<RowTable> list_tables(Session& session);

// Runs `work` now, or starts it as an operation and answers with its id.
Answer run_or_start(Command& command, bool async, Capacity* capacity, std::string_view origin,
                    Work work);

// ---- Handlers, by file
Answer show_tables(Command&);
Answer show_table(Command&);
Answer show_database(Command&);
Answer show_databases(Command&);
Answer show_version(Command&);
Answer show_cluster(Command&);
Answer show_capacity(Command&);
Answer show_operations(Command&);
Answer show_operation(Command&);
Answer create_database(Command&);
Answer create_table(Command&);
Answer create_merge_table(Command&);
Answer create_tables(Command&);
Answer alter_merge_table(Command&);
Answer drop_table(Command&);
Answer drop_tables(Command&);
Answer clear_table(Command&);
Answer rename_table(Command&);
Answer rename_tables(Command&);
Answer alter_table(Command&);
Answer delete_table_policy(Command&);
Answer export_data(Command&);
Answer ingest_data(Command&);
Answer set_table(Command&);
Answer append_table(Command&);
Answer set_or_append_table(Command&);
Answer set_or_replace_table(Command&);
Answer move_extents(Command&);
Answer replace_extents(Command&);
Answer drop_extents(Command&);

// Pieces of `show table …` that live with their subject.
Answer show_extents(Command& command, const std::vector<CatalogueTable>& tables,
                    const DatabaseEntry& database);
Answer show_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database);
Answer alter_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database,
                    bool merge);
Answer drop_extent_tags(Command& command, const CatalogueTable& table);

}  // namespace kc::engine
