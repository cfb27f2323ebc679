// The key with which the holder of a bearer token signs shared access signatures: Get User
// Delegation Key. Used by the lake. Thread promise: safe from any thread, as its Line.
#pragma once

#include "core/azure/line.h"
#include "core/azure/signing.h"

namespace kc::azure {

inline constexpr Timespan kDelegationKeyLifeMax = Timespan::seconds(std::int64_t{7} * 24 * 3600);

// Of the account behind the line, whose credential is a token. Kind invalid for a longer life than
// the service gives; denied without the role Storage Blob Delegator (or one that includes it).
Result<DelegationKey> get_delegation_key(Line& line, Ticks start, Ticks expiry);

}  // namespace kc::azure
