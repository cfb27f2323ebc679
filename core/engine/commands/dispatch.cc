#include "core/engine/commands/command.h"
#include "core/engine/commands/fated.h"
#include "core/engine/query/run.h"

namespace kc::engine {

const std::vector<CommandEntry>& command_entries() {
  static const std::vector<CommandEntry> kEntries = {
      {"show tables", "TablesShow", show_tables, Access::viewer, true},
      {"show table", "TableShow", show_table, Access::viewer, true},
      {"show databases", "DatabasesShow", show_databases, Access::anyone, true},
      {"show database", "DatabaseShow", show_database, Access::viewer, true},
      {"show version", "VersionShow", show_version, Access::anyone, true},
      {"show cluster", "ClusterShow", show_cluster, Access::viewer, true},
      {"show capacity", "CapacityShow", show_capacity, Access::viewer, true},
      {"show operations", "OperationsShow", show_operations, Access::viewer, true},
      {"show operation", "OperationDetailsShow", show_operation, Access::viewer, true},
      {"show functions", "FunctionsShow", show_functions, Access::viewer, true},
      {"show function", "FunctionShow", show_function, Access::viewer, true},
      {"show column", "ColumnShow", show_column, Access::viewer, true},
      {"show ingestion failures", "IngestionFailuresShow", show_ingestion_failures, Access::viewer,
       true},
      {"show principal", "PrincipalRolesShow", show_principal_roles, Access::anyone, true},
      {"show queries", "QueriesShow", show_queries, Access::viewer, true},
      {"show running queries", "RunningQueriesShow", show_running_queries, Access::viewer, true},
      {"show commands-and-queries", "CommandsAndQueriesShow", show_commands, Access::viewer, true},
      {"show commands", "CommandsShow", show_commands, Access::viewer, true},
      {"show journal", "JournalShow", show_journal, Access::viewer, true},
      {"show materialized-views", "MaterializedViewsShow", show_materialized_views, Access::viewer,
       true},
      {"show diagnostics", "DiagnosticsShow", show_diagnostics, Access::viewer, true},
      {"show workload_groups", "WorkloadGroupsShow", show_workload_groups, Access::viewer, true},
      {"show workload_group", "WorkloadGroupShow", show_workload_groups, Access::viewer, true},
      {"create database", "DatabaseCreate", create_database, Access::cluster_admin},
      {"create-merge tables", "TablesCreateMerge", create_tables, Access::user},
      {"create-merge table", "TableCreateMerge", create_merge_table, Access::user},
      {"create-or-alter table", "IngestionMappingCreateOrAlter", create_or_alter_table,
       Access::ingestor},
      {"create-or-alter database", "DatabaseIngestionMappingCreateOrAlter",
       create_or_alter_database, Access::ingestor},
      {"create-or-alter function", "FunctionCreateOrAlter", create_or_alter_function, Access::user},
      {"create tables", "TablesCreate", create_tables, Access::user},
      {"create table", "TableCreate", create_table, Access::user},
      {"create function", "FunctionCreate", create_function, Access::user},
      {"alter-merge async", "ExtentTagsAlterMerge", alter_merge_async, Access::table_admin},
      {"alter-merge table", "TableAlterMerge", alter_merge_table, Access::table_admin},
      {"alter-merge database", "DatabaseAlterMerge", alter_merge_database, Access::database_admin},
      {"alter-merge cluster", "ClusterAlterMerge", alter_merge_cluster, Access::cluster_admin},
      {"alter async", "ExtentTagsAlter", alter_async, Access::table_admin},
      {"alter tables", "TablesAlter", alter_tables, Access::table_admin},
      {"alter table", "TableAlter", alter_table, Access::table_admin},
      {"alter database", "DatabaseAlter", alter_database, Access::database_admin},
      {"alter cluster", "ClusterAlter", alter_cluster, Access::cluster_admin},
      {"alter column", "ColumnAlter", alter_column, Access::table_admin},
      {"alter function", "FunctionAlter", alter_function, Access::user},
      {"delete table", "TablePolicyDelete", delete_table, Access::table_admin},
      {"delete database", "DatabasePolicyDelete", delete_database, Access::database_admin},
      {"delete cluster", "ClusterPolicyDelete", delete_cluster, Access::cluster_admin},
      {"delete column", "ColumnPolicyDelete", delete_column, Access::table_admin},
      {"drop-pretend extents", "ExtentsDropPretend", drop_pretend_extents, Access::table_admin,
       true},
      {"drop async", "ExtentTagsDrop", drop_async, Access::table_admin},
      {"drop tables", "TablesDrop", drop_tables, Access::table_admin},
      {"drop table", "TableDrop", drop_table, Access::table_admin},
      {"drop column", "ColumnDrop", drop_column, Access::table_admin},
      {"drop functions", "FunctionsDrop", drop_functions, Access::user},
      {"drop function", "FunctionDrop", drop_function, Access::user},
      {"drop database", "DatabaseDrop", drop_database, Access::database_admin},
      {"drop cluster", "ClusterRoleDrop", drop_cluster_role, Access::cluster_admin},
      {"drop extents", "ExtentsDrop", drop_extents, Access::table_admin},
      {"drop extent", "ExtentsDrop", drop_extents, Access::table_admin},
      {"undo drop", "TableUndoDrop", undo_drop, Access::database_admin},
      {"add", "RoleAdd", add_role, Access::table_admin},
      {"clear table", "TableClear", clear_table, Access::table_admin},
      {"rename tables", "TablesRename", rename_tables, Access::table_admin},
      {"rename table", "TableRename", rename_table, Access::table_admin},
      {"rename columns", "ColumnsRename", rename_columns, Access::table_admin},
      {"rename column", "ColumnRename", rename_column, Access::table_admin},
      {"execute", "DatabaseScriptExecute", execute_script, Access::database_admin},
      {"cancel operation", "OperationCancel", cancel_operation, Access::database_admin},
      {"cancel query", "QueryCancel", cancel_query, Access::viewer},
      {"export", "DataExport", export_data, Access::viewer},
      {"ingest", "DataIngestPull", ingest_data, Access::ingestor},
      {"set-or-append", "TableSetOrAppend", set_or_append_table, Access::ingestor},
      {"set-or-replace", "TableSetOrReplace", set_or_replace_table, Access::ingestor},
      {"append", "TableAppend", append_table, Access::ingestor},
      {"set database", "DatabaseRoleSet", set_database_role, Access::database_admin},
      {"set table", "TableRoleSet", set_table_role, Access::table_admin},
      {"set cluster", "ClusterRoleSet", set_cluster_role, Access::cluster_admin},
      {"set", "TableSet", set_table, Access::ingestor},
      {"move", "ExtentsMove", move_extents, Access::table_admin},
      {"merge", "ExtentsMerge", merge_table, Access::table_admin},
      {"replace", "ExtentsReplace", replace_extents, Access::table_admin},
  };
  return kEntries;
}

namespace {

// Roles of cluster and database count here. Where only a role on a table can allow the command, the
// session remembers what it needs, and the table is asked once it is known.
Result<void> authorize(Session& session, const CommandEntry& entry) {
  const auto principal = principal_of_token(session.options.token);
  if (principal.empty()) return {};
  return session.host.catalogue->read([&](CatalogueView& view) -> Result<void> {
    std::optional<std::int64_t> owner;
    if (const auto database = view.database(session.database)) owner = database->id;
    KC_TRY(bool allowed, may(view, principal, entry.access, owner, std::nullopt));
    if (!allowed && entry.reads) {
      KC_TRY(allowed, may(view, principal, Access::monitor, owner, std::nullopt));
    }
    if (allowed) return {};
    const bool of_tables = entry.access == Access::table_admin ||
                           entry.access == Access::ingestor || entry.access == Access::viewer;
    if (of_tables && owner) {
      KC_TRY(const bool some, has_table_role(view, principal, *owner));
      session.needs = entry.access;
      if (some) return {};
    }
    return access_denied(principal, "perform the operation '" + std::string(entry.kind) +
                                        "' on the database '" + session.database + "'");
  });
}

const CommandEntry* find_entry(TokenStream& tokens) {
  for (const auto& entry : command_entries()) {
    if (tokens.accept_words(entry.words)) return &entry;
  }
  return nullptr;
}

// `; $command_results | …` and `| …` after the command's own words.
Answer run_tail(Command& command, RowTable rows) {
  auto& tokens = command.tokens;
  if (tokens.accept(";") && !tokens.at_end()) {
    KC_CHECK_OK(tokens.expect_word("$command_results"));
    if (!tokens.is("|") && !tokens.at_end())
      return fail(tokens.error("expected operators over $command_results"));
  }
  if (tokens.is("|"))
    return run_operators(command.session, std::move(rows), tokens.text().substr(tokens.offset()));
  if (!tokens.at_end()) return fail(tokens.error("expected the end of the command"));
  return rows;
}

}  // namespace

const CommandEntry* command_entry(std::string_view text) {
  TokenStream tokens(text);
  return tokens.accept(".") ? find_entry(tokens) : nullptr;
}

Answer run_command(Session& session, std::string_view text) {
  TokenStream tokens(text);
  KC_CHECK_OK(tokens.expect("."));
  const auto* entry = find_entry(tokens);
  if (entry == nullptr) {
    return fail(tokens.error(
        "the command '." + tokens.peek_hyphenated() + "' is unknown or not supported", "SYN0100"));
  }
  if (session.options.read_only && !entry->reads) {
    return fail(ErrorKind::denied, "engine.read_only",
                "The request is read-only and the command is not.");
  }
  KC_CHECK_OK(authorize(session, *entry));
  Command command{session, std::move(tokens), entry->kind};
  KC_TRY(auto rows, run_fated(command, *entry, text));
  return run_tail(command, std::move(rows));
}

Answer rows_of(Session& session, std::string_view text) {
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '.')
    return run_command(session, text.substr(start));
  auto unlimited = session;
  unlimited.options.notruncation = true;
  KC_TRY(auto answer, run_query(unlimited, text));
  if (answer.partial) return fail(std::move(*answer.partial));
  if (answer.tables.empty()) return bad_request("the query yields no table");
  return decode(answer.tables.front());
}

Answer run_or_start(Command& command, bool async, Capacity* capacity, std::string_view origin,
                    Work work) {
  auto& host = command.host();
  const auto fate = host.fate(command.kind);
  if (fate.throttle)
    return throttled(command.kind, capacity != nullptr ? capacity->total() : 1, origin);
  command.session.fate = fate;
  if (async) command.session.fate.fail_after = false;  // told by the operation, not by its start
  Capacity::Slot slot;
  if (capacity != nullptr) {
    const bool may_wait = async && host.operations->scheduled(command.kind) < fate.queue;
    slot = capacity->try_take();
    if (!slot && !may_wait) return throttled(command.kind, capacity->total(), origin);
  }
  const OperationRequest request{std::string(command.kind),
                                 command.session.database,
                                 command.session.options.client_request_id,
                                 command.session.options.activity,
                                 fate,
                                 capacity};
  if (async) {
    KC_TRY(const auto id, host.operations->start(request, std::move(work), std::move(slot)));
    return operation_id(id);
  }
  KC_TRY(const auto table, host.operations->run(request, work));
  return decode(table);
}

RowTable operation_id(const Uuid& id) {
  return {{{"OperationId", ScalarType::guid_}}, {{guid_value(id)}}};
}

}  // namespace kc::engine
