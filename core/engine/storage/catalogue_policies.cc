// The catalogue's policies above the table, principals, journal and failures of ingestion.
#include "core/engine/storage/catalogue.h"

namespace kc::engine {
namespace {

std::int64_t number_of(Scope scope) { return static_cast<std::int64_t>(scope); }

PrincipalEntry principal_from(const SqlRow& row) {
  return {static_cast<Scope>(row.number(0)), row.number(1), row.text(2), row.text(3), row.text(4)};
}

}  // namespace

Result<std::map<std::string, std::string>> CatalogueView::scope_policies(Scope scope,
                                                                         std::int64_t owner) {
  if (scope == Scope::table) return policies(owner);
  std::map<std::string, std::string> found;
  KC_CHECK_OK(sqlite_.each("SELECT name, policy FROM scope_policies WHERE scope = ? AND owner = ?",
                           {number_of(scope), owner},
                           [&](const SqlRow& row) { found[row.text(0)] = row.text(1); }));
  return found;
}

Result<void> CatalogueView::set_scope_policy(Scope scope, std::int64_t owner,
                                             std::string_view policy, const std::string& value) {
  if (scope == Scope::table) return set_policy(owner, policy, value);
  return exec("INSERT OR REPLACE INTO scope_policies VALUES(?,?,?,?)",
              {number_of(scope), owner, std::string(policy), value});
}

Result<void> CatalogueView::delete_scope_policy(Scope scope, std::int64_t owner,
                                                std::string_view policy) {
  if (scope == Scope::table) return delete_policy(owner, policy);
  return exec("DELETE FROM scope_policies WHERE scope = ? AND owner = ? AND name = ?",
              {number_of(scope), owner, std::string(policy)});
}

Result<std::optional<std::string>> CatalogueView::effective_policy(const CatalogueTable& table,
                                                                   std::string_view policy) {
  const std::pair<Scope, std::int64_t> scopes[] = {
      {Scope::table, table.id}, {Scope::database, table.database}, {Scope::cluster, 0}};
  for (const auto& [scope, owner] : scopes) {
    KC_TRY(const auto found, scope_policies(scope, owner));
    const auto at = found.find(std::string(policy));
    if (at != found.end() && at->second != "null") return at->second;
  }
  return std::nullopt;
}

Result<std::vector<PrincipalEntry>> CatalogueView::principals() {
  std::vector<PrincipalEntry> found;
  KC_CHECK_OK(sqlite_.each(
      "SELECT scope, owner, role, principal, notes FROM principals ORDER BY scope, owner, role, "
      "principal",
      {}, [&](const SqlRow& row) { found.push_back(principal_from(row)); }));
  return found;
}

Result<void> CatalogueView::add_principal(const PrincipalEntry& entry) {
  return exec("INSERT OR REPLACE INTO principals VALUES(?,?,?,?,?)",
              {number_of(entry.scope), entry.owner, entry.role, entry.principal, entry.notes});
}

Result<void> CatalogueView::drop_principal(const PrincipalEntry& entry) {
  return exec("DELETE FROM principals WHERE scope = ? AND owner = ? AND role = ? AND principal = ?",
              {number_of(entry.scope), entry.owner, entry.role, entry.principal});
}

Result<void> CatalogueView::add_journal(const JournalEntry& entry) {
  return exec(
      "INSERT INTO journal VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?)",
      {entry.at, entry.event, entry.database, entry.entity, entry.updated_entity, entry.version,
       entry.container, entry.command, entry.principal, entry.activity.text(), entry.request_id});
}

Result<std::vector<JournalEntry>> CatalogueView::journal() {
  std::vector<JournalEntry> found;
  KC_CHECK_OK(sqlite_.each(
      "SELECT at, event, database, entity, updated_entity, version, container, command, principal, "
      "activity, request_id FROM journal ORDER BY id",
      {}, [&](const SqlRow& row) {
        found.push_back({row.number(0), row.text(1), row.text(2), row.text(3), row.text(4),
                         row.text(5), row.text(6), row.text(7), row.text(8),
                         Uuid::parse(row.text(9)).value_or(Uuid{}), row.text(10)});
      }));
  return found;
}

Result<void> CatalogueView::add_ingestion_failure(const IngestionFailure& entry) {
  return exec(
      "INSERT INTO ingestion_failures VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {entry.at, entry.operation.text(), entry.database, entry.table, entry.source, entry.details,
       entry.code, entry.kind, entry.activity.text(), std::int64_t{entry.from_update_policy},
       std::int64_t{entry.should_retry}, entry.principal, entry.properties});
}

Result<std::vector<IngestionFailure>> CatalogueView::ingestion_failures(std::int64_t since) {
  std::vector<IngestionFailure> found;
  KC_CHECK_OK(sqlite_.each(
      "SELECT at, operation, database, table_name, source, details, code, kind, activity, "
      "from_update_policy, should_retry, principal, properties FROM ingestion_failures "
      "WHERE at >= ? ORDER BY id",
      {since}, [&](const SqlRow& row) {
        IngestionFailure entry;
        entry.at = row.number(0);
        entry.operation = Uuid::parse(row.text(1)).value_or(Uuid{});
        entry.database = row.text(2);
        entry.table = row.text(3);
        entry.source = row.text(4);
        entry.details = row.text(5);
        entry.code = row.text(6);
        entry.kind = row.text(7);
        entry.activity = Uuid::parse(row.text(8)).value_or(Uuid{});
        entry.from_update_policy = row.number(9) != 0;
        entry.should_retry = row.number(10) != 0;
        entry.principal = row.text(11);
        entry.properties = row.text(12);
        found.push_back(std::move(entry));
      }));
  return found;
}

}  // namespace kc::engine
