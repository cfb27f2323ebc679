// How storage writes bytes into URLs and messages: percent-encoding, base64, RFC 1123 dates. Used
// by this room and by whoever speaks queue messages. Thread promise: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/ticks.h"

namespace kc::azure {

// Everything but letters, digits and `-._~` becomes %XX; `keep` names further characters to leave.
std::string percent_encode(std::string_view text, std::string_view keep = {});
std::string percent_decode(std::string_view text);

std::string base64(std::string_view bytes);
// Nothing where the text is no base64 with its padding; blanks and line ends around it are allowed.
std::optional<std::string> unbase64(std::string_view text);

// The names and decoded values of `a=b&c=d`, in their order.
using Query = std::vector<std::pair<std::string, std::string>>;
Query parse_query(std::string_view text);
std::string render_query(const Query& query);

std::string http_date(Ticks at);  // `Sun, 06 Nov 1994 08:49:37 GMT`
std::string sas_time(Ticks at);   // `1994-11-06T08:49:37Z`

}  // namespace kc::azure
