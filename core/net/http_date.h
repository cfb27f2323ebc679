// Dates as HTTP writes them (RFC 9110 §5.6.7). Used by whoever signs a request, and by whoever
// reads when an answer was made or when to come back. Thread promise: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/ticks.h"

namespace kc::net {

std::string http_date(Ticks at);  // `Sun, 06 Nov 1994 08:49:37 GMT`

// All three forms that a recipient has to take: the one above, `Sunday, 06-Nov-94 08:49:37 GMT` and
// `Sun Nov  6 08:49:37 1994`. Two digits of a year are one that is at most 50 years after `now`.
// Nothing where the text is none of them, or no day of the calendar; the day of the week is not
// held against the date.
std::optional<Ticks> parse_http_date(std::string_view text, Ticks now);

}  // namespace kc::net
