#include "core/net/exchange_log.h"

namespace kc::net {

void ExchangeLog::saw(const ExchangeSeen& exchange) {
  if (!log_.wants(Level::debug)) return;
  log_.log(Level::debug, "net.exchange",
           {{"method", to_string(exchange.method)},
            {"origin", exchange.origin},
            {"path", exchange.path},
            {"status", exchange.status},
            {"error", exchange.error},
            {"bytes_out", exchange.bytes_out},
            {"bytes_in", exchange.bytes_in},
            {"milliseconds", exchange.took.to_milliseconds().count()},
            {"attempt", exchange.attempt},
            {"connected", exchange.connected},
            {"request_id", exchange.request_id}});
}

}  // namespace kc::net
