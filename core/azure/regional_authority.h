// Which login endpoint an application asks: the one of its cloud, or the one of a region, where the
// environment names one for networks that reach no other. Used by entra.h. Thread promise: safe
// from any thread.
#pragma once

#include <string>

#include "core/azure/credential.h"

namespace kc::azure {

// `https://<region>.login.microsoft.com` for the public cloud, `https://<region>.<host>` for
// others; `authority` itself where AZURE_REGIONAL_AUTHORITY_NAME (or MSAL_FORCE_REGION) names no
// region. `TryAutoDetect` and `AutoDiscoverRegion` are the region of REGION_NAME, else the one that
// the machine's metadata tells within two seconds, else none. Kind invalid, code identity.invalid:
// what is named cannot be a region. Source: `@azure/identity` 4.13 with `@azure/msal-node` 5.6.
Result<std::string> regional_authority(const Surroundings& with, const std::string& authority,
                                       const TokenRequest& request);

}  // namespace kc::azure
