#include "core/azure/entra.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/azure/encoding.h"
#include "core/azure/regional_authority.h"
#include "core/azure/token_call.h"
#include "core/base/text.h"

namespace kc::azure {
namespace {

constexpr const char* kJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

Failure refuse(const std::string& what) {
  return fail(ErrorKind::invalid, "identity.invalid", what);
}

// What the three have in common: the question, and the answer's reading.
class EntraApplication : public TokenCredential {
 public:
  EntraApplication(const Surroundings& with, Application who) : with_(with), who_(std::move(who)) {}

  Result<AccessToken> token(const TokenRequest& request) override {
    KC_CHECK_OK(check_scope(request.scope));
    KC_TRY(const auto tenant, tenant_of(who_, request));
    auto authority = regional_authority(with_, who_.authority, request);
    if (!authority) return fail(std::move(authority).error().in(name()));
    const auto url = entra_url(*authority, tenant, "token");
    Query form = {{"client_id", who_.client_id},
                  {"scope", request.scope},
                  {"grant_type", "client_credentials"},
                  {"client-request-id", with_.fresh_id().text()}};
    auto proven = prove(url, form);
    if (!proven) return fail(std::move(proven).error().in(name()));
    net::HttpCall call{.method = net::Method::post,
                       .url = url,
                       .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                   {"Accept", "application/json"}},
                       .body = render_query(form)};
    KC_TRY(const auto answer, ask(with_, std::move(call), request, Patience::entra, name()));
    if (answer.status != 200) return fail(refusal(answer, *authority, name(), with_.clock.now()));
    return read_token(answer, with_.clock.now(), name());
  }

  std::string identity() const override {
    return name() + " " + who_.authority + " " + who_.tenant + " " + who_.client_id + " " +
           proof_key();
  }

 protected:
  // Adds to the form what shows that this is the application.
  virtual Result<void> prove(const std::string& audience, Query& form) = 0;
  virtual std::string proof_key() const = 0;

  const Surroundings& with_;
  const Application who_;
};

class ClientSecret final : public EntraApplication {
 public:
  ClientSecret(const Surroundings& with, Application who, std::string secret)
      : EntraApplication(with, std::move(who)), secret_(std::move(secret)) {}
  std::string name() const override { return "client secret"; }

 private:
  Result<void> prove(const std::string&, Query& form) override {
    form.emplace_back("client_secret", secret_);
    return {};
  }
  std::string proof_key() const override { return fingerprint(secret_); }

  const std::string secret_;
};

class ClientCertificate final : public EntraApplication {
 public:
  ClientCertificate(const Surroundings& with, Application who, CertificateFile file,
                    std::string bytes)
      : EntraApplication(with, std::move(who)), file_(std::move(file)), bytes_(std::move(bytes)) {}
  std::string name() const override { return "client certificate"; }

 private:
  Result<void> prove(const std::string& audience, Query& form) override {
    std::string bytes = bytes_;
    if (bytes.empty()) {
      KC_TRY(bytes, read_identity_file(file_.path, "the client certificate"));
    }
    KC_TRY(const auto certificate, SigningCertificate::read(bytes, file_.password));
    KC_TRY(auto assertion,
           certificate.assertion({audience, who_.client_id, with_.clock.now(), with_.fresh_id()},
                                 file_.algorithm, file_.send_chain));
    form.emplace_back("client_assertion", std::move(assertion));
    form.emplace_back("client_assertion_type", kJwtBearer);
    return {};
  }
  std::string proof_key() const override {
    return bytes_.empty() ? file_.path : fingerprint(bytes_);
  }

  const CertificateFile file_;
  const std::string bytes_;
};

class WorkloadIdentity final : public EntraApplication {
 public:
  WorkloadIdentity(const Surroundings& with, Application who, std::string file)
      : EntraApplication(with, std::move(who)), file_(std::move(file)) {}
  std::string name() const override { return "workload identity"; }

 private:
  Result<void> prove(const std::string&, Query& form) override {
    KC_TRY(const auto text, read_identity_file(file_, "the federated token"));
    const std::string assertion(trim(text));
    if (assertion.empty()) return refuse("the federated token file is empty");
    form.emplace_back("client_assertion", assertion);
    form.emplace_back("client_assertion_type", kJwtBearer);
    return {};
  }
  std::string proof_key() const override { return file_; }

  const std::string file_;
};

Result<void> check(Application& who) {
  KC_TRY(who.authority, check_authority(who.authority));
  KC_CHECK_OK(check_tenant(who.tenant));
  if (who.client_id.empty()) return refuse("the application has no client id");
  return {};
}

}  // namespace

Result<std::string> check_authority(std::string_view authority) {
  std::string text(trim(authority));
  while (text.ends_with('/')) text.pop_back();
  const bool fine = lower(text.substr(0, 8)) == "https://" && !net::host_of(text).empty() &&
                    text.size() < 300 && text.find_first_of("/?#;@\\ \t\r\n", 8) == text.npos;
  if (!fine)
    return refuse("an authority is https:// and a host: a token is asked for nowhere else");
  return lower(text);
}

std::string entra_url(std::string_view authority, std::string_view tenant, std::string_view leaf) {
  return std::string(authority) + "/" + std::string(tenant) + "/oauth2/v2.0/" + std::string(leaf);
}

Result<std::string> tenant_of(const Application& who, const TokenRequest& request) {
  if (request.tenant.empty() || lower(request.tenant) == lower(who.tenant)) return who.tenant;
  KC_CHECK_OK(check_tenant(request.tenant));
  const bool allowed = std::any_of(
      who.other_tenants.begin(), who.other_tenants.end(),
      [&](const std::string& one) { return one == "*" || lower(one) == lower(request.tenant); });
  if (allowed) return request.tenant;
  Error error{.kind = ErrorKind::invalid,
              .code = "identity.invalid",
              .message = "this application may not be asked for tenant " + request.tenant};
  error.fix = "add the tenant to AZURE_ADDITIONALLY_ALLOWED_TENANTS";
  return fail(std::move(error));
}

Result<std::string> read_identity_file(const std::string& path, const std::string& what,
                                       std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(what + " cannot be read: " + path + ": " + std::strerror(errno));
  std::string bytes(bytes_max + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return refuse(what + " cannot be read: " + path);
  if (bytes.size() > bytes_max) return refuse(what + " is too large: " + path);
  return bytes;
}

CredentialResult client_secret(const Surroundings& with, Application who, std::string secret) {
  KC_CHECK_OK(check(who));
  if (secret.empty()) return refuse("the client secret is empty");
  return std::make_unique<ClientSecret>(with, std::move(who), std::move(secret));
}

CredentialResult client_certificate(const Surroundings& with, Application who,
                                    CertificateFile file) {
  KC_CHECK_OK(check(who));
  if (file.path.empty()) return refuse("the client certificate has no path");
  return std::make_unique<ClientCertificate>(with, std::move(who), std::move(file), std::string());
}

CredentialResult client_certificate(const Surroundings& with, Application who, CertificateFile file,
                                    std::string bytes) {
  KC_CHECK_OK(check(who));
  KC_CHECK_OK(SigningCertificate::read(bytes, file.password));
  return std::make_unique<ClientCertificate>(with, std::move(who), std::move(file),
                                             std::move(bytes));
}

CredentialResult workload_identity(const Surroundings& with, Application who,
                                   std::string token_file) {
  KC_CHECK_OK(check(who));
  if (token_file.empty()) return refuse("the federated token has no file");
  return std::make_unique<WorkloadIdentity>(with, std::move(who), std::move(token_file));
}

}  // namespace kc::azure
