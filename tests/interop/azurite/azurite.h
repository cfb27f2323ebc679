// Azurite on free ports for as long as this lives. Used by the interop tests; the test fails where
// it was not fetched. Thread promise: one owner.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/ticks.h"

namespace kc {

// A bearer token for storage that Azurite takes: it reads the claims and checks no signature.
std::string azurite_token(Ticks now);

class Azurite {
 public:
  enum class Speaks { http, https_with_tokens };
  explicit Azurite(Speaks speaks = Speaks::http);
  ~Azurite();  // ends its standard input and waits for its end
  Azurite(const Azurite&) = delete;
  Azurite& operator=(const Azurite&) = delete;

  bool running() const { return !connection_.empty(); }
  const std::string& connection_string() const { return connection_; }
  // Of the certificate that it shows; empty where it speaks plain http.
  std::string ca_file() const { return folder_.empty() ? "" : (folder_ / "cert.pem").string(); }

 private:
  int pid_ = -1;
  int input_ = -1;
  std::string connection_;
  std::filesystem::path folder_;  // of the certificate
};

}  // namespace kc
