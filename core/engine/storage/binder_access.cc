// What a principal sees of a table, and the database's functions.

#include "core/base/json.h"
#include "core/engine/principal.h"
#include "core/engine/storage/binder.h"

namespace kc::engine {

// The viewer's role, restricted views and row level security, at the moment the table is looked at.
Result<void> RequestBinder::guard(CatalogueView& view, const DatabaseEntry& database,
                                  const CatalogueTable& table, Relation& relation) {
  const auto principal = principal_of_token(session_.options.token);
  KC_TRY(const bool allowed, may(view, principal, Access::viewer, database.id, table.id));
  if (!allowed)
    return access_denied(
        principal, "read the table '" + table.name + "' of the database '" + database.name + "'");
  KC_TRY(const auto policies, view.policies(table.id));
  const auto policy = [&](const char* name) {
    const auto at = policies.find(name);
    auto json = nlohmann::json::object();
    if (at != policies.end()) json = nlohmann::json::parse(at->second, nullptr, false);
    return json.is_object() ? json : nlohmann::json::object();
  };
  if (policy("restricted_view_access").value("IsEnabled", false)) {
    KC_TRY(const bool unrestricted,
           may(view, principal, Access::unrestricted_viewer, database.id, table.id));
    if (!unrestricted)
      return access_denied(principal, "read the table '" + table.name +
                                          "', which has the RestrictedViewAccess policy enabled");
  }
  const auto rows = policy("row_level_security");
  if (rows.empty()) return {};
  const bool enabled = rows.value("IsEnabled", false);
  if (enabled && session_.options.block_row_level_security) {
    Error error{.kind = ErrorKind::denied, .code = "engine.row_level_security", .message = {}};
    error.message = "Access to table '" + table.name +
                    "' is blocked: it has the RowLevelSecurity policy enabled and the request "
                    "sets request_block_row_level_security.";
    error.service_code = "Forbidden";
    return fail(std::move(error));
  }
  if (enabled || session_.options.force_row_level_security)
    relation.row_level_query = rows.value("Query", "");
  return {};
}

Result<std::optional<StoredFunction>> RequestBinder::function(std::string_view database,
                                                              std::string_view name) {
  auto& host = session_.host;
  std::optional<StoredFunction> found;
  const auto checked = host.catalogue->read([&](CatalogueView& view) -> Result<void> {
    KC_TRY(const auto db,
           view.database(database.empty() ? std::string_view(session_.database) : database));
    KC_TRY(const auto entry, view.function(db.id, name));
    if (entry) found = StoredFunction{entry->parameters, entry->body};
    seen(host.catalogue->version_locked());
    return {};
  });
  KC_CHECK_OK(checked);
  return found;
}

std::string RequestBinder::current_principal() { return principal_name(session_); }

}  // namespace kc::engine
