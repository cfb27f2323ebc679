// The identity that Azure gives to a machine: App Service and its kin, Azure Machine Learning,
// Service Fabric, Azure Arc, Cloud Shell, and the instance metadata service of virtual machines
// (IMDS). Which one it is, the environment says at the time of each request. Used by
// default_chain.cc and by whoever names a managed identity. Thread promise: as TokenCredential.
//
// What it asks is what Microsoft's own libraries ask (tests/interop/identity holds it to that). An
// endpoint is spoken to by plain http on this machine or on its link (169.254.x.y) only.
#pragma once

#include <string>

#include "core/azure/credential.h"

namespace kc::azure {

struct ManagedIdentityOptions {
  enum class Selector { system, client_id, object_id, resource_id };
  Selector selector = Selector::system;
  std::string id = {};  // of a user-assigned identity
  // In a chain: IMDS is believed in only if it answers within a second, and an identity that this
  // machine does not have is identity.not_configured.
  bool in_chain = false;
};

CredentialResult managed_identity(const Surroundings& with, ManagedIdentityOptions options);

// What an Azure Arc agent's challenge points at: the secret in the file behind `Basic realm=`.
// Kind denied: no such challenge, a file that is not `<folder>/<name>.key`, a link, or one of more
// than 4096 bytes; the caller would be sending a file of somebody else's choice.
Result<std::string> read_arc_secret(const std::string& challenge, const std::string& folder);

}  // namespace kc::azure
