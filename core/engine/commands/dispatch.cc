#include "core/engine/commands/command.h"
#include "core/engine/commands/fated.h"
#include "core/engine/query/run.h"

namespace kc::engine {

const std::vector<CommandEntry>& command_entries() {
  static const std::vector<CommandEntry> kEntries = {
      {"show tables", "TablesShow", show_tables, true},
      {"show table", "TableShow", show_table, true},
      {"show databases", "DatabasesShow", show_databases, true},
      {"show database", "DatabaseShow", show_database, true},
      {"show version", "VersionShow", show_version, true},
      {"show cluster", "ClusterShow", show_cluster, true},
      {"show capacity", "CapacityShow", show_capacity, true},
      {"show operations", "OperationsShow", show_operations, true},
      {"show operation", "OperationDetailsShow", show_operation, true},
      {"create database", "DatabaseCreate", create_database},
      {"create-merge tables", "TablesCreateMerge", create_tables},
      {"create-merge table", "TableCreateMerge", create_merge_table},
      {"create tables", "TablesCreate", create_tables},
      {"create table", "TableCreate", create_table},
      {"alter-merge table", "TableAlterMerge", alter_merge_table},
      {"alter table", "TableAlter", alter_table},
      {"delete table", "TablePolicyDelete", delete_table_policy},
      {"drop tables", "TablesDrop", drop_tables},
      {"drop table", "TableDrop", drop_table},
      {"drop extents", "ExtentsDrop", drop_extents},
      {"drop extent", "ExtentsDrop", drop_extents},
      {"clear table", "TableClear", clear_table},
      {"rename tables", "TablesRename", rename_tables},
      {"rename table", "TableRename", rename_table},
      {"export", "DataExport", export_data},
      {"ingest", "DataIngestPull", ingest_data},
      {"set-or-append", "TableSetOrAppend", set_or_append_table},
      {"set-or-replace", "TableSetOrReplace", set_or_replace_table},
      {"append", "TableAppend", append_table},
      {"set", "TableSet", set_table},
      {"move", "ExtentsMove", move_extents},
      {"replace", "ExtentsReplace", replace_extents},
  };
  return kEntries;
}

namespace {

bool match(TokenStream& tokens, std::string_view words) {
  const auto mark = tokens.mark();
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (tokens.peek_hyphenated() != words.substr(0, end)) {
      tokens.reset(mark);
      return false;
    }
    tokens.take_hyphenated();
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return true;
}

const CommandEntry* find_entry(TokenStream& tokens) {
  for (const auto& entry : command_entries()) {
    if (match(tokens, entry.words)) return &entry;
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
