// The message that asks for the ingestion of one blob, as the SDKs put it on a queue: base64 of a
// JSON object, whose member names and enumerations every SDK writes a little differently. Used by
// the worker and by the commands that queue. Thread promise: values and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::engine {

enum class ReportLevel { failures, none, failures_and_successes };  // 0, 1, 2 in messages
enum class ReportMethod { queue, table, both };

struct StatusPlace {
  std::string table;  // its URL with a SAS
  std::string partition, row;
};

struct IngestMessage {
  std::string id;  // of the source
  std::string blob;
  std::optional<std::int64_t> raw_size;  // bytes before compression
  std::string database, table;
  bool retain_blob = false, flush = false;
  ReportLevel level = ReportLevel::failures;
  ReportMethod method = ReportMethod::queue;
  std::string created;  // ISO, as sent
  std::optional<StatusPlace> status;
  std::string token;      // authorizationContext
  std::string operation;  // of `.ingest-from-storage-queued`, where it is tracked
  // The rest of AdditionalProperties, names in lower case, values as text.
  std::map<std::string, std::string> properties;
};

// What could be read, and what is wrong with it: a message that names its source can be reported.
// The error's service_code is one of the ingestion error codes.
struct DecodedMessage {
  IngestMessage message;
  std::optional<Error> problem;
};
DecodedMessage decode_message(std::string_view text);
std::string encode_message(const IngestMessage& message);

// A failure of an ingestion with one of the documented codes.
Error ingestion_error(std::string code, const std::string& what);

}  // namespace kc::engine
