#include "core/engine/commands/source_files.h"

#include <filesystem>
#include <map>

#include "core/base/text.h"
#include "core/engine/commands/ingest.h"
#include "core/engine/commands/places.h"
#include "core/engine/files/blob_store.h"
#include "core/net/curl_transport.h"

namespace kc::engine {
namespace {

Result<std::string> fetch_blob(Host& host, const std::string& address, std::size_t number,
                               std::optional<Scratch>& scratch) {
  const auto name = local_name(address, number);
  if (lower(name).ends_with(".zip"))
    return ingest_error("BadRequest_NotSupported", "zip archives are not supported");
  if (!scratch) {
    KC_TRY(auto folder, host.files->scratch("blobs_" + host.new_id().text()));
    scratch.emplace(std::move(folder));
  }
  const auto file = (scratch->folder() / name).string();
  net::CurlTransport transport;
  const SystemClock clock;  // the account's time is real
  KC_CHECK_OK(BlobStore(transport, clock).download(address, file));
  return file;
}

}  // namespace

Failure format_not_supported(const std::string& format) {
  return ingest_error("BadRequest_FormatNotSupported",
                      "the data format '" + format + "' is not supported by this engine");
}

std::string format_of(const std::string& file) {
  auto name = lower(file.substr(0, file.find('?')));
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  static const std::vector<std::string> kFormats = {
      "parquet", "json",      "tsv",        "psv",  "scsv", "sohsv",      "tsve",      "txt",
      "raw",     "multijson", "singlejson", "avro", "orc",  "w3clogfile", "apacheavro"};
  for (const auto& format : kFormats) {
    if (name.ends_with("." + format)) return format;
  }
  return "csv";
}

Result<TextFormat> text_format(const std::string& name) {
  static const std::map<std::string, TextFormat> kFormats = {
      {"csv", {}},
      {"tsv", {.separator = '\t'}},
      {"tsve", {.separator = '\t', .escapes = true}},
      {"psv", {.separator = '|'}},
      {"scsv", {.separator = ';'}},
      {"sohsv", {.separator = '\x01'}},
      {"txt", {.kind = TextFormat::Kind::txt}},
      {"raw", {.kind = TextFormat::Kind::raw}},
      {"json", {.kind = TextFormat::Kind::json}},
      {"multijson", {.kind = TextFormat::Kind::multijson}},
      {"singlejson", {.kind = TextFormat::Kind::multijson}}};
  const auto found = kFormats.find(name);
  if (found == kFormats.end()) return format_not_supported(name);
  return found->second;
}

Result<std::vector<std::string>> local_files(Host& host, const std::vector<std::string>& addresses,
                                             std::optional<Scratch>& scratch) {
  std::vector<std::string> files;
  for (const auto& address : addresses) {
    if (address.empty()) return ingest_error("BadRequest_EmptyBlobUri", "a blob has no address");
    if (is_blob_address(address)) {
      KC_TRY(auto file, fetch_blob(host, address, files.size(), scratch));
      files.push_back(std::move(file));
      continue;
    }
    KC_TRY(const auto place, parse_place(address));
    std::error_code error;
    if (!std::filesystem::is_regular_file(place.path, error)) {
      return ingest_error("Download_SourceNotFound", "the blob " + place.path + " was not found");
    }
    if (lower(place.path).ends_with(".zip"))
      return ingest_error("BadRequest_NotSupported", "zip archives are not supported");
    files.push_back(place.path);
  }
  return files;
}

}  // namespace kc::engine
