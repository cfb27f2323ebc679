// Entry of the reader of a cluster's answers: the bytes are an answer, in v1 and in v2. Used by
// targets.cc. Thread promise: pure.
#pragma once

#include <string_view>

namespace kc::fuzz {

void run_answer(std::string_view bytes);

}  // namespace kc::fuzz
