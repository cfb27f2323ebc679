// Secrets at rest: texts sealed with AES-256-GCM by a key that is not in the database. Used by
// Store for the connection strings of jobs. Thread promise: a Sealer is a value, safe to read from
// any thread.
//
// A sealed text is `kcs1.<key>.<base64>`: the version, the first eight hex digits of the key's
// fingerprint, and nonce (12 bytes), ciphertext and tag (16 bytes). What it belongs to is
// authenticated with it, so that a text moved to another job or field does not open.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::store {

class Sealer {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  // The key in the file, which is 32 bytes in base64 (`openssl rand -base64 32`). Where there is no
  // file a key is made: whole, durable and readable by its owner only before it has its name; of
  // two processes that make it at once, one wins and both use it. Kind denied or unavailable, code
  // secret.key_file.
  static Result<Sealer> of_file(const std::string& path);
  static Sealer of_process();  // a key that ends with the process

  std::string seal(std::string_view text, std::string_view belongs_to) const;
  // Kind denied, code secret.key_lost: sealed with another key, which is told by its id. Kind
  // corrupt, code secret.damaged: not a text that this key has sealed for this place.
  Result<std::string> open(std::string_view sealed, std::string_view belongs_to) const;

  const std::string& key_id() const { return id_; }
  const std::string& where() const { return where_; }  // the file, for messages

 private:
  using Key = std::array<unsigned char, kKeyBytes>;
  Sealer(const Key& key, std::string where);

  Key key_;
  std::string id_;
  std::string where_;
};

}  // namespace kc::store
