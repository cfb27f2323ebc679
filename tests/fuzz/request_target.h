// Entry of the request decoder's target: the first byte says what the rest is: a body (P), GET
// parameters (G) or headers and a body (H), parts ended by NUL. Used by targets.cc. Thread promise:
// pure.
#pragma once

#include <string_view>

namespace kc::fuzz {

void run_request(std::string_view bytes);

}  // namespace kc::fuzz
