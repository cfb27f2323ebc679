#include "core/azure/address.h"

#include <algorithm>
#include <optional>

#include "core/azure/encoding.h"
#include "core/base/base64.h"
#include "core/base/text.h"
#include "core/net/transport.h"

namespace kc::azure {
namespace {

// The account that every emulator has, with the key that its documentation publishes.
constexpr std::string_view kDevelopment =
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey="
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1";
constexpr std::size_t kNameLengthMax = 1024;  // of a blob

Failure refuse(const char* code, const std::string& what) {
  return fail(ErrorKind::invalid, std::string("storage.") + code, what);
}

Failure bad_connection(const std::string& what) {
  return refuse("connection_string", "the storage connection string " + what);
}

bool is_endpoint(std::string_view url) {
  return (url.starts_with("https://") || url.starts_with("http://")) &&
         !net::host_of(url).empty() && url.find_first_of("?#;@") == std::string_view::npos;
}

Result<void> check_scheme(std::string_view url) {
  if (url.starts_with("https://") || net::is_loopback_host(net::host_of(url))) return {};
  return refuse("plain_http", "plain http is spoken to loopback only: " + net::origin_of(url));
}

struct Parts {
  std::string scheme, authority, path, query, tail;
};

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  parts.scheme = lower(text.substr(0, colon));
  text.remove_prefix(colon + 3);
  // A key stands behind `;`, but a SAS may hold one itself: what comes first decides.
  const auto end = text.find_first_of("?;#");
  if (end != std::string_view::npos) {
    (text[end] == '?' ? parts.query : parts.tail) = text.substr(end + 1);
    if (text[end] == '#') return std::nullopt;
    text = text.substr(0, end);
  }
  const auto slash = std::min(text.find('/'), text.size());
  parts.authority = text.substr(0, slash);
  parts.path = text.substr(std::min(slash + 1, text.size()));
  return parts;
}

Result<Credential> credential_of(const Parts& parts, const std::string& account) {
  using Kind = Credential::Kind;
  if (!parts.query.empty()) return Credential{Kind::sas, account, parts.query};
  if (parts.tail.empty()) return Credential{Kind::none, account, {}};
  const auto name = lower(std::string_view(parts.tail).substr(0, parts.tail.find('=')));
  if (name == "impersonate" || name == "prompt" || name == "managed_identity" ||
      name == "awscredentials") {
    return refuse("credential", "storage cannot be reached by '" + name +
                                    "' here: give a SAS, an account key or a token");
  }
  if (name == "token") return Credential{Kind::token, account, parts.tail.substr(6)};
  auto key = name == "sharedkey" ? parts.tail.substr(10) : parts.tail;
  if (!unbase64(key))
    return refuse("credential", "what follows the ';' of a storage address is no account key");
  return Credential{Kind::shared_key, account, std::move(key)};
}

bool is_address_literal(std::string_view host) {
  return net::is_loopback_host(host) || host.find(':') != std::string_view::npos ||
         std::all_of(host.begin(), host.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

Result<void> check_names(const BlobAddress& address) {
  if (address.account.empty() || address.container.empty())
    return refuse("address", "a storage address names an account and a container");
  const bool control = std::any_of(address.path.begin(), address.path.end(),
                                   [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control || address.path.size() > kNameLengthMax)
    return refuse("address", "the name of the blob is too long or has a control character");
  return {};
}

// `ACCT.dfs.core.SUFFIX` is the same account as `ACCT.blob.core.SUFFIX`.
std::string blob_host(std::string_view text) {
  auto host = lower(text);
  const auto dot = host.find(".dfs.");
  if (dot != std::string::npos) host.replace(dot, 5, ".blob.");
  return host;
}

}  // namespace

Result<StorageAccount> parse_account(std::string_view text) {
  StorageAccount account;
  std::string protocol = "https", suffix = "core.windows.net";
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return bad_connection("has a part without '='");
    const auto name = lower(part.substr(0, equals));
    std::string value(part.substr(equals + 1));
    while (name.ends_with("endpoint") && value.ends_with('/')) value.pop_back();
    if (name == "usedevelopmentstorage" && lower(value) == "true")
      return parse_account(kDevelopment);
    if (name == "accountname")
      account.name = value;
    else if (name == "accountkey")
      account.key = value;
    else if (name == "blobendpoint")
      account.blob = value;
    else if (name == "queueendpoint")
      account.queue = value;
    else if (name == "tableendpoint")
      account.table = value;
    else if (name == "defaultendpointsprotocol")
      protocol = value;
    else if (name == "endpointsuffix")
      suffix = value;
  }
  if (account.name.empty()) return bad_connection("has no AccountName");
  if (account.key.empty() || !unbase64(account.key))
    return bad_connection("has no AccountKey in base64");
  const auto complete = [&](std::string& endpoint, const char* service) {
    if (endpoint.empty()) endpoint = protocol + "://" + account.name + "." + service + "." + suffix;
    return is_endpoint(endpoint);
  };
  if (!complete(account.blob, "blob") || !complete(account.queue, "queue") ||
      !complete(account.table, "table"))
    return bad_connection("has an endpoint that is no http address");
  for (const auto* endpoint : {&account.blob, &account.queue, &account.table})
    KC_CHECK_OK(check_scheme(*endpoint));
  return account;
}

std::string BlobAddress::url() const {
  auto text = endpoint + "/" + percent_encode(container, "$");
  if (!path.empty()) text += "/" + percent_encode(path, "/");
  return text;
}

Result<BlobAddress> parse_blob_address(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return refuse("address", "a storage address is an https, http or abfss URL");
  BlobAddress address;
  auto path = parts->path;
  const bool lake = parts->scheme == "abfss" || parts->scheme == "wasbs" ||
                    parts->scheme == "abfs" || parts->scheme == "wasb";
  if (lake) {
    const auto at = parts->authority.find('@');
    if (at == std::string::npos)
      return refuse("address", "an abfss address is abfss://CONTAINER@ACCOUNT.dfs…/PATH");
    const auto host = blob_host(parts->authority.substr(at + 1));
    address.account = host.substr(0, host.find('.'));
    address.endpoint = "https://" + host;
    path = parts->authority.substr(0, at) + "/" + path;
  } else if (parts->scheme == "https" || parts->scheme == "http") {
    if (parts->authority.empty() || parts->authority.find('@') != std::string::npos)
      return refuse("address", "a storage address has a host and no user");
    const auto origin = parts->scheme + "://" + parts->authority;
    const std::string host(net::host_of(origin));
    if (is_address_literal(host)) {
      address.account = path.substr(0, path.find('/'));
      address.endpoint = origin + "/" + address.account;
      path.erase(0, std::min(address.account.size() + 1, path.size()));
    } else {
      address.account = lower(host.substr(0, host.find('.')));
      address.endpoint = parts->scheme + "://" + blob_host(parts->authority);
    }
    KC_CHECK_OK(check_scheme(origin));
  } else {
    return refuse("address", "storage is not reached by the scheme '" + parts->scheme + "'");
  }
  const auto slash = std::min(path.find('/'), path.size());
  address.container = percent_decode(path.substr(0, slash));
  address.path = percent_decode(path.substr(std::min(slash + 1, path.size())));
  KC_TRY(address.credential, credential_of(*parts, address.account));
  KC_CHECK_OK(check_names(address));
  return address;
}

Result<ResourceAddress> parse_resource_address(std::string_view text) {
  const auto parts = split(text);
  if (!parts || (parts->scheme != "https" && parts->scheme != "http") || parts->authority.empty() ||
      parts->authority.find('@') != std::string::npos)
    return refuse("address", "the address of a queue or table is an https URL");
  ResourceAddress address;
  const auto origin = parts->scheme + "://" + parts->authority;
  KC_CHECK_OK(check_scheme(origin));
  const auto slash = parts->path.rfind('/');
  address.endpoint =
      slash == std::string::npos ? origin : origin + "/" + parts->path.substr(0, slash);
  address.name = percent_decode(parts->path.substr(slash == std::string::npos ? 0 : slash + 1));
  if (address.name.empty()) return refuse("address", "the address names no queue or table");
  KC_TRY(address.credential, credential_of(*parts, {}));
  return address;
}

}  // namespace kc::azure
