#include "tests/fakes/identity_server.h"

#include <chrono>

#include "core/azure/jwt.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace kc::fakes {
namespace {

using nlohmann::json;

std::string value_of(const azure::Query& query, const std::string& name) {
  for (const auto& [one, value] : query) {
    if (one == name) return value;
  }
  return {};
}

// `+` is a blank in a form.
azure::Query form_of(std::string text) {
  for (char& c : text) {
    if (c == '+') c = ' ';
  }
  return azure::parse_query(text);
}

IdentityRequest read(const RawRequest& raw, bool tls) {
  IdentityRequest request;
  request.tls = tls;
  request.body = raw.body;
  request.form = form_of(raw.body);
  const auto line = raw.head.substr(0, raw.head.find("\r\n"));
  const auto first = line.find(' '), second = line.rfind(' ');
  request.method = line.substr(0, first);
  const auto target = line.substr(first + 1, second - first - 1);
  request.path = target.substr(0, target.find('?'));
  if (const auto at = target.find('?'); at != std::string::npos)
    request.query = azure::parse_query(target.substr(at + 1));
  for (std::size_t at = line.size() + 2; at < raw.head.size();) {
    const auto end = std::min(raw.head.find("\r\n", at), raw.head.size());
    const auto header = raw.head.substr(at, end - at);
    const auto colon = std::min(header.find(':'), header.size());
    request.headers[lower(header.substr(0, colon))] =
        trim(std::string_view(header).substr(std::min(colon + 1, header.size())));
    at = end + 2;
  }
  return request;
}

long now_seconds() {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count());
}

IdentityAnswer refused(int status, const char* word, const std::string& text) {
  return {status, json{{"error", word}, {"error_description", text}}.dump()};
}

}  // namespace

std::string IdentityRequest::form_value(const std::string& name) const {
  return value_of(form, name);
}

IdentityServer::IdentityServer()
    : certificate_(make_certificate("identity server")),
      http_([this](RawConnection& one) { serve(one, false); }),
      https_([this](RawConnection& one) { serve(one, true); }, certificate_.certificate,
             certificate_.key) {}

std::string IdentityServer::login_url() const { return https_.url(""); }
std::string IdentityServer::machine_url() const { return http_.url(""); }

void IdentityServer::set_arc(std::string challenge_file, std::string secret) {
  std::lock_guard lock(mutex_);
  arc_file_ = std::move(challenge_file);
  arc_secret_ = std::move(secret);
}

void IdentityServer::answer_next(std::string path, IdentityAnswer answer) {
  std::lock_guard lock(mutex_);
  next_.emplace_back(std::move(path), std::move(answer));
}

void IdentityServer::set_lifetime(long seconds) {
  std::lock_guard lock(mutex_);
  lifetime_ = seconds;
}

std::vector<IdentityRequest> IdentityServer::seen() const {
  std::lock_guard lock(mutex_);
  return seen_;
}

void IdentityServer::forget() {
  std::lock_guard lock(mutex_);
  seen_.clear();
}

void IdentityServer::serve(RawConnection& connection, bool tls) {
  while (const auto raw = connection.read_request()) {
    const auto request = read(*raw, tls);
    IdentityAnswer given;
    {
      std::lock_guard lock(mutex_);
      seen_.push_back(request);
      if (!next_.empty() && request.path.find(next_.front().first) != std::string::npos) {
        given = std::move(next_.front().second);
        next_.pop_front();
      } else {
        given = answer(request);
      }
    }
    const auto headers = "Content-Type: application/json\r\n" + given.headers;
    if (!connection.send(raw_answer(given.status, given.body, headers))) return;
  }
}

std::string IdentityServer::token(const std::string& audience) {
  const json claims = {{"aud", audience}, {"exp", now_seconds() + lifetime_}, {"n", ++tokens_}};
  return base64_url(R"({"alg":"none"})") + "." + base64_url(claims.dump()) + ".c2ln";
}

IdentityAnswer IdentityServer::answer(const IdentityRequest& request) {
  const bool entra = request.path.find("/oauth2/v2.0/") != std::string::npos ||
                     request.path.find("/.well-known/") != std::string::npos;
  return entra ? login(request) : machine(request);
}

IdentityAnswer IdentityServer::login(const IdentityRequest& request) {
  const auto tenant = request.path.substr(1, request.path.find('/', 1) - 1);
  const auto base = login_url() + "/" + tenant;
  if (!request.tls) return refused(400, "invalid_request", "AADSTS900021: https only");
  if (request.path.ends_with("/.well-known/openid-configuration")) {
    return {200, json{{"token_endpoint", base + "/oauth2/v2.0/token"},
                      {"authorization_endpoint", base + "/oauth2/v2.0/authorize"},
                      {"jwks_uri", base + "/discovery/v2.0/keys"},
                      {"issuer", base + "/v2.0"}}
                     .dump()};
  }
  if (request.form_value("client_id").empty())
    return refused(400, "invalid_request", "AADSTS900144: client_id is missing");
  if (request.path.ends_with("/devicecode")) {
    return {200, json{{"user_code", "ABC-123"},
                      {"device_code", "device-1"},
                      {"verification_uri", base + "/device"},
                      {"expires_in", 900},
                      {"interval", 1},
                      {"message", "enter ABC-123"}}
                     .dump()};
  }
  const bool entered = request.form_value("device_code") == "device-1";
  const bool proven = entered || !request.form_value("client_secret").empty() ||
                      !request.form_value("client_assertion").empty();
  const bool alone = request.form_value("grant_type") == "client_credentials";
  if (!proven || alone == entered) return refused(401, "invalid_client", "AADSTS7000218: no proof");
  const auto scope = request.form_value("scope");
  const auto audience = scope.substr(0, scope.find("/.default"));
  return {200, json{{"token_type", "Bearer"},
                    {"expires_in", lifetime_},
                    {"ext_expires_in", lifetime_},
                    {"access_token", token(audience)}}
                   .dump()};
}

IdentityAnswer IdentityServer::machine(const IdentityRequest& request) {
  const auto header = [&](const char* name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
  };
  const bool post = request.method == "POST";
  const auto resource = post ? request.form_value("resource") : value_of(request.query, "resource");
  if (resource.empty()) return refused(400, "invalid_request", "resource is missing");
  const bool asked = header("metadata") == "true" || !header("x-identity-header").empty() ||
                     !header("secret").empty();
  if (!asked) return refused(400, "invalid_request", "Required metadata header not specified");
  if (value_of(request.query, "api-version") == "2020-06-01" &&
      header("authorization") != "Basic " + arc_secret_)
    return {401, "{}", "WWW-Authenticate: Basic realm=" + arc_file_ + "\r\n"};
  json body = {{"access_token", token(resource)},
               {"expires_on", std::to_string(now_seconds() + lifetime_)},
               {"resource", resource},
               {"token_type", "Bearer"}};
  // The Arc agent says whom it has given the token of.
  for (const char* name : {"client_id", "object_id", "msi_res_id"}) {
    if (const auto id = value_of(request.query, name); !id.empty()) body[name] = id;
  }
  return {200, body.dump()};
}

}  // namespace kc::fakes
