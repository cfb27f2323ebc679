#include "core/kusto/connection_string.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "core/azure/credential.h"
#include "core/azure/secret_reference.h"
#include "core/base/base64.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/net/transport.h"

namespace kc::kusto {
namespace {

enum class Use {
  data_source,
  database,
  federated,  // whether a token is sent
  tenant,
  client_id,
  application_key,
  certificate,
  send_chain,
  token,
  user,         // people do not sign in here
  store,        // a certificate by its place in a store, which this system does not have
  tracing,      // accepted, without effect
  consistency,  // only strong consistency can be had
  unsupported,
};

struct Keyword {
  std::string_view name;
  Use use;
  std::string_view spellings;  // normalised (lower case, no spaces), each between two commas
};

constexpr std::array kKeywords = {
    Keyword{"Data Source", Use::data_source, ",datasource,server,addr,address,networkaddress,"},
    Keyword{"Initial Catalog", Use::database, ",initialcatalog,database,"},
    Keyword{"AAD Federated Security", Use::federated,
            ",aadfederatedsecurity,federatedsecurity,federated,fed,aadfed,"
            "microsoftentraidfederatedsecurity,"},
    Keyword{"Application Client Id", Use::client_id, ",applicationclientid,appclientid,"},
    Keyword{"Application Key", Use::application_key, ",applicationkey,appkey,"},
    Keyword{"Authority Id", Use::tenant, ",authorityid,tenantid,tenant,tid,authority,domainhint,"},
    Keyword{"User ID", Use::user, ",userid,uid,user,loginhint,aaduserid,"},
    Keyword{"Password", Use::user, ",password,pwd,"},
    Keyword{"User Token", Use::token, ",usertoken,usrtoken,"},
    Keyword{"Application Token", Use::token, ",applicationtoken,apptoken,"},
    Keyword{"Application Certificate Thumbprint", Use::store,
            ",applicationcertificatethumbprint,appcert,"},
    Keyword{"Application Certificate Blob", Use::certificate, ",applicationcertificateblob,"},
    Keyword{"Application Certificate SendX5c", Use::send_chain,
            ",applicationcertificatesendx5c,applicationcertificatex5c,sendx5c,"
            "applicationcertificatesendpubliccertificate,"
            "sendcertificatechain,"},
    Keyword{"Application Certificate Subject Distinguished Name", Use::store,
            ",applicationcertificatesubjectdistinguishedname,applicationcertificatesubject,"},
    Keyword{"Application Certificate Issuer Distinguished Name", Use::store,
            ",applicationcertificateissuerdistinguishedname,applicationcertificateissuer,"},
    Keyword{"Application Certificate PrivateKey", Use::store, ",applicationcertificateprivatekey,"},
    Keyword{"Application Name for Tracing", Use::tracing,
            ",applicationnamefortracing,traceappname,"},
    Keyword{"User Name for Tracing", Use::tracing, ",usernamefortracing,traceusername,"},
    Keyword{"Client Version for Tracing", Use::tracing, ",clientversionfortracing,"},
    Keyword{"Query Consistency", Use::consistency, ",queryconsistency,"},
    Keyword{"Azure Region", Use::unsupported, ",azureregion,region,"},
    Keyword{"Data Source Uri", Use::unsupported, ",datasourceuri,serveruri,clusteruri,"},
    Keyword{"Namespace", Use::unsupported, ",namespace,ns,"},
    Keyword{"dSTS Federated Security", Use::unsupported,
            ",dstsfederatedsecurity,dstsfed,dststokentype,"},
    Keyword{"Streaming", Use::unsupported, ",streaming,"},
    Keyword{"Uncompressed", Use::unsupported, ",uncompressed,"},
    Keyword{"EnforceMfa", Use::unsupported, ",enforcemfa,"},
    Keyword{"Accept", Use::unsupported, ",accept,"},
};

Failure refuse(const std::string& reason) {
  Error error{.kind = ErrorKind::invalid, .code = "connection.invalid_string", .message = reason};
  error.fix =
      "write `https://<cluster>[/<database>]` or `Data Source=https://<cluster>;Initial "
      "Catalog=<database>`";
  return fail(std::move(error));
}

const Keyword* find_keyword(std::string_view spelling) {
  std::string normal = ",";
  for (const char c : lower(spelling)) {
    if (c != ' ') normal += c;
  }
  normal += ',';
  if (normal.size() <= 2 || normal.find(',', 1) + 1 != normal.size()) return nullptr;
  const auto found = std::find_if(kKeywords.begin(), kKeywords.end(), [&](const Keyword& one) {
    return one.spellings.find(normal) != std::string_view::npos;
  });
  return found == kKeywords.end() ? nullptr : &*found;
}

// Cuts at `;`, except inside a value in double or single quotes, which begins right after `=`. A
// doubled quote is one of the value, as in ADO.NET's strings.
Result<std::vector<std::string>> cut(std::string_view text) {
  std::vector<std::string> parts(1);
  char quote = 0;
  bool value_begins = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote && i + 1 < text.size() && text[i + 1] == quote) {
        parts.back() += c;
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
    } else if ((c == '"' || c == '\'') && value_begins) {
      quote = c;
    } else if (c == ';') {
      parts.emplace_back();
      value_begins = false;
      continue;
    }
    parts.back() += c;
    if (c == '=') {
      value_begins = true;
    } else if (c != ' ') {
      value_begins = false;
    }
  }
  if (quote != 0)
    return refuse("the quoted value of part number " + std::to_string(parts.size()) +
                  " has no end");
  return parts;
}

bool is_quote(char c) { return c == '"' || c == '\''; }

// The value without its quotes; nothing where text stands behind the closing one.
std::optional<std::string> unquote(std::string_view value) {
  if (value.empty() || !is_quote(value.front())) return std::string(value);
  const char quote = value.front();
  std::string inner;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == quote) {
      if (i + 1 == value.size()) return inner;
      if (value[++i] != quote) return std::nullopt;
    }
    inner += value[i];
  }
  return std::nullopt;
}

// Characters that look like a space, a quote or nothing: they come from web pages and word
// processors, and would be a part of the value without being seen.
constexpr std::array<std::string_view, 9> kLookAlikes = {
    "\xc2\xa0",     "\xe2\x80\x8b", "\xe2\x80\xa8", "\xe2\x80\xaf", "\xef\xbb\xbf",
    "\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x98", "\xe2\x80\x99"};

Result<void> check_characters(std::string_view text) {
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return refuse("the connection string has a control character");
  }
  if (!is_utf8(text)) return refuse("the connection string is no UTF-8");
  for (const auto& one : kLookAlikes) {
    const auto at = text.find(one);
    if (at == text.npos) continue;
    return refuse("the connection string has a typographic space or quote at byte " +
                  std::to_string(at + 1) + ": write plain ones");
  }
  if (is_quote(text.front()) && text.size() > 1 && text.back() == text.front())
    return refuse("the connection string stands in quotes: take them off");
  return {};
}

std::optional<bool> parse_bool(std::string_view value) {
  const std::string small = lower(value);
  if (small == "true") return true;
  if (small == "false") return false;
  return std::nullopt;
}

bool is_host(std::string_view host) {
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
  });
  const bool empty_part =
      host.starts_with('.') || host.ends_with('.') || host.find("..") != std::string_view::npos;
  return !host.empty() && host.size() <= 253 && plain && !empty_part;
}

Result<void> check_port(std::string_view authority) {
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return {};
  const std::string_view text = authority.substr(colon + 1);
  unsigned port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || port == 0 ||
      port > 65535) {
    return refuse("the port of the cluster address is not a number from 1 to 65535");
  }
  return {};
}

// What people have at hand instead of an address, by its own name.
Result<void> check_kind(std::string_view address) {
  const std::string small = lower(address);
  if (small.starts_with('@'))
    return refuse("the cluster address is written in the form @cluster/database of other tools");
  if (small.starts_with("cluster(")) return refuse("the cluster address is an expression of KQL");
  for (const std::string_view page :
       {"https://dataexplorer.azure.com", "https://portal.azure.com",
        "https://app.fabric.microsoft.com", "https://app.powerbi.com"}) {
    if (small.starts_with(page))
      return refuse("the cluster address is a page to be looked at (" + std::string(page) +
                    "): give the query URI that it shows");
  }
  for (const std::string_view scheme : {"https:", "http:", ""}) {
    const bool slashes = small.starts_with(std::string(scheme) + "//");
    if (scheme.empty() ? slashes : small.starts_with(scheme) && !slashes)
      return refuse("the cluster address is not complete: it begins with https://");
  }
  return {};
}

// `https://host[:port][/database]` -> url and database.
Result<ConnectionString> parse_address(std::string_view address) {
  KC_CHECK_OK(check_kind(address));
  ConnectionString result;
  std::string scheme = "https://";
  if (const auto at = address.find("://"); at != std::string_view::npos) {
    scheme = lower(address.substr(0, at + 3));
    address.remove_prefix(at + 3);
  } else if (address.find('.') == std::string_view::npos &&
             !lower(address).starts_with("localhost")) {
    return refuse("the cluster address is not complete: it begins with https://");
  }
  if (scheme != "https://" && scheme != "http://")
    return refuse("the cluster address is neither https nor http");
  if (address.find_first_of("?#\\@") != std::string_view::npos) {
    return refuse("the cluster address has more than a host, a port and a database");
  }
  while (address.ends_with('/')) address.remove_suffix(1);
  const auto slash = address.find('/');
  const std::string authority = lower(address.substr(0, slash));
  if (slash != std::string_view::npos) {
    result.database = address.substr(slash + 1);
    if (result.database.find('/') != std::string::npos)
      return refuse("the cluster address has a path of several parts");
    if (result.database.find('%') != std::string::npos) {
      return refuse(
          "the database in the cluster address is percent-encoded: give it as Initial Catalog");
    }
  }
  result.url = scheme + authority;
  const std::string_view host = net::host_of(result.url);
  if (!is_host(host)) return refuse("the cluster address has no usable host name");
  KC_CHECK_OK(check_port(authority));
  if (scheme == "http://" && !net::is_loopback_host(host)) {
    return refuse("plain http is for this machine only: the cluster " + std::string(host) +
                  " needs https");
  }
  return result;
}

// An unknown keyword is named only if it cannot be the rest of a secret that had a `;` in it.
std::string unknown_keyword(std::string_view spelling, std::size_t number, bool after_secret) {
  const bool plain = !spelling.empty() && spelling.size() <= 40 &&
                     std::all_of(spelling.begin(), spelling.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ';
                     });
  if (plain && !after_secret) return "keyword '" + std::string(spelling) + "' is not known";
  return "keyword number " + std::to_string(number) + " is not known";
}

// Where the value is a secret, and so may be the rest of the text if it had a `;` in it.
bool is_secret(Use use) {
  return use == Use::application_key || use == Use::certificate || use == Use::token ||
         use == Use::user || use == Use::store;
}

// Whether it says who asks.
bool is_identity(Use use) {
  return is_secret(use) || use == Use::tenant || use == Use::client_id || use == Use::send_chain;
}

struct Reader {
  std::string address, catalog;
  std::vector<const Keyword*> seen;
  bool after_secret = false;
  bool federated = false;
  SignIn sign_in;
  const Keyword* way = nullptr;  // the keyword that gave the secret

  Result<void> take(std::string_view part, std::size_t number);
  Result<void> take(const Keyword& keyword, std::string_view value);
  Result<void> take_identity(const Keyword& keyword, std::string_view value);
  Result<void> take_secret(const Keyword& keyword, SignIn::Kind kind, std::string value);
  Result<SignIn> signed_in() const;
};

Result<void> Reader::take(std::string_view part, std::size_t number) {
  if (part.empty()) return {};
  const auto equals = part.find('=');
  const std::string small = lower(part.substr(0, 8));
  // The first part may be the address alone; a `=` after its `://` then belongs to it.
  if (number == 1 && (equals == std::string_view::npos || small.starts_with("https://") ||
                      small.starts_with("http://"))) {
    address = part;
    seen.push_back(find_keyword("Data Source"));
    return {};
  }
  if (equals == std::string_view::npos)
    return refuse("part number " + std::to_string(number) + " is not `keyword=value`");
  const std::string_view spelling = trim(part.substr(0, equals));
  const Keyword* keyword = find_keyword(spelling);
  if (keyword == nullptr) return refuse(unknown_keyword(spelling, number, after_secret));
  if (std::find(seen.begin(), seen.end(), keyword) != seen.end()) {
    return refuse("keyword '" + std::string(keyword->name) + "' is given twice");
  }
  seen.push_back(keyword);
  const auto value = unquote(trim(part.substr(equals + 1)));
  if (!value)
    return refuse("keyword '" + std::string(keyword->name) + "' has text behind its closing quote");
  return take(*keyword, *value);
}

Result<void> Reader::take(const Keyword& keyword, std::string_view value) {
  const std::string name = "keyword '" + std::string(keyword.name) + "'";
  switch (keyword.use) {
    case Use::data_source:
      if (value.empty()) return refuse(name + " is empty");
      address = value;
      return {};
    case Use::database:
      catalog = value;
      return {};
    case Use::federated: {
      const auto on = parse_bool(value);
      if (!on) return refuse(name + " is neither true nor false");
      federated = *on;
      return {};
    }
    case Use::tracing:
      return {};
    case Use::consistency:
      if (lower(value) == "strongconsistency") return {};
      return refuse(name + " can only be strongconsistency: a copy reads nothing less");
    case Use::unsupported:
      return refuse(name + " is not supported");
    default:
      return take_identity(keyword, value);
  }
}

Result<void> Reader::take_identity(const Keyword& keyword, std::string_view value) {
  const std::string name = "keyword '" + std::string(keyword.name) + "'";
  after_secret = after_secret || is_secret(keyword.use);
  if (value.empty()) return refuse(name + " is empty");
  switch (keyword.use) {
    case Use::tenant:
      if (!azure::check_tenant(value)) return refuse(name + " is no tenant: an id or a domain");
      sign_in.tenant = value;
      return {};
    case Use::client_id:
      sign_in.client_id = value;
      return {};
    case Use::send_chain: {
      const auto on = parse_bool(value);
      if (!on) return refuse(name + " is neither true nor false");
      sign_in.send_chain = *on;
      return {};
    }
    case Use::application_key:
      return take_secret(keyword, SignIn::Kind::application_key, std::string(value));
    case Use::token:
      return take_secret(keyword, SignIn::Kind::token, std::string(value));
    case Use::certificate: {
      if (azure::is_secret_reference(value))
        return take_secret(keyword, SignIn::Kind::application_certificate, std::string(value));
      auto bytes = unbase64(value);
      if (!bytes) return refuse(name + " is not the base64 of a PFX or PEM file");
      return take_secret(keyword, SignIn::Kind::application_certificate, std::move(*bytes));
    }
    case Use::user:
      return refuse(name + " is not supported: people do not sign in to a service, give an " +
                    "application or leave the identity to the environment");
    default:
      return refuse(name + " is not supported: there is no certificate store here, give " +
                    "'Application Certificate Blob'");
  }
}

Result<void> Reader::take_secret(const Keyword& keyword, SignIn::Kind kind, std::string value) {
  if (way != nullptr) {
    return refuse("keywords '" + std::string(way->name) + "' and '" + std::string(keyword.name) +
                  "' are two ways to sign in: give one");
  }
  way = &keyword;
  sign_in.kind = kind;
  if (!azure::is_secret_reference(value)) {
    sign_in.secret = std::move(value);
    return {};
  }
  if (auto checked = azure::check_secret_reference(value, keyword.name); !checked)
    return refuse(checked.error().message);
  sign_in.reference = std::move(value);
  sign_in.keyword = keyword.name;
  return {};
}

// What the keywords say together.
Result<SignIn> Reader::signed_in() const {
  const auto first = std::find_if(seen.begin(), seen.end(),
                                  [](const Keyword* one) { return is_identity(one->use); });
  // The official clients then send no token, without a word.
  if (!federated && first != seen.end()) {
    return refuse("keyword '" + std::string((*first)->name) +
                  "' has no effect without 'AAD Federated Security=True'");
  }
  if (!federated) return SignIn{};
  SignIn result = sign_in;
  if (way == nullptr) result.kind = SignIn::Kind::default_chain;
  const bool application = result.kind == SignIn::Kind::application_key ||
                           result.kind == SignIn::Kind::application_certificate;
  if (application && (result.client_id.empty() || result.tenant.empty())) {
    return refuse("keyword '" + std::string(way->name) + "' needs '" +
                  (result.client_id.empty() ? "Application Client Id" : "Authority Id") + "' too");
  }
  if (!application && !result.client_id.empty()) {
    return refuse(
        "keyword 'Application Client Id' needs 'Application Key' or 'Application Certificate "
        "Blob' too");
  }
  if (result.send_chain && result.kind != SignIn::Kind::application_certificate) {
    return refuse(
        "keyword 'Application Certificate SendX5c' needs 'Application Certificate Blob' too");
  }
  return result;
}

}  // namespace

Result<ConnectionString> ConnectionString::parse(std::string_view text) {
  text = trim(text);
  if (text.empty()) return refuse("the connection string is empty");
  if (text.size() > kConnectionStringBytesMax) return refuse("the connection string is too long");
  KC_CHECK_OK(check_characters(text));
  KC_TRY(const std::vector<std::string> parts, cut(text));
  Reader reader;
  for (std::size_t i = 0; i < parts.size(); ++i) KC_CHECK_OK(reader.take(trim(parts[i]), i + 1));
  if (reader.address.empty()) return refuse("the connection string has no Data Source");
  KC_TRY(ConnectionString result, parse_address(reader.address));
  if (!reader.catalog.empty() && !result.database.empty() && reader.catalog != result.database) {
    return refuse("the address and keyword 'Initial Catalog' name different databases");
  }
  if (!reader.catalog.empty()) result.database = reader.catalog;
  KC_TRY(result.sign_in, reader.signed_in());
  return result;
}

}  // namespace kc::kusto
