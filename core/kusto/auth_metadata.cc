#include "core/kusto/auth_metadata.h"

#include "core/base/json.h"

namespace kc::kusto {
namespace {

using nlohmann::json;

Failure refuse(ErrorKind kind, const std::string& what) {
  return fail(kind, "kusto.auth_metadata", "the cluster's page about signing in " + what);
}

// A field that is absent or null keeps its default; one of another type is no such page.
Result<void> take(const json& from, const char* name, std::string& into) {
  if (!from.contains(name) || from[name].is_null()) return {};
  if (!from[name].is_string() || from[name].get<std::string>().empty())
    return refuse(ErrorKind::corrupt, std::string("has a ") + name + " that is no text");
  into = from[name].get<std::string>();
  while (into.ends_with('/')) into.pop_back();
  return {};
}

}  // namespace

Result<AuthMetadata> read_auth_metadata(const net::HttpAnswer& answer) {
  AuthMetadata metadata;
  if (answer.status == 404) return metadata;
  if (answer.status != 200) {
    const bool passing = answer.status >= 500 || answer.status == 408 || answer.status == 429;
    return refuse(passing ? ErrorKind::unavailable : ErrorKind::corrupt,
                  "was answered with " + std::to_string(answer.status));
  }
  const auto body = json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return refuse(ErrorKind::corrupt, "is no JSON object");
  if (!body.contains("AzureAD") || body["AzureAD"].is_null()) return metadata;
  const auto& says = body["AzureAD"];
  if (!says.is_object()) return refuse(ErrorKind::corrupt, "has an AzureAD that is no object");
  KC_CHECK_OK(take(says, "LoginEndpoint", metadata.login_endpoint));
  KC_CHECK_OK(take(says, "KustoServiceResourceId", metadata.resource));
  const bool second_factor = says.contains("LoginMfaRequired") && says["LoginMfaRequired"] == true;
  constexpr std::string_view kPlain = ".kusto.", kSecondFactor = ".kustomfa.";
  const auto at = metadata.resource.find(kPlain);
  if (second_factor && at != std::string::npos)
    metadata.resource.replace(at, kPlain.size(), kSecondFactor);
  return metadata;
}

}  // namespace kc::kusto
