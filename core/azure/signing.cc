#include "core/azure/signing.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/base/base64.h"
#include "core/base/text.h"

namespace kc::azure {
namespace {

std::string header_of(const Signable& request, std::string_view name) {
  for (const auto& header : request.headers) {
    if (lower(header.name) == name) return header.value;
  }
  return {};
}

struct Target {
  std::string_view path, query;
};

Target target_of(std::string_view url) {
  const auto start = url.find("://");
  if (start != std::string_view::npos) url.remove_prefix(start + 3);
  const auto slash = url.find('/');
  if (slash == std::string_view::npos) return {"/", {}};
  url.remove_prefix(slash);
  const auto mark = std::min(url.find('?'), url.size());
  return {url.substr(0, mark), url.substr(std::min(mark + 1, url.size()))};
}

// Each name once, its values joined by commas in order.
std::string canonical_query(std::string_view text) {
  std::map<std::string, std::vector<std::string>> values;
  for (auto& [name, value] : parse_query(text)) values[lower(name)].push_back(value);
  std::string out;
  for (auto& [name, list] : values) {
    std::sort(list.begin(), list.end());
    out += "\n" + name + ":";
    for (std::size_t i = 0; i < list.size(); ++i) out += (i > 0 ? "," : "") + list[i];
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) out += (i > 0 ? "\n" : "") + lines[i];
  return out;
}

std::string without_empty(Query query) {
  std::erase_if(query, [](const auto& pair) { return pair.second.empty(); });
  return render_query(query);
}

}  // namespace

std::string signature(std::string_view key, std::string_view text) {
  const auto secret = unbase64(key);
  if (!secret) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret->data(), static_cast<int>(secret->size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return base64({reinterpret_cast<const char*>(digest.data()), size});
}

std::string string_to_sign(const Signable& request, std::string_view account) {
  std::string out(request.verb);
  constexpr std::array<std::string_view, 11> kHeaders = {"content-encoding",
                                                         "content-language",
                                                         "content-length",
                                                         "content-md5",
                                                         "content-type",
                                                         "date",
                                                         "if-modified-since",
                                                         "if-match",
                                                         "if-none-match",
                                                         "if-unmodified-since",
                                                         "range"};
  for (const auto name : kHeaders) {
    out += '\n';
    if (name == "content-length")
      out += request.content_length > 0 ? std::to_string(request.content_length) : "";
    else
      out += header_of(request, name);
  }
  std::map<std::string, std::string> own;
  for (const auto& header : request.headers) {
    if (lower(header.name).starts_with("x-ms-")) own[lower(header.name)] = header.value;
  }
  for (const auto& [name, value] : own) out += "\n" + name + ":" + value;
  const auto target = target_of(request.url);
  out += "\n/" + std::string(account) + std::string(target.path) + canonical_query(target.query);
  return out;
}

std::string table_string_to_sign(const Signable& request, std::string_view account) {
  const auto target = target_of(request.url);
  auto resource = "/" + std::string(account) + std::string(target.path);
  for (const auto& [name, value] : parse_query(target.query)) {
    if (lower(name) == "comp") resource += "?comp=" + value;
  }
  return joined({std::string(request.verb), header_of(request, "content-md5"),
                 header_of(request, "content-type"), header_of(request, "x-ms-date"), resource});
}

std::string account_sas(const StorageAccount& account, const AccountSas& wish) {
  const auto expiry = sas_time(wish.expiry);
  // Start, address range and encryption scope are left open; the last line ends too.
  const auto text = joined({account.name, wish.permissions, wish.services, wish.resource_types, "",
                            expiry, "", wish.protocol, std::string(kStorageVersion), "", ""});
  return without_empty({{"sv", std::string(kStorageVersion)},
                        {"ss", wish.services},
                        {"srt", wish.resource_types},
                        {"sp", wish.permissions},
                        {"se", expiry},
                        {"spr", wish.protocol},
                        {"sig", signature(account.key, text)}});
}

namespace {

std::string canonical_blob(std::string_view account, const BlobSas& wish) {
  auto resource = "/blob/" + std::string(account) + "/" + wish.container;
  if (!wish.blob.empty()) resource += "/" + wish.blob;
  return resource;
}

}  // namespace

std::string blob_sas(const StorageAccount& account, const BlobSas& wish) {
  const auto expiry = sas_time(wish.expiry);
  const std::string kind = wish.blob.empty() ? "c" : "b", version(kStorageVersion);
  // sp st se resource si sip spr sv sr snapshot ses rscc rscd rsce rscl rsct
  const auto text = joined({wish.permissions, "", expiry, canonical_blob(account.name, wish), "",
                            "", wish.protocol, version, kind, "", "", "", "", "", "", ""});
  return without_empty({{"sv", version},
                        {"sr", kind},
                        {"sp", wish.permissions},
                        {"se", expiry},
                        {"spr", wish.protocol},
                        {"sig", signature(account.key, text)}});
}

std::string delegation_sas(std::string_view account, const DelegationKey& key,
                           const BlobSas& wish) {
  const auto expiry = sas_time(wish.expiry);
  const std::string kind = wish.blob.empty() ? "c" : "b", version(kStorageVersion);
  // The 24 lines of versions 2020-12-06 to 2024-11-04: sp st se resource skoid sktid skt ske sks
  // skv saoid suoid scid sip spr sv sr snapshot ses rscc rscd rsce rscl rsct
  const auto text = joined({wish.permissions,
                            "",
                            expiry,
                            canonical_blob(account, wish),
                            key.object_id,
                            key.tenant_id,
                            key.start,
                            key.expiry,
                            key.service,
                            key.version,
                            "",
                            "",
                            "",
                            "",
                            wish.protocol,
                            version,
                            kind,
                            "",
                            "",
                            "",
                            "",
                            "",
                            "",
                            ""});
  return without_empty({{"sv", version},
                        {"sr", kind},
                        {"sp", wish.permissions},
                        {"se", expiry},
                        {"spr", wish.protocol},
                        {"skoid", key.object_id},
                        {"sktid", key.tenant_id},
                        {"skt", key.start},
                        {"ske", key.expiry},
                        {"sks", key.service},
                        {"skv", key.version},
                        {"sig", signature(key.value, text)}});
}

}  // namespace kc::azure
