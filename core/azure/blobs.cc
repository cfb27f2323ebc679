#include "core/azure/blobs.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <pugixml.hpp>

#include "core/base/base64.h"

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

void add_conditions(StorageCall& call, const PutCondition& when) {
  if (when.if_absent) call.headers.push_back({"If-None-Match", "*"});
  if (!when.if_match.empty()) call.headers.push_back({"If-Match", when.if_match});
  if (!when.lease_id.empty()) call.headers.push_back({"x-ms-lease-id", when.lease_id});
  if (!when.stamp.empty()) call.headers.push_back({"x-ms-meta-stamp", when.stamp});
}

// Of one length within a blob, as the service wants them.
std::string block_id(const std::string& stem, std::size_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%08zu", number);
  return stem + text.data();
}

struct LeaseWords {
  const char* action;
  int status;
};
LeaseWords words_of(LeaseCall::Action action) {
  switch (action) {
    case LeaseCall::Action::acquire:
      return {"acquire", 201};
    case LeaseCall::Action::renew:
      return {"renew", 200};
    case LeaseCall::Action::change:
      return {"change", 200};
    case LeaseCall::Action::release:
      return {"release", 200};
  }
  return {"", 0};
}

// Every answer with a blob says its type. One that does not comes from something on the way.
Result<void> check_blob(const net::HttpAnswer& answer, const std::string& what) {
  if (answer.status == 416 || answer.header("x-ms-blob-type") != nullptr) return {};
  return fail(ErrorKind::corrupt, "storage.corrupt", what + ": the answer is no storage service's");
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
  KC_CHECK_OK(check_blob(answer, about("reading", name)));
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
  KC_CHECK_OK(check_blob(answer, about("looking at", name)));
  return BlobProperties{number(answer.header("content-length")), text_of(answer, "etag"),
                        text_of(answer, "content-encoding"), text_of(answer, "x-ms-meta-stamp")};
}

Result<std::string> Blobs::put(const std::string& name, std::string bytes,
                               const PutCondition& when) {
  StorageCall call{.method = net::Method::put, .path = path_of(name)};
  call.headers = {{"x-ms-blob-type", "BlockBlob"}, kBytes};
  add_conditions(call, when);
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
                                         const std::vector<std::string>& block_ids,
                                         const PutCondition& when) {
  StorageCall call{.method = net::Method::put, .path = path_of(name)};
  call.query = {{"comp", "blocklist"}};
  call.headers = {{"Content-Type", "application/xml"}};
  add_conditions(call, when);
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
      const auto id = block_id({}, ids.size());
      KC_CHECK_OK(put_block(name, id, piece.substr(0, got)));
      ids.push_back(id);
    }
    if (last) break;
  }
  KC_CHECK_OK(commit_blocks(name, ids));
  return {};
}

Result<void> Blobs::write(const std::string& name, std::string_view bytes,
                          const PutCondition& when) {
  if (bytes.size() <= kBlockBytes) {
    KC_CHECK_OK(put(name, std::string(bytes), when));
    return {};
  }
  std::vector<std::string> ids;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, kBlockBytes);
    // Two that write one blob at the same time do not mix their blocks.
    ids.push_back(block_id(when.stamp, ids.size()));
    KC_CHECK_OK(put_block(name, ids.back(), std::string(piece)));
    bytes.remove_prefix(piece.size());
  }
  auto done = commit_blocks(name, ids, when);
  if (done) return {};
  auto error = std::move(done).error();
  // Whoever completes a blob throws away the blocks that others had prepared for it.
  if (error.service_code == "InvalidBlockList") error.kind = ErrorKind::conflict;
  return fail(std::move(error));
}

Result<std::int64_t> Blobs::in_pieces(const std::string& name, From from,
                                      const std::function<Result<void>(std::string_view)>& take) {
  std::string etag;
  std::int64_t size = 0;
  for (;;) {
    StorageCall call{.path = path_of(name)};
    call.headers = {
        {"x-ms-range", "bytes=" + std::to_string(size) + "-" +
                           std::to_string(size + static_cast<std::int64_t>(kBlockBytes) - 1)}};
    // The pieces are of one version, or the whole is none.
    if (!etag.empty()) call.headers.push_back({"If-Match", etag});
    call.has_request_id = from == From::storage;
    KC_TRY(const auto answer, line_.send(call, {200, 206, 416}, about("reading", name)));
    if (from == From::storage) KC_CHECK_OK(check_blob(answer, about("reading", name)));
    if (answer.status == 416) return size;
    if (answer.status == 200 && size > 0)
      return fail(ErrorKind::corrupt, "storage.corrupt",
                  about("reading", name) + ": the whole came where a range was asked for");
    KC_CHECK_OK(take(answer.body));
    size += static_cast<std::int64_t>(answer.body.size());
    if (answer.status == 200) return size;
    etag = text_of(answer, "etag");
    const auto range = text_of(answer, "content-range");
    const auto slash = range.rfind('/');
    if (slash == std::string::npos || answer.body.empty())
      return fail(ErrorKind::corrupt, "storage.corrupt",
                  about("reading", name) + ": the answer does not say how much there is");
    const auto whole = range.substr(slash + 1);
    if (size >= number(&whole)) return size;
  }
}

Result<std::string> Blobs::read(const std::string& name) {
  constexpr int kVersionsMax = 5;
  for (int attempt = 1;; ++attempt) {
    std::string bytes;
    const auto done = in_pieces(name, From::storage, [&](std::string_view piece) -> Result<void> {
      if (bytes.size() + piece.size() > kReadBytesMax)
        return fail(ErrorKind::invalid, "storage.too_large", about("reading", name));
      bytes += piece;
      return {};
    });
    if (done) return bytes;
    // Replaced between two pieces: from the beginning.
    if (done.error().kind != ErrorKind::conflict || attempt == kVersionsMax)
      return fail(done.error());
  }
}

Result<std::int64_t> Blobs::download(const std::string& name, const std::filesystem::path& to) {
  std::ofstream file(to, std::ios::binary | std::ios::trunc);
  if (!file) return local_failure(to);
  KC_TRY(const auto size,
         in_pieces(name, From::anywhere, [&](std::string_view piece) -> Result<void> {
           file.write(piece.data(), static_cast<std::streamsize>(piece.size()));
           return {};
         }));
  file.flush();
  if (!file) return local_failure(to);
  return size;
}

Result<void> Blobs::lease(const std::string& name, const LeaseCall& call) {
  const auto words = words_of(call.action);
  StorageCall sent{.method = net::Method::put, .path = path_of(name)};
  sent.query = {{"comp", "lease"}};
  sent.headers = {kBytes, {"x-ms-lease-action", words.action}};
  const bool acquires = call.action == LeaseCall::Action::acquire;
  if (acquires) {
    sent.headers.push_back({"x-ms-lease-duration", std::to_string(call.seconds)});
    sent.headers.push_back({"x-ms-proposed-lease-id", call.id});
  } else {
    sent.headers.push_back({"x-ms-lease-id", call.id});
  }
  if (call.action == LeaseCall::Action::change) {
    sent.headers.push_back({"x-ms-proposed-lease-id", call.proposed});
    // Once done, the old id is no longer the blob's: a repetition would fail.
    sent.repeatable = false;
  }
  KC_CHECK_OK(line_.send(sent, {words.status}, about("leasing", name)));
  return {};
}

Result<BlobPage> Blobs::list(const std::string& prefix, const std::string& marker,
                             int results_max) {
  StorageCall call{.path = "/" + percent_encode(container_, "$")};
  call.query = {{"restype", "container"}, {"comp", "list"}};
  call.query.emplace_back("maxresults", std::to_string(results_max));
  if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
  if (!marker.empty()) call.query.emplace_back("marker", marker);
  const auto what = "listing container " + container_;
  // Each has a NextMarker, if an empty one: without it, what was cut would be a shorter listing.
  pugi::xml_document document;
  pugi::xml_node root;
  call.whole = [&](const net::HttpAnswer& answer) {
    const bool read = document.load_buffer(answer.body.data(), answer.body.size());
    root = read ? document.child("EnumerationResults") : pugi::xml_node();
    return static_cast<bool>(root.child("NextMarker"));
  };
  KC_TRY(const auto answer, line_.send(call, {200}, what));
  if (!root.child("NextMarker")) return no_listing(what);
  BlobPage page;
  for (const auto& blob : root.child("Blobs").children("Blob")) {
    // An account with a hierarchy lists its directories among the blobs.
    auto item = item_of(blob);
    const std::string_view type = blob.child("Properties").child_value("ResourceType");
    page.hierarchy = page.hierarchy || !type.empty();
    if (type == "directory")
      page.directories.push_back(std::move(item.name));
    else
      page.blobs.push_back(std::move(item));
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
