// JSON web tokens, as far as they are needed: the signed assertion by which an application proves
// that it has its certificate's key, and the expiry that a given token names. Used by entra.cc and
// credential.cc. Thread promise: values and pure functions.
//
// An assertion is as Microsoft documents it ("certificate credentials for application
// authentication"): PS256 with x5t#S256, or RS256 with x5t; aud is the token endpoint, iss and sub
// the client, and it holds for ten minutes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"

namespace kc::azure {

enum class SigningAlgorithm { ps256, rs256 };

// An RSA key with its certificate and what else the file has of the chain.
class SigningCertificate {
 public:
  // PEM (certificates and a private key, in any order) or PFX, whichever the bytes are. Kind
  // invalid, code identity.invalid: no such file, a wrong password, no RSA key, a certificate that
  // the key does not belong to.
  static Result<SigningCertificate> read(std::string_view bytes, const std::string& password);

  SigningCertificate(SigningCertificate&&) noexcept;
  SigningCertificate& operator=(SigningCertificate&&) noexcept;
  ~SigningCertificate();

  struct Claims {
    std::string audience, client;
    Ticks now;
    Uuid id;
  };
  // With the chain in the header (x5c) the service can know the certificate by its subject and
  // issuer alone.
  Result<std::string> assertion(const Claims& claims, SigningAlgorithm algorithm,
                                bool send_chain) const;

 private:
  struct State;
  explicit SigningCertificate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// `exp` of a token's payload, unverified; nothing where the token is not a JWT.
std::optional<Ticks> expiry_of_token(std::string_view token);

}  // namespace kc::azure
