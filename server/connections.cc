#include "server/connections.h"

#include <unistd.h>

#include <array>
#include <utility>

#include "core/kusto/rest_kusto.h"
#include "core/lake/lake_address.h"

namespace kc::server {

Result<std::unique_ptr<kusto::Kusto>> connect(const std::string& cluster, net::Transport& transport,
                                              const Clock& clock) {
  KC_TRY(const auto where, kusto::ConnectionString::parse(cluster));
  return kusto::connect(where, transport, clock);
}

pipeline::Connections make_connections(net::Transport& transport, const Clock& clock,
                                       std::stop_token stop) {
  return {
      .open_lake = [&transport, &clock,
                    stop = std::move(stop)](const JobSpec& spec) -> Result<std::unique_ptr<Lake>> {
        KC_TRY(const auto address, parse_lake(spec.lake));
        return open_lake(address, spec.id,
                         {.transport = transport, .clock = clock, .stop = stop, .token = {}});
      },
      .connect = [&transport, &clock](
                     const std::string& cluster) { return connect(cluster, transport, clock); }};
}

std::string holder() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return std::string(host.data()) + ":" + std::to_string(::getpid());
}

}  // namespace kc::server
