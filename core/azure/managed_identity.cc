#include "core/azure/managed_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "core/azure/encoding.h"
#include "core/azure/token_call.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace kc::azure {
namespace {

using Selector = ManagedIdentityOptions::Selector;

constexpr const char* kName = "managed identity";
constexpr const char* kImdsHost = "http://169.254.169.254";
constexpr const char* kImdsPath = "/metadata/identity/oauth2/token";
constexpr const char* kArcEndpoint = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
constexpr Timespan kProbeDeadline = Timespan::seconds(1);
constexpr std::size_t kArcSecretBytesMax = 4096;

enum class Source { service_fabric, app_service, machine_learning, cloud_shell, arc, imds };

struct Place {
  Source source = Source::imds;
  std::string url, secret, thumbprint;
  std::string variable;  // where the address came from
};

Failure refuse(ErrorKind kind, const char* code, const std::string& what) {
  return fail(kind, code, std::string(kName) + ": " + what);
}

// The first whose variables are set, in the order of Microsoft's libraries.
Place find_place(const Surroundings& with) {
  const auto endpoint = with.variable("IDENTITY_ENDPOINT");
  const auto header = with.variable("IDENTITY_HEADER");
  const auto thumbprint = with.variable("IDENTITY_SERVER_THUMBPRINT");
  if (endpoint && header && thumbprint)
    return {Source::service_fabric, *endpoint, *header, *thumbprint, "IDENTITY_ENDPOINT"};
  if (endpoint && header) return {Source::app_service, *endpoint, *header, {}, "IDENTITY_ENDPOINT"};
  const auto older = with.variable("MSI_ENDPOINT");
  const auto secret = with.variable("MSI_SECRET");
  if (older && secret) return {Source::machine_learning, *older, *secret, {}, "MSI_ENDPOINT"};
  if (older) return {Source::cloud_shell, *older, {}, {}, "MSI_ENDPOINT"};
  if (endpoint && with.variable("IMDS_ENDPOINT"))
    return {Source::arc, *endpoint, {}, {}, "IDENTITY_ENDPOINT"};
  if (::access(with.arc_agent.c_str(), R_OK) == 0) return {Source::arc, kArcEndpoint, {}, {}, {}};
  auto host = with.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").value_or(kImdsHost);
  while (host.ends_with('/')) host.pop_back();
  return {Source::imds, host + kImdsPath, {}, {}, "AZURE_POD_IDENTITY_AUTHORITY_HOST"};
}

Result<void> check_place(const Place& place) {
  const auto host = net::host_of(place.url);
  const auto scheme = lower(place.url.substr(0, place.url.find("://")));
  const bool odd = host.empty() || (scheme != "http" && scheme != "https") ||
                   place.url.find_first_of("#@ \t\r\n") != std::string::npos;
  if (odd)
    return refuse(ErrorKind::invalid, "identity.invalid", place.variable + " is no http address");
  if (place.source == Source::service_fabric && scheme != "https")
    return refuse(ErrorKind::invalid, "identity.invalid",
                  place.variable + " of Service Fabric is not https");
  if (scheme == "https" || net::is_loopback_host(host) || net::is_link_local_host(host)) return {};
  return refuse(
      ErrorKind::invalid, "identity.invalid",
      place.variable + " is plain http to another machine: a token is not asked for there");
}

const char* selector_name(Source source, Selector selector) {
  const bool metadata = source == Source::imds || source == Source::arc;
  switch (selector) {
    case Selector::client_id:
      return source == Source::machine_learning ? "clientid" : "client_id";
    case Selector::object_id:
      return "object_id";
    case Selector::resource_id:
      return metadata ? "msi_res_id" : "mi_res_id";
    case Selector::system:
      break;
  }
  return "";
}

const char* version_of(Source source) {
  switch (source) {
    case Source::service_fabric:
      return "2019-07-01-preview";
    case Source::app_service:
      return "2019-08-01";
    case Source::machine_learning:
      return "2017-09-01";
    case Source::arc:
      return "2020-06-01";
    case Source::imds:
      return "2018-02-01";
    case Source::cloud_shell:
      break;
  }
  return "";
}

class ManagedIdentity final : public TokenCredential {
 public:
  ManagedIdentity(const Surroundings& with, ManagedIdentityOptions options)
      : with_(with), options_(std::move(options)) {}

  Result<AccessToken> token(const TokenRequest& request) override;
  std::string name() const override { return kName; }
  std::string identity() const override {
    return std::string(kName) + " " + std::to_string(static_cast<int>(options_.selector)) + " " +
           options_.id;
  }

 private:
  Result<void> check_selector(const Place& place) const;
  Result<void> probe(const Place& place, const TokenRequest& request) const;
  net::HttpCall call_of(const Place& place, const std::string& resource) const;
  Result<net::HttpAnswer> ask_arc(net::HttpCall call, const TokenRequest& request) const;
  Result<void> check_honoured(const net::HttpAnswer& answer) const;

  const Surroundings& with_;
  const ManagedIdentityOptions options_;
};

// What an endpoint cannot be asked for; in a chain the next link may have it.
Result<void> ManagedIdentity::check_selector(const Place& place) const {
  const auto cannot = [&](const std::string& what) {
    return options_.in_chain ? refuse(ErrorKind::not_found, "identity.not_configured", what)
                             : refuse(ErrorKind::invalid, "identity.invalid", what);
  };
  if (options_.selector == Selector::system) return {};
  if (place.source == Source::cloud_shell)
    return cannot("Cloud Shell has no user-assigned identities");
  if (place.source == Source::service_fabric)
    return cannot("Service Fabric chooses the identity in the cluster's own configuration");
  if (place.source == Source::machine_learning && options_.selector != Selector::client_id)
    return cannot("this machine's endpoint takes a user-assigned identity by its client id only");
  return {};
}

// Asked without the header that it wants, IMDS refuses at once: anybody else does not answer, or
// answers that there is nothing.
Result<void> ManagedIdentity::probe(const Place& place, const TokenRequest& request) const {
  net::HttpCall call{.url = place.url};
  call.deadline = std::min(kProbeDeadline, request.deadline);
  call.cancel = request.cancel;
  call.answer_bytes_max = std::size_t{1} << 16;
  const auto answer = with_.transport.exchange(call);
  if (!answer && answer.error().kind == ErrorKind::cancelled)
    return refuse(ErrorKind::cancelled, "identity.cancelled", "stopped");
  if (!answer)
    return refuse(ErrorKind::not_found, "identity.not_configured",
                  "no identity endpoint answers at " + net::origin_of(place.url));
  const bool theirs = answer->status == 400 || answer->status == 410 || answer->status == 429 ||
                      answer->status >= 500;
  // An address that somebody has set may be that of a proxy with manners of its own.
  if (theirs || with_.variable(place.variable)) return {};
  return refuse(ErrorKind::not_found, "identity.not_configured",
                "what answers at " + net::origin_of(place.url) + " is no identity endpoint (" +
                    std::to_string(answer->status) + ")");
}

net::HttpCall ManagedIdentity::call_of(const Place& place, const std::string& resource) const {
  net::HttpCall call;
  Query query;
  if (place.source == Source::cloud_shell) {
    call.method = net::Method::post;
    call.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    call.body = render_query({{"resource", resource}});
  } else {
    query = {{"api-version", version_of(place.source)}, {"resource", resource}};
  }
  if (options_.selector != Selector::system) {
    query.emplace_back(selector_name(place.source, options_.selector), options_.id);
  } else if (place.source == Source::machine_learning) {
    if (const auto id = with_.variable("DEFAULT_IDENTITY_CLIENT_ID"))
      query.emplace_back("clientid", *id);
  }
  call.url = place.url;
  if (!query.empty())
    call.url += (place.url.find('?') == std::string::npos ? "?" : "&") + render_query(query);
  if (place.source == Source::app_service) {
    call.headers.push_back({"X-IDENTITY-HEADER", place.secret});
  } else if (!place.secret.empty()) {
    call.headers.push_back({"secret", place.secret});
  }
  if (place.source != Source::app_service && place.source != Source::service_fabric)
    call.headers.push_back({"Metadata", "true"});
  if (place.source == Source::imds)
    call.headers.push_back({"x-ms-client-request-id", with_.fresh_id().text()});
  call.certificate_sha1 = place.thumbprint;
  return call;
}

Result<net::HttpAnswer> ManagedIdentity::ask_arc(net::HttpCall call,
                                                 const TokenRequest& request) const {
  KC_TRY(auto answer, ask(with_, call, request, Patience::managed, kName));
  if (answer.status != 401) return answer;
  const auto* challenge = answer.header("www-authenticate");
  if (challenge == nullptr)
    return refuse(ErrorKind::denied, "identity.refused",
                  "the Azure Arc agent asks for a proof but does not say which");
  auto secret = read_arc_secret(*challenge, with_.arc_tokens);
  if (!secret) return fail(std::move(secret).error().in(kName));
  call.headers.push_back({"Authorization", "Basic " + *secret});
  return ask(with_, std::move(call), request, Patience::managed, kName);
}

// An older Arc agent gives the machine's own token whichever identity was asked for.
Result<void> ManagedIdentity::check_honoured(const net::HttpAnswer& answer) const {
  if (options_.selector == Selector::system) return {};
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  const auto says = [&](const char* field) {
    return body.is_object() && body.contains(field) && body[field].is_string() &&
           lower(body[field].get<std::string>()) == lower(options_.id);
  };
  const auto* field = selector_name(Source::arc, options_.selector);
  if (says(field) || (options_.selector == Selector::resource_id && says("mi_res_id"))) return {};
  return refuse(ErrorKind::denied, "identity.refused",
                "the Azure Arc agent does not confirm the user-assigned identity: it is too old "
                "for those");
}

Result<AccessToken> ManagedIdentity::token(const TokenRequest& request) {
  KC_TRY(const auto resource, resource_of(request.scope));
  const Place place = find_place(with_);
  KC_CHECK_OK(check_place(place));
  KC_CHECK_OK(check_selector(place));
  if (options_.in_chain && place.source == Source::imds) KC_CHECK_OK(probe(place, request));
  auto call = call_of(place, resource);
  const auto patience = place.source == Source::imds ? Patience::imds : Patience::managed;
  KC_TRY(const auto answer, place.source == Source::arc
                                ? ask_arc(std::move(call), request)
                                : ask(with_, std::move(call), request, patience, kName));
  if (answer.status == 200) {
    if (place.source == Source::arc) KC_CHECK_OK(check_honoured(answer));
    return read_token(answer, with_.clock.now(), kName);
  }
  auto error = refusal(answer, net::origin_of(place.url), kName, with_.clock.now());
  // "Identity not found": the machine is there, but it has none.
  if (place.source == Source::imds && answer.status == 400) {
    error.fix = "assign a managed identity to this machine, or name one that it has";
    if (options_.in_chain) {
      error.kind = ErrorKind::not_found;
      error.code = "identity.not_configured";
    }
  }
  return fail(std::move(error));
}

class File {
 public:
  explicit File(int handle) : handle_(handle) {}
  ~File() {
    if (handle_ >= 0) ::close(handle_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int handle() const { return handle_; }

 private:
  int handle_;
};

}  // namespace

Result<std::string> read_arc_secret(const std::string& challenge, const std::string& folder) {
  const auto no = [](const char* what) {
    return fail(ErrorKind::denied, "identity.refused",
                std::string("the Azure Arc agent's challenge ") + what);
  };
  constexpr std::string_view kRealm = "Basic realm=";
  const auto at = challenge.find(kRealm);
  if (at == std::string::npos) return no("is not of the form Basic realm=<file>");
  const auto path = challenge.substr(at + kRealm.size());
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || path.substr(0, slash) != folder)
    return no("names a file outside the agent's folder");
  if (!path.ends_with(".key") || path.size() == slash + 5)
    return no("names a file that does not end in .key");
  // Opened without following a link, so that the folder's own file is what is read.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat what {};
  if (file.handle() < 0 || ::fstat(file.handle(), &what) != 0 || !S_ISREG(what.st_mode))
    return no("names a file that cannot be read: this needs membership of the group himds");
  std::array<char, kArcSecretBytesMax + 1> bytes{};
  const auto size = ::read(file.handle(), bytes.data(), bytes.size());
  if (size < 0) return no("names a file that cannot be read");
  if (static_cast<std::size_t>(size) > kArcSecretBytesMax)
    return no("names a file that is too large");
  return std::string(trim({bytes.data(), static_cast<std::size_t>(size)}));
}

CredentialResult managed_identity(const Surroundings& with, ManagedIdentityOptions options) {
  if ((options.selector == Selector::system) != options.id.empty())
    return refuse(ErrorKind::invalid, "identity.invalid",
                  "a user-assigned identity has a kind and an id");
  return std::make_unique<ManagedIdentity>(with, std::move(options));
}

}  // namespace kc::azure
