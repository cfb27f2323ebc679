// Signatures of Azure storage: SharedKey of blobs and queues, SharedKey of tables, and the three
// kinds of shared access signature. Used by line.cc, and by whoever hands out access: the engine's
// data management and, for exports, the lake. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/azure/address.h"
#include "core/azure/encoding.h"
#include "core/base/ticks.h"
#include "core/net/transport.h"

namespace kc::azure {

inline constexpr std::string_view kStorageVersion = "2023-11-03";

// What the service computes its own signature from. `url` is as it will be sent.
struct Signable {
  std::string_view verb;
  std::string_view url;
  const std::vector<net::Header>& headers;
  std::size_t content_length = 0;
};
std::string string_to_sign(const Signable& request, std::string_view account);
// Tables sign five lines of their own.
std::string table_string_to_sign(const Signable& request, std::string_view account);

// base64(HMAC-SHA256(decoded key, text)); empty where the key is no base64.
std::string signature(std::string_view key, std::string_view text);

// Letters as the service writes them, in its order.
struct AccountSas {
  std::string services;        // of `bqtf`
  std::string resource_types;  // of `sco`: service, container, object
  std::string permissions;     // of `rwdlacup`
  Ticks expiry;
  std::string protocol = {};  // `https`, `https,http`; empty: both
};
// The query, without `?`.
std::string account_sas(const StorageAccount& account, const AccountSas& wish);

struct BlobSas {
  std::string container;
  std::string blob;         // empty: the whole container
  std::string permissions;  // of `racwdl`
  Ticks expiry;
  std::string protocol = {};
};
std::string blob_sas(const StorageAccount& account, const BlobSas& wish);

// As `POST /?restype=service&comp=userdelegationkey` gives it.
struct DelegationKey {
  std::string object_id, tenant_id, start, expiry, service, version, value;
};
std::string delegation_sas(std::string_view account, const DelegationKey& key, const BlobSas& wish);

}  // namespace kc::azure
