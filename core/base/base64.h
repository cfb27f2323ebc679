// Base64 (RFC 4648): the alphabet of messages, keys and certificates, and the one of URLs. Used by
// storage, credentials, sealed secrets and whoever reads a JSON web token. Reading is strict, since
// what is read comes from strangers. Thread promise: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kc {

std::string base64(std::string_view bytes);      // `+/`, padded
std::string base64_url(std::string_view bytes);  // `-_`, without padding

// Nothing where the text is no base64 with its padding; blanks and line ends around it are allowed.
// Bits behind the last byte are not looked at, as by the clouds' own libraries.
std::optional<std::string> unbase64(std::string_view text);
// The URL's alphabet, with or without padding.
std::optional<std::string> unbase64_url(std::string_view text);

}  // namespace kc
