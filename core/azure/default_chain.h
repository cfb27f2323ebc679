// The credential of whoever names none: the environment's application, workload identity, the
// machine's managed identity, the Azure command line, in that order. A link that is not configured
// or not there gives way to the next; one that was asked and refused ends the search, so that a
// wrong secret is not hidden by what comes after it. The link that once gave a token is kept.
// Thread promise: as TokenCredential.
#pragma once

#include <string>
#include <vector>

#include "core/azure/azure_cli.h"
#include "core/azure/credential.h"

namespace kc::azure {

// The links in their order, as one credential. Kind not_found, code identity.not_configured, with
// one sentence per link, where none gives a token.
std::unique_ptr<TokenCredential> chain(std::vector<std::unique_ptr<TokenCredential>> links);

struct ChainOptions {
  std::string tenant = {};     // instead of AZURE_TENANT_ID
  std::string authority = {};  // instead of AZURE_AUTHORITY_HOST
  AzureCliOptions cli = {};
};

// What the environment variables say (docs: "Azure Identity, environment variables"), with
// AZURE_TOKEN_CREDENTIALS as `prod`, `dev` or the name of one link. Kind invalid where a variable
// has a value that cannot be used; it is named.
CredentialResult default_chain(const Surroundings& with, const ChainOptions& options = {});

}  // namespace kc::azure
