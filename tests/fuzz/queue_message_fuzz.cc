// The decoder of queue messages on arbitrary bytes: what it takes it can write, and reads back as
// the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "core/engine/dm/queue_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace kc::engine;
  const auto decoded = decode_message({reinterpret_cast<const char*>(bytes), size});
  if (decoded.problem) return 0;
  const auto again = decode_message(encode_message(decoded.message));
  KC_ASSERT(again.message.id == decoded.message.id || again.problem);
  return 0;
}
