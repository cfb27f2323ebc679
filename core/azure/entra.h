// Applications that ask Microsoft Entra ID for tokens in their own name: by client secret, by
// certificate, or by a token that another issuer has given them (workload identity). Used by
// default_chain.cc and by whoever has a connection string with an application in it. Thread
// promise: as TokenCredential.
#pragma once

#include <string>
#include <vector>

#include "core/azure/credential.h"
#include "core/azure/jwt.h"

namespace kc::azure {

inline constexpr std::string_view kPublicAuthority = "https://login.microsoftonline.com";

struct Application {
  std::string authority = std::string(kPublicAuthority);  // https, without a tenant
  std::string tenant = {}, client_id = {};
  // Which tenants a request may name besides the application's own; `*`: any.
  std::vector<std::string> other_tenants = {};
};

CredentialResult client_secret(const Surroundings& with, Application who, std::string secret);

struct CertificateFile {
  std::string path;  // PEM or PFX; read at every request, so that a renewed one is seen
  std::string password = {};
  SigningAlgorithm algorithm = SigningAlgorithm::ps256;
  bool send_chain = false;
};
CredentialResult client_certificate(const Surroundings& with, Application who,
                                    CertificateFile file);
// The bytes of a PEM or PFX instead of the path in `file`.
CredentialResult client_certificate(const Surroundings& with, Application who, CertificateFile file,
                                    std::string bytes);

// `token_file` is read at every request: it is renewed every hour or so.
CredentialResult workload_identity(const Surroundings& with, Application who,
                                   std::string token_file);

// `https://host/tenant/oauth2/v2.0/token` and its neighbours.
std::string entra_url(std::string_view authority, std::string_view tenant, std::string_view leaf);
// Kind invalid: no https, a user, a query, or a tenant behind it.
Result<std::string> check_authority(std::string_view authority);
// The tenant of a request: the application's own, or another one that it may be asked for.
Result<std::string> tenant_of(const Application& who, const TokenRequest& request);

inline constexpr std::size_t kIdentityFileBytesMax = std::size_t{256} << 10;
// A small file. Kind invalid, code identity.invalid; `what` names it in the message.
Result<std::string> read_identity_file(const std::string& path, const std::string& what,
                                       std::size_t bytes_max = kIdentityFileBytesMax);

}  // namespace kc::azure
