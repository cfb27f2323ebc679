#include "core/lake/lake_address.h"

#include <algorithm>
#include <filesystem>

#include "core/azure/encoding.h"
#include "core/base/base64.h"
#include "core/base/text.h"
#include "core/lake/blob_address.h"
#include "core/lake/blob_lake.h"
#include "core/lake/folder_lake.h"
#include "core/lake/lake_names.h"
#include "core/lake/spread_lake.h"

namespace kc {
namespace {

constexpr const char* kForms =
    "Give a folder (/var/lib/kusto-copy/lake or file:///var/lib/kusto-copy/lake), "
    "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH or "
    "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, each with ?<SAS>, ;<account key>, "
    ";impersonate or ;managed_identity=system behind it.";

Failure unsupported(std::string message) {
  return fail(Error{.kind = ErrorKind::invalid,
                    .code = "lake.unsupported",
                    .message = std::move(message),
                    .fix = kForms});
}

// Of `scheme:rest`, in lower case; empty where the text is a path. What has a `://` is none,
// however strange its scheme.
std::string scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != text.npos && colon > 0 && text.substr(colon).starts_with("://") &&
      text.substr(0, colon).find('/') == text.npos)
    return lower(text.substr(0, colon));
  if (colon == text.npos || text.substr(0, colon).find_first_of("/.") != text.npos) return {};
  return lower(text.substr(0, colon));
}

Result<std::string> path_of_url(std::string_view url) {
  std::string_view rest = url;
  rest.remove_prefix(std::min(rest.size(), std::string_view("file:").size()));
  if (!rest.starts_with("//")) return unsupported("a file URL is written file:///path");
  rest.remove_prefix(2);
  if (rest.starts_with("localhost/")) rest.remove_prefix(std::string_view("localhost").size());
  if (!rest.starts_with('/'))
    return unsupported("a file URL names a folder of this host, without a host: file:///path");
  if (rest.find_first_of("?#") != rest.npos)
    return unsupported("a file URL has no query and no fragment ('?' is written %3F)");
  auto path = decode_path(rest);
  if (!path) return unsupported(path.error().message);
  return path;
}

Result<LakeAddress> folder_at(const std::string& path) {
  if (path.empty()) return unsupported("the lake is empty: there is no folder without a name");
  if (path.find('\0') != path.npos) return unsupported("the lake's path has a NUL character");
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return unsupported("the lake's path cannot be made absolute: " + error.message());
  std::string folder = absolute.lexically_normal().string();
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return LakeAddress{.folder = std::move(folder)};
}

bool is_blob_scheme(std::string_view scheme) {
  return scheme == "https" || scheme == "http" || scheme == "abfss" || scheme == "abfs" ||
         scheme == "wasbs" || scheme == "wasb";
}

Result<LakeAddress> on_blobs(Result<BlobPlace> place) {
  if (!place) return unsupported(place.error().message);
  return LakeAddress{.blobs = std::move(*place)};
}

// 16 hex digits of the place's hash.
std::string mark_of(const std::string& place) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : place) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += kHex[(hash >> shift) & 15U];
  return digits;
}

// The given SAS ends at an instant that can be read off it; the service would say less.
Result<void> check_sas_life(const BlobPlace& place, Ticks now) {
  if (place.root.credential.kind != azure::Credential::Kind::sas) return {};
  for (const auto& [name, value] : azure::parse_query(place.root.credential.secret)) {
    if (lower(name) != "se" || value.size() < 10) continue;
    // As text, both being ISO 8601 in UTC.
    if (value <= azure::sas_time(now))
      return fail(ErrorKind::denied, "lake.permission",
                  "the SAS of the lake " + place.root.url() + " has expired (se)");
  }
  return {};
}

// A key or a SAS that was given by reference, read and looked at as one that is written out is.
Result<void> read_reference(BlobPlace& place, const LakeDoors& doors) {
  auto& credential = place.root.credential;
  if (place.reference.empty() || credential.kind == azure::Credential::Kind::none) return {};
  KC_TRY(credential.secret, doors.secret(place.reference, place.reference_keyword));
  const auto refuse = [&](const std::string& why) {
    return unsupported("the lake's keyword '" + place.reference_keyword + "', which is " +
                       place.reference + ": " + why);
  };
  if (credential.kind == azure::Credential::Kind::shared_key) {
    if (!unbase64(credential.secret)) return refuse("no account key in base64");
    return {};
  }
  if (credential.secret.starts_with('?')) credential.secret.erase(0, 1);
  if (auto checked = check_lake_sas(credential.secret); !checked)
    return refuse(checked.error().message);
  return {};
}

Result<std::unique_ptr<Lake>> open_blobs(BlobPlace place, std::string_view job_id,
                                         const LakeDoors& doors) {
  BlobLakeOptions options;
  options.line.stop = doors.stop;
  if (!place.reference.empty() && !doors.secret)
    return unsupported("the lake " + place.root.url() + " takes no secret by reference here");
  KC_CHECK_OK(read_reference(place, doors));
  const auto& credential = place.root.credential;
  if (credential.kind == azure::Credential::Kind::none && !place.reference.empty()) {
    options.line.token = [secret = doors.secret, reference = place.reference,
                          keyword = place.reference_keyword](const std::string&) {
      return secret(reference, keyword);
    };
  } else if (credential.kind == azure::Credential::Kind::none) {
    if (!doors.token) {
      return unsupported("the lake " + place.root.url() +
                         " has no SAS, account key or token, and this process has no identity in "
                         "Azure");
    }
    options.line.token = [token = doors.token, root = place.root](const std::string& refused) {
      return token(root, refused);
    };
  }
  KC_CHECK_OK(check_sas_life(place, doors.clock.now()));
  auto& path = place.root.path;
  path += (path.empty() ? "" : "/") + std::string(job_id);
  return std::make_unique<BlobLake>(doors.transport, doors.clock, Rng::from_entropy(),
                                    std::move(place), std::move(options));
}

}  // namespace

std::string LakeAddress::describe() const { return blobs ? blobs->root.url() : folder; }

Result<LakeAddress> parse_lake(const std::string& text) {
  if (is_storage_connection_string(text)) return on_blobs(blob_place_of_account(text));
  const std::string scheme = scheme_of(text);
  if (scheme.empty()) return folder_at(text);
  if (scheme == "file") {
    KC_TRY(const auto path, path_of_url(text));
    return folder_at(path);
  }
  if (is_blob_scheme(scheme)) return on_blobs(parse_blob_place(text));
  const bool word = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '3' || c == '.';
  });
  return unsupported(word ? "a lake is not reached by the scheme '" + scheme + "'"
                          : "what stands before the ':' of the lake is no scheme");
}

bool has_several_lakes(std::string_view text) { return text.find('\n') != text.npos; }

std::vector<std::string> lakes_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Result<std::vector<LakeAddress>> parse_lakes(std::string_view text) {
  const auto lines = lakes_of(text);
  if (lines.size() > kLakesMax)
    return unsupported("there are more than " + std::to_string(kLakesMax) + " lakes");
  std::vector<LakeAddress> all;
  for (const auto& line : lines) {
    auto one = parse_lake(line);
    if (!one && lines.size() > 1)
      return fail(std::move(one).error().in("lake number " + std::to_string(all.size() + 1)));
    if (!one) return fail(std::move(one).error());
    const auto same = std::find_if(all.begin(), all.end(), [&](const LakeAddress& other) {
      return other.describe() == one->describe();
    });
    if (same != all.end()) return unsupported("the lake " + one->describe() + " is given twice");
    if (!all.empty() && all.front().blobs.has_value() != one->blobs.has_value())
      return unsupported("of several lakes, all are folders or all are containers");
    all.push_back(std::move(*one));
  }
  return all;
}

Result<std::unique_ptr<Lake>> open_lakes(std::vector<LakeAddress> addresses,
                                         std::string_view job_id, const LakeDoors& doors) {
  if (addresses.size() == 1) return open_lake(addresses.front(), job_id, doors);
  const auto mark = "kc-" + mark_of(addresses.front().describe());
  std::vector<std::unique_ptr<Lake>> lakes;
  for (auto& address : addresses) {
    if (!lakes.empty() && address.blobs) {
      auto& path = address.blobs->root.path;
      path += (path.empty() ? "" : "/") + mark;
    } else if (!lakes.empty()) {
      address.folder += "/" + mark;
    }
    KC_TRY(auto lake, open_lake(address, job_id, doors));
    lakes.push_back(std::move(lake));
  }
  return std::make_unique<SpreadLake>(std::move(lakes));
}

Result<std::unique_ptr<Lake>> open_lake(const LakeAddress& address, std::string_view job_id,
                                        const LakeDoors& doors) {
  KC_CHECK_OK(check_lake_name(job_id));
  if (job_id.find('/') != job_id.npos) {
    return fail(ErrorKind::invalid, "lake.name", "'" + std::string(job_id) + "' is not a job id");
  }
  if (address.blobs) return open_blobs(*address.blobs, job_id, doors);
  return std::make_unique<FolderLake>(address.folder + "/" + std::string(job_id));
}

}  // namespace kc
