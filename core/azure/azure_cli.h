// The account that is logged in to the Azure command line on this machine: `az account
// get-access-token`, run without a shell and bounded in time. Used by default_chain.cc. Thread
// promise: as TokenCredential.
#pragma once

#include <string>

#include "core/azure/credential.h"

namespace kc::azure {

struct AzureCliOptions {
  std::string program = "az";
  std::string tenant = {};        // empty: the account's own
  std::string subscription = {};  // a name or an id; empty: the chosen one
  Timespan deadline = Timespan::seconds(13);
};

CredentialResult azure_cli(const Surroundings& with, AzureCliOptions options = {});

// The answer of `az`. `expires_on` is taken where there is one; the releases before 2.54 say
// `expiresOn` alone, in this machine's local time.
Result<AccessToken> read_cli_answer(const std::string& output, Ticks now);

}  // namespace kc::azure
