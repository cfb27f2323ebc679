// The decoder of queue messages: whatever comes, what it takes it can write, and reads back.
#include "tests/fuzz/queue_message_target.h"

#include "core/base/base64.h"
#include "core/base/check.h"
#include "core/engine/dm/queue_message.h"

namespace kc::fuzz {
namespace {

void decode(std::string_view text) {
  const auto decoded = engine::decode_message(text);
  if (decoded.problem) return;
  const auto again = engine::decode_message(engine::encode_message(decoded.message));
  KC_ASSERT(again.problem || again.message.database.empty() == decoded.message.database.empty());
}

}  // namespace

void run_queue_message(std::string_view bytes) {
  decode(bytes);
  decode(base64(bytes));
}

}  // namespace kc::fuzz
