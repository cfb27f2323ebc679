// How a lake on blobs lets clusters in: what stands behind the URL that a cluster is given, of the
// least rights and a bounded life. Used by BlobLake; LakeAddress says which way. Thread promise:
// safe from any thread; transport and clock outlive it.
//
// With an account key or a bearer token, a shared access signature is made: `w` on the container
// for an export (a blob service without a hierarchy knows no folders, and an export chooses its
// blobs' names), `r` on the one blob for an ingestion. A SAS that was given is passed on as it
// came.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/azure/address.h"
#include "core/azure/delegation.h"
#include "core/base/guarded.h"

namespace kc {

struct BlobPlace {
  // Where the service itself writes and with what: a key, a SAS, a token, or kind none: the token
  // of the identity that the process has. `path` has no slash at its ends.
  azure::BlobAddress root;
  // How clusters come in: by a signature made here or given, or as somebody.
  enum class Entry { signature, impersonate, managed_identity };
  Entry entry = Entry::signature;
  std::string identity = {};  // managed_identity: `system` or the object id, as given
  // `env:NAME` or `file:/path`, and the keyword that it was given for: what `root.credential` has
  // as its secret is read from there when the lake is opened. A token (kind none) at every call.
  std::string reference = {}, reference_keyword = {};
  friend bool operator==(const BlobPlace&, const BlobPlace&) = default;
};

// OneLake knows one address for clusters and another for blobs.
bool is_onelake(const azure::BlobAddress& address);

class BlobGrants {
 public:
  BlobGrants(net::Transport& transport, const Clock& clock, BlobPlace place,
             const azure::LineOptions& options);

  // The URI of the folder or blob at `path`, which counts from the container. Kind invalid,
  // lake.grant, for a life that no signature has.
  Result<std::string> to_write(const std::string& path, Ticks expiry);
  Result<std::string> to_read(const std::string& path, Ticks expiry);

 private:
  Result<std::string> signature(const azure::BlobSas& wish);
  Result<azure::DelegationKey> delegation_key(Ticks expiry);
  std::string url(const std::string& path) const;

  struct Key {
    azure::DelegationKey key;
    Ticks expiry;
  };

  const Clock& clock_;
  const BlobPlace place_;
  azure::Line line_;
  Guarded<std::optional<Key>> key_;
};

}  // namespace kc
