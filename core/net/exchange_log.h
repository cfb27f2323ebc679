// One line of the log for every exchange, at level debug: method, origin, path without its query,
// status or error, bytes, time, attempt, request id. Never a header, a query or a body. Made by
// server/. Thread promise: safe from any thread; the log outlives it.
#pragma once

#include "core/base/log.h"
#include "core/net/watch.h"

namespace kc::net {

class ExchangeLog final : public ExchangeWatcher {
 public:
  explicit ExchangeLog(Log& log) : log_(log) {}
  void saw(const ExchangeSeen& exchange) override;

 private:
  Log& log_;
};

}  // namespace kc::net
