// The words that a job's core and a cluster's core share: sides, slot kinds, ids. Thread promise:
// values.
#pragma once

#include <cstdint>
#include <string_view>

namespace kc {

enum class Side { source, destination };
// queued: an ingestion that data management runs; it waits there and takes no slot of the cluster.
enum class SlotKind { query, export_, ingestion, queued };
std::string_view to_string(Side side);
std::string_view to_string(SlotKind kind);

using CallId = std::uint64_t;   // one remote or lake call of one core
using SlotId = std::uint64_t;   // one slot of one job
using TimerId = std::uint64_t;  // one timer of one core
using JobKey = std::uint64_t;   // a job inside this process

}  // namespace kc
