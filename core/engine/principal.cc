#include "core/engine/principal.h"

#include <algorithm>

#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/engine/host.h"

namespace kc::engine {
namespace {

constexpr std::string_view kAdministrator = "aadapp=00000000-0000-0000-0000-000000000000;local";

// Cluster roles are those of all databases.
bool grants(const PrincipalEntry& entry, Access access) {
  const auto& role = entry.role;
  if (role == "admins") {
    if (entry.scope == Scope::cluster) return true;
    if (entry.scope == Scope::database)
      return access != Access::cluster_admin && access != Access::unrestricted_viewer;
    return access == Access::table_admin || access == Access::ingestor || access == Access::viewer;
  }
  if (role == "users") return access == Access::user || access == Access::viewer;
  if (role == "viewers") return access == Access::viewer;
  if (role == "unrestrictedviewers")
    return access == Access::viewer || access == Access::unrestricted_viewer;
  if (role == "ingestors") return access == Access::ingestor;
  return role == "monitors" && access == Access::monitor;
}

// Given with or without the tenant.
bool same(std::string_view given, std::string_view principal) {
  return given == principal ||
         (given.find(';') == std::string_view::npos && principal.starts_with(given) &&
          principal.substr(given.size()).starts_with(";"));
}

}  // namespace

std::string principal_of_token(std::string_view token) {
  if (token.empty()) return {};
  const auto first = token.find('.');
  if (first != std::string_view::npos) {
    const auto payload =
        unbase64_url(token.substr(first + 1, token.find('.', first + 1) - first - 1));
    const auto claims = nlohmann::json::parse(payload.value_or(""), nullptr, false);
    const auto claim = [&](const char* name) {
      return claims.is_object() && claims.contains(name) && claims[name].is_string()
                 ? claims[name].get<std::string>()
                 : std::string();
    };
    const auto tenant = claim("tid");
    const auto with_tenant = [&](const std::string& name) {
      return tenant.empty() ? name : name + ";" + tenant;
    };
    const bool app = claim("idtyp") == "app" || (claim("upn").empty() && claim("scp").empty());
    if (app && !claim("appid").empty()) return with_tenant("aadapp=" + claim("appid"));
    for (const auto* name : {"upn", "unique_name", "oid", "sub"}) {
      if (!claim(name).empty()) return with_tenant("aaduser=" + claim(name));
    }
  }
  return "aaduser=unknown";
}

Result<bool> may(CatalogueView& view, std::string_view principal, Access access,
                 std::optional<std::int64_t> database, std::optional<std::int64_t> table) {
  if (principal.empty() || access == Access::anyone) return true;
  KC_TRY(const auto entries, view.principals());
  if (entries.empty()) return true;
  return std::any_of(entries.begin(), entries.end(), [&](const PrincipalEntry& entry) {
    const bool here = entry.scope == Scope::cluster ||
                      (entry.scope == Scope::database && database == entry.owner) ||
                      (entry.scope == Scope::table && table == entry.owner);
    return here && same(entry.principal, principal) && grants(entry, access);
  });
}

Result<bool> has_table_role(CatalogueView& view, std::string_view principal,
                            std::int64_t database) {
  KC_TRY(const auto entries, view.principals());
  KC_TRY(const auto tables, view.tables(database));
  return std::any_of(entries.begin(), entries.end(), [&](const PrincipalEntry& entry) {
    return entry.scope == Scope::table && same(entry.principal, principal) &&
           std::any_of(tables.begin(), tables.end(),
                       [&](const CatalogueTable& table) { return table.id == entry.owner; });
  });
}

Failure access_denied(std::string_view principal, std::string_view what) {
  Error error{.kind = ErrorKind::denied, .code = "engine.denied", .message = {}};
  error.message =
      "Principal '" + std::string(principal) + "' is not authorized to " + std::string(what) + ".";
  error.service_code = "Forbidden";
  return fail(std::move(error));
}

std::string principal_name(const Session& session) {
  const auto principal = principal_of_token(session.options.token);
  return principal.empty() ? std::string(kAdministrator) : principal;
}

}  // namespace kc::engine
