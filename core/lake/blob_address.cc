#include "core/lake/blob_address.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/azure/encoding.h"
#include "core/azure/secret_reference.h"
#include "core/base/base64.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/lake/lake_names.h"

namespace kc {
namespace {

using Kind = azure::Credential::Kind;
using Entry = BlobPlace::Entry;

constexpr std::size_t kRootPathMax = 400;  // of the 1,024 characters that a blob's name has

Failure bad(std::string message) {
  return fail(ErrorKind::invalid, "lake.unsupported", std::move(message));
}

bool all_of_letters(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != more.npos;
  });
}

// The services that are known to take the token of an identity. A signature is bound to its
// account; a token would be anybody's who gets it.
bool takes_tokens(std::string_view endpoint) {
  const auto host = lower(net::host_of(endpoint));
  if (net::is_loopback_host(host)) return true;
  constexpr std::array<std::string_view, 5> kSuffixes = {
      ".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn",
      ".blob.storage.azure.net", ".blob.fabric.microsoft.com"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                     [&](std::string_view suffix) { return host.ends_with(suffix); });
}

Result<void> check_account(const azure::BlobAddress& root) {
  const auto host = std::string(net::host_of(root.endpoint));
  const bool path_style = root.endpoint.find('/', 8) != std::string::npos;
  if (!path_style && host.find(".blob.") == std::string::npos)
    return bad("the host '" + host +
               "' is not a storage account's (ACCOUNT.blob.core.windows.net); a custom domain is "
               "not taken");
  if (is_onelake(root)) return {};
  if (root.account.ends_with("-secondary"))
    return bad("the account '" + root.account + "' is the copy that can only be read");
  if (root.account.size() < 3 || root.account.size() > 24 || !all_of_letters(root.account, {}))
    return bad("the account '" + root.account +
               "' is no account name: 3 to 24 lower-case letters and digits");
  return {};
}

Result<void> check_container(const azure::BlobAddress& root) {
  const auto& name = root.container;
  if (is_onelake(root)) return {};  // a workspace
  const bool fine = name.size() >= 3 && name.size() <= 63 && all_of_letters(name, "-") &&
                    name.front() != '-' && name.back() != '-' &&
                    name.find("--") == std::string::npos;
  if (fine) return {};
  return bad("the container '" + name +
             "' is no container name: 3 to 63 lower-case letters, digits and single hyphens");
}

Result<void> check_path(azure::BlobAddress& root) {
  while (root.path.ends_with('/')) root.path.pop_back();
  if (root.path.size() > kRootPathMax)
    return bad("the path in the container has more than 400 characters");
  if (!root.path.empty() && !check_lake_name(root.path))
    return bad(
        "the path in the container has an empty part, or one that begins with a dot or has "
        "more than 200 characters");
  if (is_onelake(root) && root.path.find('/') == std::string::npos)
    return bad("the path in OneLake is ITEM.Lakehouse/Files/FOLDER");
  return {};
}

// A secret by reference is looked at when it is read.
bool by_reference(const BlobPlace& place) { return !place.reference.empty(); }

Result<void> check_secret(const BlobPlace& place) {
  const auto& credential = place.root.credential;
  if (by_reference(place)) {
    if (auto good = azure::check_secret_reference(place.reference, place.reference_keyword); !good)
      return bad("the lake: " + good.error().message);
    return {};
  }
  if (credential.kind == Kind::sas) return check_lake_sas(credential.secret);
  if (credential.kind != Kind::none && credential.secret.empty())
    return bad("what follows the ';' of the lake's URL is empty");
  return {};
}

Result<BlobPlace> checked(BlobPlace place) {
  auto& root = place.root;
  KC_CHECK_OK(check_account(root));
  KC_CHECK_OK(check_container(root));
  KC_CHECK_OK(check_path(root));
  KC_CHECK_OK(check_secret(place));
  const bool by_token = root.credential.kind == Kind::none || root.credential.kind == Kind::token;
  if (by_token && !takes_tokens(root.endpoint))
    return bad("'" + net::origin_of(root.endpoint) +
               "' is no known storage service: no token is sent there; use a SAS or a key");
  if (root.credential.kind == Kind::none && !by_reference(place) &&
      !root.endpoint.starts_with("https://"))
    return bad("the lake's URL has no SAS and no account key, and plain http takes nothing else");
  if (by_token && !root.endpoint.starts_with("https://"))
    return bad("a token is not sent over plain http, not even to this host");
  if (is_onelake(root) && place.entry == Entry::signature)
    return bad("OneLake gives no signature that lives as long as an export may: add ;impersonate");
  return place;
}

// A person has no place in an address: the application that Kusto's clients sign people in with is
// none that storage gives tokens to (docs/connections.md).
Result<void> refuse_person(std::string_view text) {
  constexpr std::array<std::string_view, 4> kWords = {"device-code", "device_code", "devicecode",
                                                      "prompt"};
  const auto semicolon = text.rfind(';');
  if (semicolon == text.npos) return {};
  const auto tail = text.substr(semicolon + 1);
  const auto word = lower(tail.substr(0, tail.find('=')));
  if (std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return {};
  return bad("keyword '" + word +
             "' of the lake's URL: nobody signs in to a lake by a code; run `az login "
             "--use-device-code` and give the URL without it, or with a SAS, an account key or a "
             "token");
}

// Takes `;impersonate` or `;managed_identity=…` off the end of the text.
Result<Entry> take_entry(std::string_view& text, std::string& identity) {
  const auto semicolon = text.rfind(';');
  if (semicolon == text.npos) return Entry::signature;
  const auto tail = text.substr(semicolon + 1);
  const auto equals = std::min(tail.find('='), tail.size());
  const auto word = lower(tail.substr(0, equals));
  if (word != "impersonate" && word != "managed_identity") return Entry::signature;
  text = text.substr(0, semicolon);
  if (text.find_first_of("?;") != text.npos)
    return bad("the lake's URL has another way in before ';" + word + "': it takes one");
  if (word == "impersonate") {
    if (equals != tail.size()) return bad("';impersonate' of the lake's URL has no value");
    return Entry::impersonate;
  }
  identity = std::string(tail.substr(std::min(equals + 1, tail.size())));
  if (lower(identity) != "system" && !Uuid::parse(lower(identity)))
    return bad("';managed_identity=' of the lake's URL is 'system' or an object id");
  return Entry::managed_identity;
}

// Takes `;sharedkey=`, `;sas=` or `;token=` with a reference off the end of the text; what kind of
// credential it stands for.
Result<std::optional<Kind>> take_reference(std::string_view& text, BlobPlace& place) {
  const auto semicolon = text.rfind(';');
  if (semicolon == text.npos) return std::nullopt;
  const auto tail = text.substr(semicolon + 1);
  const auto equals = tail.find('=');
  if (equals == tail.npos) return std::nullopt;
  const auto word = lower(tail.substr(0, equals));
  if (!azure::is_secret_reference(tail.substr(equals + 1))) {
    if (word != "sas") return std::nullopt;
    return bad(
        "keyword 'sas' of the lake's URL takes env:NAME or file:/path: a SAS that is "
        "written out stands behind the '?'");
  }
  std::optional<Kind> kind;
  if (word == "sharedkey") kind = Kind::shared_key;
  if (word == "sas") kind = Kind::sas;
  if (word == "token") kind = Kind::none;
  if (!kind) return kind;
  place.reference = tail.substr(equals + 1);
  place.reference_keyword = word;
  text = text.substr(0, semicolon);
  return kind;
}

// The parts of `a=b;c=d` by their names in lower case; nothing repeated.
Result<std::map<std::string, std::string>> parts_of(std::string_view text) {
  std::map<std::string, std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const auto part = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const auto equals = part.find('=');
    if (equals == part.npos) return bad("the storage connection string has a part without '='");
    const auto name = lower(trim(part.substr(0, equals)));
    if (!parts.emplace(name, trim(part.substr(equals + 1))).second)
      return bad("the storage connection string has '" + name + "' twice");
  }
  return parts;
}

constexpr std::array<std::string_view, 11> kParts = {"defaultendpointsprotocol",
                                                     "accountname",
                                                     "accountkey",
                                                     "endpointsuffix",
                                                     "blobendpoint",
                                                     "queueendpoint",
                                                     "tableendpoint",
                                                     "fileendpoint",
                                                     "sharedaccesssignature",
                                                     "container",
                                                     "usedevelopmentstorage"};

Result<void> check_parts(const std::map<std::string, std::string>& parts) {
  for (const auto& [name, value] : parts) {
    if (std::find(kParts.begin(), kParts.end(), name) != kParts.end()) continue;
    const bool word = name.size() <= 40 && all_of_letters(name, {});
    return bad("the storage connection string has " +
               (word ? "the part '" + name + "'" : std::string("a part")) +
               ", which is not known here");
  }
  return {};
}

// The account at its blob endpoint, which is given or follows from name and suffix.
Result<azure::BlobAddress> account_of(std::map<std::string, std::string>& parts) {
  std::string endpoint = parts["blobendpoint"];
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (endpoint.empty()) {
    if (parts["accountname"].empty())
      return bad("the storage connection string has neither BlobEndpoint nor AccountName");
    const auto or_else = [&](const char* name, const char* otherwise) {
      return parts[name].empty() ? std::string(otherwise) : parts[name];
    };
    endpoint = or_else("defaultendpointsprotocol", "https") + "://" + parts["accountname"] +
               ".blob." + or_else("endpointsuffix", "core.windows.net");
  }
  if (endpoint.find_first_of("?#@") != std::string::npos)
    return bad("the storage connection string has a BlobEndpoint that is no plain address");
  // Its container is not in it: any will do to read the endpoint.
  auto address = azure::parse_blob_address(endpoint + "/any");
  if (!address) return bad("the storage connection string: " + address.error().message);
  address->container.clear();
  return address;
}

// Takes a reference out of the part, so that what is left is an empty secret.
bool take_reference(std::string& part, std::string_view keyword, BlobPlace& place) {
  if (!azure::is_secret_reference(part)) return false;
  place.reference = std::exchange(part, {});
  place.reference_keyword = keyword;
  return true;
}

Result<azure::Credential> credential_of(std::map<std::string, std::string>& parts,
                                        BlobPlace& place) {
  const bool key = !parts["accountkey"].empty(), sas = !parts["sharedaccesssignature"].empty();
  if (key == sas)
    return bad(
        "the storage connection string has an AccountKey or a SharedAccessSignature: one of "
        "them");
  if (sas) {
    auto& text = parts["sharedaccesssignature"];
    if (take_reference(text, "SharedAccessSignature", place))
      return azure::Credential{Kind::sas, {}, {}};
    return azure::Credential{Kind::sas, {}, text.substr(text.starts_with('?') ? 1 : 0)};
  }
  if (parts["accountname"].empty())
    return bad("the storage connection string has no AccountName for its AccountKey");
  if (take_reference(parts["accountkey"], "AccountKey", place))
    return azure::Credential{Kind::shared_key, parts["accountname"], {}};
  if (!unbase64(parts["accountkey"]))
    return bad("the storage connection string has no AccountKey in base64");
  return azure::Credential{Kind::shared_key, parts["accountname"], parts["accountkey"]};
}

}  // namespace

Result<BlobPlace> parse_blob_place(std::string_view text) {
  BlobPlace place;
  KC_CHECK_OK(refuse_person(text));
  KC_TRY(place.entry, take_entry(text, place.identity));
  KC_TRY(const auto referenced, take_reference(text, place));
  if (text.ends_with(';')) return bad("what follows the ';' of the lake's URL is empty");
  // The broken escape of a path would silently be another path.
  const auto path = text.substr(0, text.find_first_of("?;"));
  if (!decode_path(path)) return bad("the lake's URL has a broken % escape");
  if (path.find('#') != path.npos) return bad("the lake's URL has a fragment ('#' is written %23)");
  auto root = azure::parse_blob_address(text);
  if (!root) return bad("the lake: " + root.error().message);
  place.root = std::move(*root);
  if (referenced) {
    if (place.root.credential.kind != Kind::none || place.entry != Entry::signature)
      return bad("the lake's URL has another way in beside ';" + place.reference_keyword +
                 "=': it takes one");
    place.root.credential = {*referenced, place.root.account, {}};
  }
  return checked(std::move(place));
}

bool is_storage_connection_string(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos) return false;
  const auto name = lower(trim(text.substr(0, equals)));
  return std::find(kParts.begin(), kParts.end(), name) != kParts.end();
}

Result<BlobPlace> blob_place_of_account(std::string_view text) {
  KC_TRY(auto parts, parts_of(text));
  KC_CHECK_OK(check_parts(parts));
  if (const auto name = parts.find("accountname"); name != parts.end())
    name->second = lower(name->second);  // as it is signed
  const auto where = parts["container"];
  if (where.empty())
    return bad("the storage connection string names an account only: add Container=CONTAINER/PATH");
  BlobPlace place;
  if (parts.contains("usedevelopmentstorage")) {
    // Its key and ports are what everybody's emulator has.
    const auto account = azure::parse_account("UseDevelopmentStorage=true");
    if (lower(parts["usedevelopmentstorage"]) != "true" || parts.size() != 2 || !account)
      return bad("UseDevelopmentStorage is 'true', and stands alone but for Container");
    place.root = {account->blob, account->name, {}, {}, account->credential()};
  } else {
    KC_TRY(place.root, account_of(parts));
    KC_TRY(place.root.credential, credential_of(parts, place));
  }
  const auto slash = std::min(where.find('/'), where.size());
  place.root.container = where.substr(0, slash);
  place.root.path = where.substr(std::min(slash + 1, where.size()));
  return checked(std::move(place));
}

Result<void> check_lake_sas(std::string_view sas) {
  std::map<std::string, std::string> given;
  for (auto& [name, value] : azure::parse_query(sas)) given[lower(name)] = value;
  if (given["sig"].empty()) return bad("the query of the lake's URL is no SAS: it has no 'sig'");
  if (sas.find(';') != sas.npos)
    return bad("something follows the SAS of the lake's URL behind a ';': it has a SAS, or that");
  if (given["sr"] == "b" || given["sr"] == "bs" || given["sr"] == "bv")
    return bad("the SAS of the lake's URL is for one blob (sr): it has to be for the container");
  const bool account = given.contains("srt");
  if (account &&
      (given["srt"].find('c') == std::string::npos || given["srt"].find('o') == std::string::npos))
    return bad("the SAS of the lake's URL is not for containers and objects (srt=co)");
  if (account && given["ss"].find('b') == std::string::npos)
    return bad("the SAS of the lake's URL is not for blobs (ss=b)");
  if (given.contains("si")) return {};  // the policy has the rest
  for (const char right : std::string_view("rwdl")) {
    if (given["sp"].find(right) == std::string::npos)
      return bad(std::string("the SAS of the lake's URL lacks the right '") + right +
                 "' (sp): a lake reads, writes, deletes and lists");
  }
  return {};
}

}  // namespace kc
