// One question to a token endpoint: sent, repeated where the endpoint's rules say so, and its
// answer read as a stranger's. Used by the credentials of this room. Thread promise: pure functions
// apart from what Surroundings do. Sources of the rules: the retry tables of the Azure SDKs
// (documented under "How to use managed identities ... retry guidance" and in MSAL).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/azure/credential.h"

namespace kc::azure {

// Who is asked, and so which answers pass by themselves.
enum class Patience {
  entra,    // 408, 429, 5xx: 1, 2, 4 s
  imds,     // 404, 408, 429, 5xx: 1, 2, 4 s; 410 (being updated): seven times every 10 s
  managed,  // 404, 408, 429, 500, 503, 504: three times every second
  once,
};

// The first answer that is not to be repeated, or the last one that the deadline leaves time for.
// `who` opens the message of an error.
Result<net::HttpAnswer> ask(const Surroundings& with, net::HttpCall call,
                            const TokenRequest& request, Patience patience, const std::string& who);

// The token of an answer with status 200.
Result<AccessToken> read_token(const net::HttpAnswer& answer, Ticks now, const std::string& who);

// What any other answer means. `service_code` of the error is `AADSTS…` or the `error` word.
Error refusal(const net::HttpAnswer& answer, const std::string& origin, const std::string& who,
              Ticks now);

// The word in `error` of an answer's body; empty where there is none.
std::string error_word(std::string_view body);

// Seconds since 1970, ISO 8601, a date of HTTP, or `MM/dd/yyyy HH:mm:ss [AM|PM] +00:00`.
std::optional<Ticks> parse_instant(std::string_view text, Ticks now);

// A part of a message: what to do about an AADSTS code, empty where nothing is known.
std::string_view hint_of(std::string_view aadsts_code);

}  // namespace kc::azure
