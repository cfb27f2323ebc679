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
#include "core/engine/principal.h"
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
  Access access;
  bool reads = false;
};
// In the order of matching: longer ones of the same beginning first.
const std::vector<CommandEntry>& command_entries();

// What a text begins; null where no command does.
const CommandEntry* command_entry(std::string_view text);
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

// 1 to 1,024 characters, none of them a control character. Service code
// BadRequest_EntityNameIsNotValid.
Result<void> check_entity_name(std::string_view name);
// `folder` and `docstring`, where they are given.
void apply_table_properties(CatalogueTable& table, const Properties& properties);

Result<DatabaseEntry> database_of(Session& session);
// Also asks whether the principal may, where only a role on the table itself can allow it.
Result<CatalogueTable> table_of(Session& session, std::string_view name);
Result<void> check_table_access(Session& session, CatalogueView& view, const CatalogueTable& table);
// Who creates a table is its admin.
Result<void> own_table(Command& command, CatalogueView& view, const CatalogueTable& table);
// One entry of the journal, in the transaction of what it tells.
Result<void> note(Command& command, CatalogueView& view, JournalEntry entry);

// ---- Answers that several commands give

RowTable table_list(const std::vector<CatalogueTable>& tables, const std::string& database);
RowTable schema_row(const CatalogueTable& table, const std::string& database, bool csl,
                    const std::map<std::string, ColumnDetails>& details = {});
Answer schema_answer(Session& session, const std::string& table, bool csl);
RowTable operation_id(const Uuid& id);
Result<RowTable> list_tables(Session& session);

// Runs `work` now, or starts it as an operation and answers with its id.
Answer run_or_start(Command& command, bool async, Capacity* capacity, std::string_view origin,
                    Work work);

// ---- Handlers, by file
// show_tables
Answer show_tables(Command&);
Answer show_table(Command&);
Answer show_database(Command&);
Answer show_databases(Command&);
// show_operations, show_requests, show_cluster
Answer show_version(Command&);
Answer show_cluster(Command&);
Answer show_capacity(Command&);
Answer show_operations(Command&);
Answer show_operation(Command&);
Answer show_diagnostics(Command&);
Answer show_queries(Command&);
Answer show_running_queries(Command&);
Answer show_commands(Command&);
Answer show_workload_groups(Command&);
Answer show_materialized_views(Command&);
Answer cancel_operation(Command&);
Answer cancel_query(Command&);
Answer show_journal(Command&);
Answer show_ingestion_failures(Command&);
// databases
Answer create_database(Command&);
Answer create_or_alter_database(Command&);
Answer alter_database(Command&);
Answer alter_merge_database(Command&);
Answer delete_database(Command&);
Answer drop_database(Command&);
Answer alter_cluster(Command&);
Answer alter_merge_cluster(Command&);
Answer delete_cluster(Command&);
// tables, columns
Answer create_table(Command&);
Answer create_merge_table(Command&);
Answer create_or_alter_table(Command&);
Answer create_tables(Command&);
Answer alter_merge_table(Command&);
Answer drop_table(Command&);
Answer drop_tables(Command&);
Answer clear_table(Command&);
Answer clear_cache(Command& command, const std::string& name);
Answer rename_table(Command&);
Answer rename_tables(Command&);
Answer alter_table(Command&);
Answer alter_tables(Command&);
Answer delete_table(Command&);
Answer alter_column(Command&);
Answer drop_column(Command&);
Answer rename_column(Command&);
Answer rename_columns(Command&);
Answer show_column(Command&);
Answer delete_column(Command&);
Answer undo_drop(Command&);
// functions, script
Answer create_function(Command&);
Answer create_or_alter_function(Command&);
Answer alter_function(Command&);
Answer drop_function(Command&);
Answer drop_functions(Command&);
Answer show_functions(Command&);
Answer show_function(Command&);
Answer execute_script(Command&);
// principals
Answer add_role(Command&);
Answer set_database_role(Command&);
Answer set_table_role(Command&);
Answer set_cluster_role(Command&);
Answer drop_cluster_role(Command&);
Answer show_principal_roles(Command&);
// export, ingest
Answer export_data(Command&);
Answer ingest_data(Command&);
Answer set_table(Command&);
Answer append_table(Command&);
Answer set_or_append_table(Command&);
Answer set_or_replace_table(Command&);
// extents, merge
Answer move_extents(Command&);
Answer merge_table(Command&);
Answer replace_extents(Command&);
Answer drop_extents(Command&);
Answer drop_pretend_extents(Command&);
Answer alter_async(Command&);
Answer alter_merge_async(Command&);
Answer drop_async(Command&);

// ---- Pieces of commands that live with their subject
enum class MappingMode { create, create_or_alter, alter, merge };
Answer put_table_mapping(Command& command, const std::string& table, MappingMode mode);
Answer put_database_mapping(Command& command, MappingMode mode);
Answer drop_table_mapping(Command& command, const std::string& table);
Answer drop_database_mapping(Command& command);
Answer show_table_mappings(Command& command, const std::string& table);
Answer show_database_mappings(Command& command);

Answer show_extents(Command& command, const std::vector<CatalogueTable>& tables,
                    const DatabaseEntry& database);
enum class TagChange { set, merge, drop };
Answer alter_extent_tags(Command& command, const CatalogueTable& table, TagChange change,
                         bool async);

Answer show_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database);
Answer alter_policy(Command& command, const CatalogueTable& table, const DatabaseEntry& database,
                    bool merge);
Answer show_scope_policy(Command& command, Scope scope);
Answer alter_scope_policy(Command& command, Scope scope, bool merge);
Answer delete_scope_policy(Command& command, Scope scope);
Answer show_column_policy(Command& command, const std::string& table, const std::string& column);
Answer alter_column_policy(Command& command, const std::string& table, const std::string& column);
Answer delete_column_policy(Command& command, const std::string& table, const std::string& column);

Answer alter_table_columns(Command& command, const std::string& name);
Answer alter_column_docstrings(Command& command, const std::string& name, bool merge);
Answer drop_table_columns(Command& command, const std::string& name);

enum class RoleChange { add, set, drop };
bool is_role(TokenStream& tokens);
Answer change_table_role(Command& command, const std::string& name, RoleChange change);
Answer change_database_role(Command& command, RoleChange change);
Answer show_principals(Command& command, Scope scope, std::int64_t owner);

Answer show_database_schema(Command& command);  // after `schema` or `cslschema`
Answer show_databases_schema(Command& command, const std::vector<std::string>& names);

}  // namespace kc::engine
