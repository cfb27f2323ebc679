#include "core/azure/queues.h"

#include <charconv>
#include <pugixml.hpp>
#include <sstream>

namespace kc::azure {
namespace {

const net::Header kXml{"Content-Type", "application/xml"};

std::string seconds(Timespan span) { return std::to_string(span.ticks / kTicksPerSecond); }

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Queue::Queue(net::Transport& transport, const Clock& clock, std::string endpoint,
             Credential credential, std::string name, LineOptions options)
    : line_(transport, clock, std::move(endpoint), std::move(credential),
            Line::Service::blob_or_queue, std::move(options)),
      name_(std::move(name)) {}

std::string Queue::message_path(const QueueMessage& message) const {
  return "/" + percent_encode(name_) + "/messages/" + percent_encode(message.id);
}

Result<bool> Queue::create() {
  StorageCall call{.method = net::Method::put, .path = "/" + percent_encode(name_)};
  call.headers = {kXml};
  KC_TRY(const auto answer, line_.send(call, {201, 204, 409}, "making queue " + name_));
  if (answer.status == 409 && error_code_of(answer) != "QueueAlreadyExists")
    return fail(ErrorKind::conflict, "storage.conflict",
                "making queue " + name_ + ": " + error_code_of(answer));
  return answer.status == 201;
}

Result<void> Queue::remove() {
  KC_CHECK_OK(line_.send(
      {.method = net::Method::delete_, .path = "/" + percent_encode(name_), .headers = {kXml}},
      {204}, "removing queue " + name_));
  return {};
}

Result<void> Queue::clear() {
  KC_CHECK_OK(line_.send({.method = net::Method::delete_,
                          .path = "/" + percent_encode(name_) + "/messages",
                          .headers = {kXml}},
                         {204}, "clearing queue " + name_));
  return {};
}

Result<void> Queue::put(const std::string& text, const PutOptions& options) {
  pugi::xml_document document;
  document.append_child("QueueMessage")
      .append_child("MessageText")
      .append_child(pugi::node_pcdata)
      .set_value(text.c_str());
  std::ostringstream body;
  document.save(body, "", pugi::format_raw | pugi::format_no_declaration);
  if (text.size() > kMessageBytesMax)
    return fail(ErrorKind::invalid, "storage.too_large",
                "a message for queue " + name_ + " is larger than 64 KiB");
  StorageCall call{.method = net::Method::post, .path = "/" + percent_encode(name_) + "/messages"};
  if (options.visible_after.ticks > 0)
    call.query.emplace_back("visibilitytimeout", seconds(options.visible_after));
  call.query.emplace_back("messagettl", seconds(options.time_to_live));
  call.headers = {kXml};
  call.body = body.str();
  KC_TRY(const auto answer, line_.send(call, {201}, "writing to queue " + name_));
  pugi::xml_document said;
  const bool put = said.load_buffer(answer.body.data(), answer.body.size()) &&
                   said.child("QueueMessagesList").child("QueueMessage").child("MessageId");
  if (put) return {};
  return fail(ErrorKind::unavailable, "storage.unavailable",
              "writing to queue " + name_ + ": the answer names no message; it may be there");
}

Result<std::vector<QueueMessage>> Queue::read(Query query, bool peeked) {
  const auto what = "reading queue " + name_;
  StorageCall call{.path = "/" + percent_encode(name_) + "/messages"};
  call.query = std::move(query);
  KC_TRY(const auto answer, line_.send(call, {200}, what));
  pugi::xml_document document;
  if (!document.load_buffer(answer.body.data(), answer.body.size()) ||
      !document.child("QueueMessagesList"))
    return fail(ErrorKind::corrupt, "storage.corrupt", what + ": the answer is no list");
  std::vector<QueueMessage> messages;
  for (const auto& node : document.child("QueueMessagesList").children("QueueMessage")) {
    QueueMessage message{node.child_value("MessageId"), node.child_value("PopReceipt"),
                         node.child_value("MessageText"), number(node.child_value("DequeueCount")),
                         node.child_value("InsertionTime")};
    if (message.id.empty() || (!peeked && message.pop_receipt.empty()))
      return fail(ErrorKind::corrupt, "storage.corrupt", what + ": a message without an id");
    messages.push_back(std::move(message));
  }
  return messages;
}

Result<std::vector<QueueMessage>> Queue::get(int count, Timespan hidden) {
  return read({{"numofmessages", std::to_string(count)}, {"visibilitytimeout", seconds(hidden)}},
              false);
}

Result<std::vector<QueueMessage>> Queue::peek(int count) {
  return read({{"peekonly", "true"}, {"numofmessages", std::to_string(count)}}, true);
}

Result<std::string> Queue::keep_hidden(const QueueMessage& message, Timespan hidden) {
  StorageCall call{.method = net::Method::put, .path = message_path(message)};
  call.query = {{"popreceipt", message.pop_receipt}, {"visibilitytimeout", seconds(hidden)}};
  call.headers = {kXml};
  call.repeatable = false;  // the receipt is good for one call
  KC_TRY(const auto answer, line_.send(call, {204}, "holding a message of queue " + name_));
  const auto* receipt = answer.header("x-ms-popreceipt");
  if (receipt == nullptr)
    return fail(ErrorKind::unavailable, "storage.unavailable",
                "holding a message of queue " + name_ + ": the answer has no receipt");
  return *receipt;
}

Result<void> Queue::remove(const QueueMessage& message) {
  StorageCall call{.method = net::Method::delete_, .path = message_path(message)};
  call.query = {{"popreceipt", message.pop_receipt}};
  call.headers = {kXml};
  KC_CHECK_OK(line_.send(call, {204}, "removing a message of queue " + name_));
  return {};
}

Result<std::int64_t> Queue::length() {
  StorageCall call{.path = "/" + percent_encode(name_)};
  call.query = {{"comp", "metadata"}};
  KC_TRY(const auto answer, line_.send(call, {200}, "looking at queue " + name_));
  const auto* count = answer.header("x-ms-approximate-messages-count");
  return count == nullptr ? 0 : number(*count);
}

}  // namespace kc::azure
