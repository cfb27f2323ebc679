// Entry of the queue message decoder's target: the bytes are a message, and what a message holds
// behind its base64. Used by targets.cc. Thread promise: pure.
#pragma once

#include <string_view>

namespace kc::fuzz {

void run_queue_message(std::string_view bytes);

}  // namespace kc::fuzz
