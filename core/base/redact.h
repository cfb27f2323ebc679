// Takes the secrets out of a text before anybody else sees it: the one place where that is decided.
// Used by the log, by errors that reach a user and by whatever is written down from a definition.
// Thread promise: a pure function.
#pragma once

#include <string>
#include <string_view>

namespace kc {

inline constexpr std::string_view kRedacted = "***";

// The same text with `***` in place of each secret it can recognise: SAS signatures, keys,
// passwords and tokens of connection strings, form bodies and JSON, authorization headers, user
// information of URLs, account keys behind a storage URI, JSON web tokens and Kusto's obfuscated
// literals (h'…'). In doubt it takes too much rather than too little; `redact(redact(x)) ==
// redact(x)`.
std::string redact(std::string_view text);

// Whether a field of this name holds a secret whatever its value looks like: "password", "AppKey",
// "access_token", …
bool names_secret(std::string_view key);

}  // namespace kc
