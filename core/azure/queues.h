// The messages of one queue. Used by the engine's data management. Thread promise: safe from any
// thread, as its Line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/azure/line.h"

namespace kc::azure {

inline constexpr std::size_t kMessageBytesMax = std::size_t{64} << 10;
inline constexpr int kMessagesPerCallMax = 32;

struct QueueMessage {
  std::string id;
  std::string pop_receipt;  // empty where it was only peeked at
  std::string text;         // as it was put; the SDKs of Kusto put base64
  std::int64_t dequeue_count = 0;
  std::string inserted;  // RFC 1123
};

struct PutOptions {
  Timespan visible_after = {};
  Timespan time_to_live = Timespan::seconds(7 * 24 * 3600);
};

class Queue {
 public:
  Queue(net::Transport& transport, const Clock& clock, std::string endpoint, Credential credential,
        std::string name, LineOptions options = {});

  Result<bool> create();  // false: it was there
  Result<void> remove();
  Result<void> clear();

  // May put the message twice where an answer is lost: consumers count on at least once anyway.
  Result<void> put(const std::string& text, const PutOptions& options = {});
  // At most `count` messages, hidden from others for `hidden`.
  Result<std::vector<QueueMessage>> get(int count, Timespan hidden);
  Result<std::vector<QueueMessage>> peek(int count);
  // Hides it for another `hidden` from now and leaves its text; the new receipt. Kind not_found
  // (MessageNotFound, or invalid with PopReceiptMismatch) where somebody else has it.
  Result<std::string> keep_hidden(const QueueMessage& message, Timespan hidden);
  Result<void> remove(const QueueMessage& message);
  Result<std::int64_t> length();  // approximate

  const std::string& name() const { return name_; }

 private:
  Result<std::vector<QueueMessage>> read(Query query, bool peeked);
  std::string message_path(const QueueMessage& message) const;

  Line line_;
  std::string name_;
};

}  // namespace kc::azure
