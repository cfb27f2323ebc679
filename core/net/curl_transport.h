// CurlTransport: the Transport that ships, on libcurl's multi interface with one I/O thread for all
// exchanges. Connections are kept and reused per origin; redirects are never followed; https is
// TLS 1.2 or newer with the certificate verified; a proxy is taken from the environment, never for
// loopback or the machine's own link. Thread promise: as Transport; nobody may be inside `exchange`
// any more when it is destroyed (`close` brings them out).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/net/transport.h"
#include "core/net/watch.h"

namespace kc::net {

struct CurlOptions {
  Timespan connect_deadline = Timespan::seconds(10);  // name lookup, connect and TLS handshake
  long connections_per_origin_max = 64;  // further exchanges wait for one, within their deadline
  long connections_idle_max = 256;
  // PEM. Empty: the file that SSL_CERT_FILE of the environment names, else the system's.
  std::string ca_file = {};
  std::vector<ExchangeWatcher*> watchers = {};  // of every exchange; they outlive the transport
};

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(CurlOptions options = {});
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  Result<HttpAnswer> exchange(const HttpCall& call) override;
  void close() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kc::net
