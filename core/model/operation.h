// What a cluster says of its asynchronous operations and of its capacity. Thread promise: values.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/ids.h"

namespace kc {

// InProgress and Scheduled are running; every other state of the service has ended (protocol
// reference §4.1).
// `abandoned`: stopped before its end by the cluster itself, as by a restart; nobody's fault, and
// it may still take effect.
enum class OperationOutcome { running, completed, failed, throttled, abandoned };

struct Operation {
  Uuid id;
  OperationOutcome outcome = OperationOutcome::running;
  std::string state;   // the service's word
  std::string status;  // the service's text
  bool should_retry = false;
};

struct Capacity {
  std::string
      resource;  // DataExport, Ingestions, Queries, … as sent; compared without case, `-` and `_`
  std::int64_t total = 0, consumed = 0, remaining = 0;
};

}  // namespace kc
