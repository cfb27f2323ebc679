// Streaming ingestion: a small body of data into one table at once, visible when the call returns.
// Used by the engine's face. Thread promise: safe from any thread.
#pragma once

#include <optional>
#include <string>

#include "core/engine/engine.h"

namespace kc::engine {

inline constexpr std::size_t kStreamBytesMax = 4u << 20;  // of one request, uncompressed

struct StreamIngest {
  std::string database;
  std::string table;
  std::string format;   // as sent, any case
  std::string mapping;  // by name; empty: none
  std::string data;
  std::optional<std::string> source;  // instead of `data`: the address of a blob
};

// Errors carry the service's code: the policy is off
// (BadRequest_StreamingIngestionPolicyNotEnabled), too large (Stream_InputStreamTooLarge), an
// unknown format or mapping, no such table, and what the format's reader refuses.
Result<DataSet> stream_ingest(Engine& engine, const StreamIngest& request,
                              const RequestOptions& options);

}  // namespace kc::engine
