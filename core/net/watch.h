// What every exchange was like: for the metrics and for the log. CurlTransport tells it to whoever
// watches. Thread promise: `saw` is called from many threads at once, on the one that waited for
// the exchange.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/ticks.h"
#include "core/net/transport.h"

namespace kc::net {

struct ExchangeSeen {
  Method method = Method::get;
  std::string_view origin = {};      // scheme, host and port
  std::string_view path = {};        // without query, where a signature would be
  std::string_view request_id = {};  // x-ms-client-request-id; empty where there is none
  int attempt = 1;
  int status = 0;               // 0: no answer
  std::string_view error = {};  // the code, where there is no answer
  std::uint64_t bytes_out = 0;  // of the body
  std::uint64_t bytes_in = 0;   // of the body, as it came, packed or not
  Timespan took = {};
  bool sent = false;       // a connection was there
  bool connected = false;  // it was made for this exchange
};

class ExchangeWatcher {
 public:
  virtual ~ExchangeWatcher() = default;
  virtual void saw(const ExchangeSeen& exchange) = 0;
};

}  // namespace kc::net
