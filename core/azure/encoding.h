// How storage writes text into URLs: percent-encoding, queries, the times of a SAS. Used by this
// room and by whoever builds such URLs. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ticks.h"

namespace kc::azure {

// Everything but letters, digits and `-._~` becomes %XX; `keep` names further characters to leave.
std::string percent_encode(std::string_view text, std::string_view keep = {});
std::string percent_decode(std::string_view text);

// The names and decoded values of `a=b&c=d`, in their order.
using Query = std::vector<std::pair<std::string, std::string>>;
Query parse_query(std::string_view text);
std::string render_query(const Query& query);

std::string sas_time(Ticks at);  // `1994-11-06T08:49:37Z`

}  // namespace kc::azure
