#include "server/connections.h"

#include <unistd.h>

#include <array>
#include <stop_token>
#include <utility>

#include "core/azure/secret_reference.h"
#include "core/kusto/rest_kusto.h"
#include "core/lake/lake_address.h"

namespace kc::server {

Result<std::unique_ptr<kusto::Kusto>> connect(
    const std::string& cluster, const std::shared_ptr<kusto::Identities>& identities) {
  KC_TRY(const auto where, kusto::ConnectionString::parse(cluster));
  kusto::RestKustoOptions options;
  options.identities = identities;
  const auto& with = identities->surroundings;
  return kusto::connect(where, with.transport, with.clock, std::move(options));
}

Result<std::unique_ptr<kusto::Kusto>> connect(const std::string& cluster, net::Transport& transport,
                                              const Clock& clock, azure::TrustedHosts trusted) {
  return connect(cluster,
                 std::make_shared<kusto::Identities>(transport, clock, std::move(trusted)));
}

pipeline::Connections make_connections(net::Transport& transport, const Clock& clock,
                                       azure::TrustedHosts trusted,
                                       std::vector<std::string> secret_references) {
  const auto identities = std::make_shared<kusto::Identities>(transport, clock, std::move(trusted));
  if (!secret_references.empty())
    identities->surroundings.secret_references = std::move(secret_references);
  return make_connections(identities);
}

pipeline::Connections make_connections(const std::shared_ptr<kusto::Identities>& identities) {
  std::stop_source stop;
  auto& transport = identities->surroundings.transport;
  const auto& clock = identities->surroundings.clock;
  const auto storage = std::make_shared<azure::StorageIdentity>(
      identities->surroundings, identities->tokens, identities->trusted);
  return {
      .open_lake = [&transport, &clock, stop, identities,
                    storage](const JobSpec& spec) -> Result<std::unique_ptr<Lake>> {
        KC_TRY(auto addresses, parse_lakes(spec.lake));
        const auto token = [identities, storage, stop = stop.get_token()](
                               const azure::BlobAddress& account, const std::string& refused) {
          return lake_token(*identities, *storage, account, refused, stop);
        };
        return open_lakes(
            std::move(addresses), spec.id,
            {.transport = transport,
             .clock = clock,
             .stop = stop.get_token(),
             .token = token,
             .secret = [identities](std::string_view reference, std::string_view keyword) {
               return azure::read_secret(identities->surroundings, reference, keyword);
             }});
      },
      .connect = [identities](const std::string& cluster) { return connect(cluster, identities); },
      .interrupt = [stop]() mutable { stop.request_stop(); }};
}

Result<std::string> lake_token(const kusto::Identities& identities, azure::StorageIdentity& storage,
                               const azure::BlobAddress& account, const std::string& refused,
                               const std::stop_token& stop) {
  auto token = storage.token(account.endpoint, refused, stop);
  if (token || !identities.prompt || token.error().code != "identity.not_configured") return token;
  Error error = std::move(token).error();
  error.message += "; --sign-in device-code is for clusters alone";
  error.fix =
      "sign in to the lake too by `az login --use-device-code`, or give it a SAS, an account key "
      "or a token";
  return fail(std::move(error));
}

std::string holder() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return std::string(host.data()) + ":" + std::to_string(::getpid());
}

}  // namespace kc::server
