// Queued ingestion as REST: requests to queue blobs, the state of an operation, the configuration
// that SDKs ask for. Used by dm_endpoint only. Thread promise: pure functions over a
// DataManagement.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"

namespace kc::engine {
class DataManagement;
}

namespace kc::api {

inline constexpr std::size_t kBlobsPerRequestMax = 20;

// The bodies of the answers; errors carry an ingestion code.
Result<std::string> queue_blobs(engine::DataManagement& management, const std::string& database,
                                const std::string& table, const std::string& body);
Result<std::string> queued_state(engine::DataManagement& management, const std::string& id,
                                 bool details);
std::string ingestion_configuration(engine::DataManagement& management);

}  // namespace kc::api
