// Entry of the KQL target. Used by targets.cc. Thread promise: pure.
#pragma once

#include <string_view>

namespace kc::fuzz {

void run_kql(std::string_view bytes);

}  // namespace kc::fuzz
