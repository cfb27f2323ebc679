#include "core/azure/blobs.h"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <pugixml.hpp>

namespace kc::azure {
namespace {

const net::Header kBytes{"Content-Type", "application/octet-stream"};

std::int64_t number(const std::string* text) {
  std::int64_t value = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::string text_of(const net::HttpAnswer& answer, std::string_view name) {
  const auto* value = answer.header(name);
  return value == nullptr ? std::string() : *value;
}

// A listing gives it bare, a header with quotes.
std::string quoted(std::string etag) {
  return etag.empty() || etag.front() == '"' ? etag : "\"" + etag + "\"";
}

Failure local_failure(const std::filesystem::path& path) {
  return fail(ErrorKind::unavailable, "storage.local_file",
              "the local file " + path.string() + " cannot be read or written");
}

Failure no_listing(const std::string& what) {
  return fail(ErrorKind::corrupt, "storage.corrupt", what + ": the answer is no listing");
}

BlobItem item_of(const pugi::xml_node& blob) {
  const auto properties = blob.child("Properties");
  BlobItem item;
  const auto name = blob.child("Name");
  item.name =
      name.attribute("Encoded").as_bool() ? percent_decode(name.child_value()) : name.child_value();
  const std::string size = properties.child_value("Content-Length");
  item.size = number(&size);
  item.etag = quoted(properties.child_value("Etag"));
  item.created = properties.child_value("Creation-Time");
  item.modified = properties.child_value("Last-Modified");
  return item;
}

}  // namespace

Blobs::Blobs(net::Transport& transport, const Clock& clock, const BlobAddress& address,
             LineOptions options)
    : line_(transport, clock, address.endpoint, address.credential, Line::Service::blob_or_queue,
            std::move(options)),
      container_(address.container) {}

std::string Blobs::path_of(const std::string& name) const {
  return "/" + percent_encode(container_, "$") + "/" + percent_encode(name, "/");
}

std::string Blobs::about(const std::string& doing, const std::string& name) const {
  return doing + " blob " + container_ + "/" + name;
}

Result<std::string> Blobs::get(const std::string& name) {
  KC_TRY(auto answer, line_.send({.path = path_of(name)}, {200}, about("reading", name)));
  return std::move(answer.body);
}

Result<std::string> Blobs::get_range(const std::string& name, std::int64_t offset,
                                     std::size_t size) {
  if (size == 0) return std::string();
  StorageCall call{.path = path_of(name)};
  call.headers = {{"x-ms-range", "bytes=" + std::to_string(offset) + "-" +
                                     std::to_string(offset + static_cast<std::int64_t>(size) - 1)}};
  KC_TRY(auto answer, line_.send(call, {200, 206, 416}, about("reading", name)));
  if (answer.status == 416) return std::string();
  if (answer.body.size() > size)
    return fail(ErrorKind::corrupt, "storage.corrupt",
                about("reading", name) + ": more came than the range asked for");
  return std::move(answer.body);
}

Result<BlobProperties> Blobs::properties(const std::string& name) {
  KC_TRY(const auto answer, line_.send({.method = net::Method::head, .path = path_of(name)}, {200},
                                       about("looking at", name)));
  return BlobProperties{number(answer.header("content-length")), text_of(answer, "etag"),
                        text_of(answer, "content-encoding")};
}

Result<std::string> Blobs::put(const std::string& name, std::string bytes,
                               const PutCondition& when) {
  StorageCall call{.method = net::Method::put, .path = path_of(name)};
  call.headers = {{"x-ms-blob-type", "BlockBlob"}, kBytes};
  if (when.if_absent) call.headers.push_back({"If-None-Match", "*"});
  if (!when.if_match.empty()) call.headers.push_back({"If-Match", when.if_match});
  call.repeatable = !when.if_absent && when.if_match.empty();
  call.body = std::move(bytes);
  KC_TRY(const auto answer, line_.send(call, {201}, about("writing", name)));
  return text_of(answer, "etag");
}

Result<void> Blobs::put_block(const std::string& name, const std::string& block_id,
                              std::string bytes) {
  StorageCall call{.method = net::Method::put, .path = path_of(name)};
  call.query = {{"comp", "block"}, {"blockid", base64(block_id)}};
  call.headers = {kBytes};
  call.body = std::move(bytes);
  KC_CHECK_OK(line_.send(call, {201}, about("writing a block of", name)));
  return {};
}

Result<std::string> Blobs::commit_blocks(const std::string& name,
                                         const std::vector<std::string>& block_ids) {
  StorageCall call{.method = net::Method::put, .path = path_of(name)};
  call.query = {{"comp", "blocklist"}};
  call.headers = {{"Content-Type", "application/xml"}};
  call.body = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
  for (const auto& id : block_ids) call.body += "<Latest>" + base64(id) + "</Latest>";
  call.body += "</BlockList>";
  // Once committed, the blocks are no longer there to be committed again: a repetition would fail.
  call.repeatable = false;
  KC_TRY(const auto answer, line_.send(call, {201}, about("completing", name)));
  return text_of(answer, "etag");
}

Result<void> Blobs::remove(const std::string& name) {
  KC_CHECK_OK(
      line_.send({.method = net::Method::delete_, .path = path_of(name), .headers = {kBytes}},
                 {202}, about("removing", name)));
  return {};
}

Result<void> Blobs::upload(const std::filesystem::path& from, const std::string& name) {
  std::ifstream file(from, std::ios::binary);
  if (!file) return local_failure(from);
  std::vector<std::string> ids;
  for (std::string piece(kBlockBytes, '\0');;) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    if (file.bad()) return local_failure(from);
    const auto got = static_cast<std::size_t>(file.gcount());
    const bool last = got < piece.size();
    if (last && ids.empty()) {
      KC_CHECK_OK(put(name, piece.substr(0, got)));
      return {};
    }
    if (got > 0) {
      std::array<char, 16> id{};
      std::snprintf(id.data(), id.size(), "%08zu", ids.size());
      KC_CHECK_OK(put_block(name, id.data(), piece.substr(0, got)));
      ids.emplace_back(id.data());
    }
    if (last) break;
  }
  KC_CHECK_OK(commit_blocks(name, ids));
  return {};
}

Result<std::int64_t> Blobs::download(const std::string& name, const std::filesystem::path& to) {
  std::ofstream file(to, std::ios::binary | std::ios::trunc);
  if (!file) return local_failure(to);
  std::string etag;
  std::int64_t size = 0;
  for (;;) {
    StorageCall call{.path = path_of(name)};
    call.headers = {
        {"x-ms-range", "bytes=" + std::to_string(size) + "-" +
                           std::to_string(size + static_cast<std::int64_t>(kBlockBytes) - 1)}};
    // The pieces are of one version, or the file is none.
    if (!etag.empty()) call.headers.push_back({"If-Match", etag});
    KC_TRY(const auto answer, line_.send(call, {200, 206, 416}, about("reading", name)));
    if (answer.status == 416) break;
    file.write(answer.body.data(), static_cast<std::streamsize>(answer.body.size()));
    size += static_cast<std::int64_t>(answer.body.size());
    etag = text_of(answer, "etag");
    const auto range = text_of(answer, "content-range");
    const auto whole =
        range.substr(range.rfind('/') == std::string::npos ? 0 : range.rfind('/') + 1);
    if (answer.status == 200 || answer.body.empty() || size >= number(&whole)) break;
  }
  file.flush();
  if (!file) return local_failure(to);
  return size;
}

Result<BlobPage> Blobs::list(const std::string& prefix, const std::string& marker,
                             int results_max) {
  StorageCall call{.path = "/" + percent_encode(container_, "$")};
  call.query = {{"restype", "container"}, {"comp", "list"}};
  call.query.emplace_back("maxresults", std::to_string(results_max));
  if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
  if (!marker.empty()) call.query.emplace_back("marker", marker);
  const auto what = "listing container " + container_;
  KC_TRY(const auto answer, line_.send(call, {200}, what));
  pugi::xml_document document;
  if (!document.load_buffer(answer.body.data(), answer.body.size())) return no_listing(what);
  const auto root = document.child("EnumerationResults");
  if (!root) return no_listing(what);
  BlobPage page;
  for (const auto& blob : root.child("Blobs").children("Blob")) {
    // An account with a hierarchy lists its directories among the blobs.
    if (std::string_view(blob.child("Properties").child_value("ResourceType")) == "directory")
      continue;
    page.blobs.push_back(item_of(blob));
  }
  page.marker = root.child_value("NextMarker");
  return page;
}

Result<std::vector<BlobItem>> Blobs::list_all(const std::string& prefix, std::size_t limit) {
  std::vector<BlobItem> all;
  std::string marker;
  do {
    KC_TRY(auto page, list(prefix, marker));
    if (page.marker == marker && !marker.empty())
      return no_listing("listing container " + container_);
    marker = std::move(page.marker);
    all.insert(all.end(), std::make_move_iterator(page.blobs.begin()),
               std::make_move_iterator(page.blobs.end()));
    if (all.size() > limit)
      return fail(
          ErrorKind::invalid, "storage.too_many",
          "container " + container_ + " has more than " + std::to_string(limit) + " such blobs");
  } while (!marker.empty());
  return all;
}

Result<bool> Blobs::create_container() {
  StorageCall call{.method = net::Method::put, .path = "/" + percent_encode(container_, "$")};
  call.query = {{"restype", "container"}};
  call.headers = {kBytes};
  KC_TRY(const auto answer, line_.send(call, {201, 409}, "making container " + container_));
  if (answer.status == 409 && error_code_of(answer) != "ContainerAlreadyExists")
    return fail(ErrorKind::conflict, "storage.conflict",
                "making container " + container_ + ": " + error_code_of(answer));
  return answer.status == 201;
}

Result<void> Blobs::remove_container() {
  StorageCall call{.method = net::Method::delete_, .path = "/" + percent_encode(container_, "$")};
  call.query = {{"restype", "container"}};
  call.headers = {kBytes};
  KC_CHECK_OK(line_.send(call, {202}, "removing container " + container_));
  return {};
}

}  // namespace kc::azure
