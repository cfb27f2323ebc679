// What a storage connection string or a storage URL means: which account, which endpoint, which
// container and blob, which credential. Used by everything that reads or writes blobs, and by the
// engine's data management. Thread promise: values and pure functions.
//
// The forms: `https://ACCT.blob.core.SUFFIX/CONT/PATH`, `https://ACCT.dfs.core.SUFFIX/…` and
// `abfss://CONT@ACCT.dfs.core.SUFFIX/PATH` (all three mean the blob endpoint), path style
// `http://127.0.0.1:10000/ACCT/CONT/PATH` for loopback and other address literals; behind it
// `?<SAS>`, `;<account key>`, `;sharedkey=<key>` or `;token=<bearer token>`.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::azure {

struct Credential {
  enum class Kind { none, shared_key, sas, token };
  Kind kind = Kind::none;
  std::string account;  // shared_key: whose
  std::string secret;   // the key in base64, the SAS without `?`, or the token
  friend bool operator==(const Credential&, const Credential&) = default;
};

struct StorageAccount {
  std::string name;
  std::string key;                 // base64
  std::string blob, queue, table;  // endpoints, without a slash at the end; empty: none
  Credential credential() const { return {Credential::Kind::shared_key, name, key}; }
};

// `DefaultEndpointsProtocol=…;AccountName=…;AccountKey=…;BlobEndpoint=…;…` or
// `UseDevelopmentStorage=true`. Kind invalid, code storage.connection_string; no message repeats a
// value.
Result<StorageAccount> parse_account(std::string_view connection_string);

struct BlobAddress {
  std::string endpoint;   // `https://ACCT.blob.core.windows.net`, `http://127.0.0.1:10000/ACCT`
  std::string account;    // its name
  std::string container;  // decoded
  std::string path;       // decoded; empty: the container itself
  Credential credential;

  // Without credentials, as the service shows it.
  std::string url() const;
  friend bool operator==(const BlobAddress&, const BlobAddress&) = default;
};

// Kind invalid; codes storage.address (no such form), storage.credential (a way of authentication
// that this program does not have: impersonation, managed identities, AWS), storage.plain_http.
Result<BlobAddress> parse_blob_address(std::string_view text);

// `endpoint` and what lies behind it of a queue's or table's URL with its SAS: the name, decoded.
struct ResourceAddress {
  std::string endpoint, name;
  Credential credential;
};
Result<ResourceAddress> parse_resource_address(std::string_view text);

}  // namespace kc::azure
