#include "core/lake/blob_grants.h"

#include <algorithm>

#include "core/azure/signing.h"
#include "core/lake/blob_errors.h"

namespace kc {
namespace {

using azure::Credential;
using Entry = BlobPlace::Entry;

// A key that begins now would not hold yet for a service whose clock is behind.
constexpr Timespan kClockSkew = Timespan::seconds(15 * 60);
constexpr Timespan kKeyLife = Timespan::seconds(std::int64_t{24} * 3600);

Credential own_credential(const BlobPlace& place) {
  auto credential = place.root.credential;
  if (credential.kind == Credential::Kind::none) credential.kind = Credential::Kind::token;
  return credential;
}

}  // namespace

bool is_onelake(const azure::BlobAddress& address) {
  return net::host_of(address.endpoint).ends_with(".fabric.microsoft.com");
}

BlobGrants::BlobGrants(net::Transport& transport, const Clock& clock, BlobPlace place,
                       const azure::LineOptions& options)
    : clock_(clock),
      place_(std::move(place)),
      line_(transport, clock, place_.root.endpoint, own_credential(place_),
            azure::Line::Service::blob_or_queue, options) {}

std::string BlobGrants::url(const std::string& path) const {
  azure::BlobAddress at = place_.root;
  at.path = path;
  // Kusto reads and writes OneLake by its file system address only.
  if (is_onelake(at)) {
    if (const auto blob = at.endpoint.find(".blob."); blob != std::string::npos)
      at.endpoint.replace(blob, 6, ".dfs.");
  }
  return at.url();
}

Result<std::string> BlobGrants::to_write(const std::string& path, Ticks expiry) {
  KC_TRY(const auto entry, signature({.container = place_.root.container,
                                      .blob = {},
                                      .permissions = "w",
                                      .expiry = expiry,
                                      .protocol = {}}));
  return url(path) + entry;
}

Result<std::string> BlobGrants::to_read(const std::string& path, Ticks expiry) {
  KC_TRY(const auto entry, signature({.container = place_.root.container,
                                      .blob = path,
                                      .permissions = "r",
                                      .expiry = expiry,
                                      .protocol = {}}));
  return url(path) + entry;
}

Result<std::string> BlobGrants::signature(const azure::BlobSas& asked) {
  if (place_.entry == Entry::impersonate) return std::string(";impersonate");
  if (place_.entry == Entry::managed_identity) return ";managed_identity=" + place_.identity;
  const auto& credential = place_.root.credential;
  if (credential.kind == Credential::Kind::sas) return "?" + credential.secret;
  azure::BlobSas wish = asked;
  if (place_.root.endpoint.starts_with("https://")) wish.protocol = "https";
  if (credential.kind == Credential::Kind::shared_key) {
    azure::StorageAccount account;
    account.name = credential.account;
    account.key = credential.secret;
    return "?" + azure::blob_sas(account, wish);
  }
  KC_TRY(const auto key, delegation_key(wish.expiry));
  return "?" + azure::delegation_sas(place_.root.account, key, wish);
}

// One key for many signatures: asking for it is a call, and the same key gives the same URI again.
Result<azure::DelegationKey> BlobGrants::delegation_key(Ticks expiry) {
  const Ticks now = clock_.now();
  const Ticks start = now - kClockSkew;
  const Ticks latest = start + azure::kDelegationKeyLifeMax;
  if (expiry > latest)
    return fail(ErrorKind::invalid, "lake.grant",
                "a signature made with a token holds for less than seven days");
  return key_.with([&](std::optional<Key>& held) -> Result<azure::DelegationKey> {
    if (held && held->expiry >= expiry && held->expiry > now) return held->key;
    const Ticks until = std::min(latest, std::max(expiry, now + kKeyLife));
    KC_TRY(auto key, in_lake(azure::get_delegation_key(line_, start, until)));
    held = Key{std::move(key), until};
    return held->key;
  });
}

}  // namespace kc
