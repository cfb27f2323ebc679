#include "core/azure/default_chain.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "core/azure/entra.h"
#include "core/azure/managed_identity.h"
#include "core/base/text.h"

namespace kc::azure {
namespace {

class Chain final : public TokenCredential {
 public:
  explicit Chain(std::vector<std::unique_ptr<TokenCredential>> links) : links_(std::move(links)) {}

  Result<AccessToken> token(const TokenRequest& request) override {
    if (auto* chosen = chosen_.load()) return chosen->token(request);
    std::string why;
    std::string fix;
    for (const auto& link : links_) {
      auto token = link->token(request);
      if (token) {
        chosen_ = link.get();
        return token;
      }
      if (token.error().code != "identity.not_configured") return token;
      why += (why.empty() ? "" : "; ") + token.error().message;
      if (!token.error().fix.empty()) fix = token.error().fix;
    }
    Error error{.kind = ErrorKind::not_found,
                .code = "identity.not_configured",
                .message = "no credential gives a token: " + why};
    error.fix = fix.empty()
                    ? "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run "
                      "`az login`"
                    : fix;
    return fail(std::move(error));
  }
  std::string name() const override { return "default chain"; }
  std::string identity() const override {
    std::string all = name();
    for (const auto& link : links_) all += "\n" + link->identity();
    return all;
  }

 private:
  const std::vector<std::unique_ptr<TokenCredential>> links_;
  std::atomic<TokenCredential*> chosen_ = nullptr;
};

enum class Link { environment, workload, managed, cli };

struct Choice {
  std::string_view word;
  std::vector<Link> links;
};

const std::array kChoices = {
    Choice{"prod", {Link::environment, Link::workload, Link::managed}},
    Choice{"dev", {Link::cli}},
    Choice{"EnvironmentCredential", {Link::environment}},
    Choice{"WorkloadIdentityCredential", {Link::workload}},
    Choice{"ManagedIdentityCredential", {Link::managed}},
    Choice{"AzureCliCredential", {Link::cli}},
};

Failure refuse(const std::string& what) {
  return fail(ErrorKind::invalid, "identity.invalid", what);
}

Result<std::vector<Link>> wanted_links(const Surroundings& with) {
  const auto value = with.variable("AZURE_TOKEN_CREDENTIALS");
  if (!value || trim(*value).empty())
    return std::vector{Link::environment, Link::workload, Link::managed, Link::cli};
  const auto small = lower(trim(*value));
  const auto found = std::find_if(kChoices.begin(), kChoices.end(),
                                  [&](const Choice& one) { return lower(one.word) == small; });
  if (found != kChoices.end()) return found->links;
  std::string all;
  for (const auto& one : kChoices) all += (all.empty() ? "" : ", ") + std::string(one.word);
  return refuse("AZURE_TOKEN_CREDENTIALS has none of the values " + all);
}

std::vector<std::string> allowed_tenants(const Surroundings& with) {
  std::vector<std::string> all;
  if (with.variable("AZURE_IDENTITY_DISABLE_MULTITENANTAUTH")) return all;
  const auto list = with.variable("AZURE_ADDITIONALLY_ALLOWED_TENANTS").value_or("");
  for (std::size_t at = 0; at <= list.size();) {
    const auto end = std::min(list.find(';', at), list.size());
    if (const auto one = trim(std::string_view(list).substr(at, end - at)); !one.empty())
      all.emplace_back(one);
    at = end + 1;
  }
  return all;
}

Result<bool> flag(const Surroundings& with, const char* name) {
  const auto value = lower(trim(with.variable(name).value_or("")));
  if (value == "1" || value == "true") return true;
  if (value.empty() || value == "0" || value == "false") return false;
  return refuse(std::string(name) + " is neither true nor false");
}

// "A, B and C are not set", or empty.
std::string unset(const Surroundings& with, const std::vector<const char*>& names) {
  std::vector<std::string> all;
  for (const auto* name : names) {
    if (!with.variable(name)) all.emplace_back(name);
  }
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i)
    text += (i == 0 ? "" : i + 1 == all.size() ? " and " : ", ") + all[i];
  if (!text.empty()) text += all.size() == 1 ? " is not set" : " are not set";
  return text;
}

struct Maker {
  const Surroundings& with;
  const ChainOptions& options;
  bool alone;

  Application application() const {
    Application who;
    who.authority = !options.authority.empty()
                        ? options.authority
                        : with.variable("AZURE_AUTHORITY_HOST").value_or(who.authority);
    who.tenant =
        !options.tenant.empty() ? options.tenant : with.variable("AZURE_TENANT_ID").value_or("");
    who.client_id = with.variable("AZURE_CLIENT_ID").value_or("");
    who.other_tenants = allowed_tenants(with);
    return who;
  }

  // What is not set of AZURE_TENANT_ID, unless the caller names a tenant, and of the others.
  std::string missing(std::vector<const char*> names) const {
    if (options.tenant.empty()) names.insert(names.begin(), "AZURE_TENANT_ID");
    return unset(with, names);
  }

  CredentialResult environment() const {
    constexpr const char* kName = "environment";
    if (const auto why = missing({"AZURE_CLIENT_ID"}); !why.empty())
      return no_credential(kName, why);
    if (const auto secret = with.variable("AZURE_CLIENT_SECRET"))
      return client_secret(with, application(), *secret);
    const auto path = with.variable("AZURE_CLIENT_CERTIFICATE_PATH");
    if (!path)
      return no_credential(kName,
                           "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set");
    CertificateFile file{
        .path = *path, .password = with.variable("AZURE_CLIENT_CERTIFICATE_PASSWORD").value_or("")};
    KC_TRY(file.send_chain, flag(with, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"));
    return client_certificate(with, application(), std::move(file));
  }

  CredentialResult workload() const {
    const auto why = missing({"AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"});
    if (!why.empty()) return no_credential("workload identity", why);
    return workload_identity(with, application(), *with.variable("AZURE_FEDERATED_TOKEN_FILE"));
  }

  // Chosen alone, it takes the token of a workload where there is one, as Microsoft's own does: the
  // link that would have done so in the chain is not asked then.
  CredentialResult managed() const {
    if (alone && missing({"AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"}).empty())
      return workload();
    ManagedIdentityOptions wish;
    if (const auto id = with.variable("AZURE_CLIENT_ID"))
      wish = {ManagedIdentityOptions::Selector::client_id, *id};
    wish.in_chain = !alone;
    return managed_identity(with, wish);
  }

  CredentialResult cli() const {
    auto wish = options.cli;
    if (wish.tenant.empty()) wish.tenant = options.tenant;
    return azure_cli(with, wish);
  }

  CredentialResult make(Link link) const {
    switch (link) {
      case Link::environment:
        return environment();
      case Link::workload:
        return workload();
      case Link::managed:
        return managed();
      case Link::cli:
        break;
    }
    return cli();
  }
};

}  // namespace

std::unique_ptr<TokenCredential> chain(std::vector<std::unique_ptr<TokenCredential>> links) {
  return std::make_unique<Chain>(std::move(links));
}

CredentialResult default_chain(const Surroundings& with, const ChainOptions& options) {
  KC_TRY(const auto wanted, wanted_links(with));
  const Maker maker{with, options, wanted.size() == 1};
  std::vector<std::unique_ptr<TokenCredential>> links;
  for (const Link link : wanted) {
    auto one = maker.make(link);
    if (!one) return fail(std::move(one).error().in("default chain"));
    links.push_back(std::move(*one));
  }
  return chain(std::move(links));
}

}  // namespace kc::azure
