// A secret by reference: `env:NAME` or `file:/path` in place of the value of a keyword that takes a
// secret, so that the secret itself stands in no definition, database or command line. Used by
// connection strings of clusters and by addresses of lakes. Thread promise: pure functions, apart
// from what they read.
//
// Errors: kind invalid; secret.invalid_reference (not of that form), secret.not_allowed (the
// program was told not to read it), secret.not_found (no such variable or file, or an empty one).
// Messages name the keyword and the reference, never what was read.
#pragma once

#include <string>
#include <string_view>

#include "core/azure/credential.h"

namespace kc::azure {

inline constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10;

// Whether the text is meant as one, well-formed or not.
bool is_secret_reference(std::string_view text);
// A name of letters, digits and `_`; an absolute path without `.`, `..` and control characters.
Result<void> check_secret_reference(std::string_view reference, std::string_view keyword);
// What the variable or the file holds now, without the line end behind it. Only what
// `with.secret_references` allows.
Result<std::string> read_secret(const Surroundings& with, std::string_view reference,
                                std::string_view keyword);

// A credential whose secret is read by reference at every request for a token, so that a changed
// one is seen. `make` makes the credential of one secret; `identity` names all of them.
struct ReferencedSecret {
  std::string reference, keyword, name, identity;
  std::function<CredentialResult(std::string)> make;
};
std::unique_ptr<TokenCredential> by_reference(const Surroundings& with, ReferencedSecret secret);

}  // namespace kc::azure
