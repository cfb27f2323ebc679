// A Kusto connection string, checked: where a cluster is, which database is meant and in whose name
// it is asked. Keywords, aliases and quoting are those of the official clients (protocol reference
// §10.1); what cannot be had here is refused by name. Thread promise: values.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::kusto {

inline constexpr std::size_t kConnectionStringBytesMax = 16 << 10;

// Who asks. Without `AAD Federated Security=True` nobody: no token is sent.
struct SignIn {
  enum class Kind { none, default_chain, application_key, application_certificate, token };
  Kind kind = Kind::none;
  std::string tenant = {};     // empty: the identity's own
  std::string client_id = {};  // of an application
  std::string secret = {};     // the key, the token, or the bytes of a PFX or PEM
  std::string reference = {};  // instead of `secret`: `env:NAME` or `file:/path`
  std::string keyword = {};    // that the reference was given for
  bool send_chain = false;     // of the certificate
  friend bool operator==(const SignIn&, const SignIn&) = default;
};

struct ConnectionString {
  std::string url;       // `https://host[:port]`, lower-case scheme and host, no trailing slash
  std::string database;  // empty where none was given
  SignIn sign_in = {};

  // Kind invalid, code connection.invalid_string. No value of the text is ever repeated in a
  // message, except the host.
  static Result<ConnectionString> parse(std::string_view text);
  friend bool operator==(const ConnectionString&, const ConnectionString&) = default;
};

}  // namespace kc::kusto
