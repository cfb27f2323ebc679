#include "core/kusto/cluster_probe.h"

#include "core/base/json.h"
#include "core/kusto/classify.h"
#include "core/kusto/result_table.h"

namespace kc::kusto {
namespace {

constexpr std::size_t kProbeBytesMax = std::size_t{4} << 20;

bool is_bare_address(std::string_view host) {
  return host.find(':') != host.npos || host.find_first_not_of("0123456789.") == host.npos;
}

}  // namespace

std::optional<std::string> ingestion_url(const std::string& url) {
  const auto host = net::host_of(url);
  const auto begin = url.find("://");
  if (begin == std::string::npos || net::is_loopback_host(host) || is_bare_address(host) ||
      host.starts_with("ingest-"))
    return std::nullopt;
  return url.substr(0, begin + 3) + "ingest-" + url.substr(begin + 3);
}

ClusterProbe::ClusterProbe(ConnectionString where, std::shared_ptr<Identities> all,
                           std::stop_token stop)
    : where_(std::move(where)), all_(std::move(all)), stop_(std::move(stop)) {
  if (where_.sign_in.kind != SignIn::Kind::none) identity_.emplace(where_, all_);
}

Result<AuthMetadata> ClusterProbe::metadata_of(const std::string& url, Timespan deadline) {
  net::HttpCall call{.url = url + "/v1/rest/auth/metadata",
                     .headers = {{"Accept", "application/json"}},
                     .deadline = deadline,
                     .cancel = stop_,
                     .repeatable = true};
  call.answer_bytes_max = kProbeBytesMax;
  KC_TRY(const auto answer, all_->surroundings.transport.exchange(call));
  return read_auth_metadata(answer);
}

Result<AuthMetadata> ClusterProbe::metadata(Timespan deadline) {
  return metadata_of(where_.url, deadline);
}

Result<void> ClusterProbe::ingestion(const std::string& url, Timespan deadline) {
  KC_TRY(const auto says, metadata_of(url, deadline));
  (void)says;
  return {};
}

Result<azure::AccessToken> ClusterProbe::token(Timespan deadline) {
  return identity_->token(deadline, stop_);
}

Result<std::string> ClusterProbe::ask(const std::string& text, Timespan deadline) {
  const nlohmann::json body = {{"db", where_.database.empty() ? "NetDefaultDB" : where_.database},
                               {"csl", text}};
  net::HttpCall call{.method = net::Method::post,
                     .url = where_.url + "/v1/rest/mgmt",
                     .headers = {{"Accept", "application/json"},
                                 {"Content-Type", "application/json; charset=utf-8"},
                                 {"x-ms-app", "kusto-copy"}},
                     .deadline = deadline,
                     .cancel = stop_,
                     .repeatable = true};
  call.answer_bytes_max = kProbeBytesMax;
  try {
    call.body = body.dump();
  } catch (const nlohmann::json::exception&) {
    return fail(ErrorKind::invalid, "kusto.invalid_command", "the database's name is not UTF-8");
  }
  azure::AccessToken token;
  if (identity_) {
    KC_TRY(token, identity_->token(deadline, stop_));
    call.headers.push_back({"Authorization", "Bearer " + token.secret});
  }
  KC_TRY(auto answer, all_->surroundings.transport.exchange(call));
  hide_token(answer, token.secret);
  if (answer.status != 200) return fail(classify(answer, {}, all_->surroundings.clock.now()));
  return std::move(answer.body);
}

Result<ClusterProbe::Version> ClusterProbe::version(Timespan deadline) {
  KC_TRY(const auto body, ask(kShowVersion, deadline));
  KC_TRY(const auto table, ResultTable::from_v1(body));
  KC_TRY(const auto services, table.strings("ServiceType"));
  KC_TRY(const auto products, table.strings("ProductVersion"));
  if (services.empty()) return fail(malformed_answer("a version without a row"));
  return Version{clean_message(products.front()), clean_message(services.front())};
}

Result<std::vector<ClusterProbe::Role>> ClusterProbe::roles(Timespan deadline) {
  KC_TRY(const auto body, ask(kShowRoles, deadline));
  KC_TRY(const auto table, ResultTable::from_v1(body));
  KC_TRY(const auto scopes, table.strings("Scope"));
  KC_TRY(const auto names, table.strings("DisplayName"));
  KC_TRY(const auto words, table.strings("Role"));
  std::vector<Role> roles;
  for (std::size_t i = 0; i < scopes.size(); ++i)
    roles.push_back({clean_message(scopes[i]), clean_message(names[i]), clean_message(words[i])});
  return roles;
}

}  // namespace kc::kusto
