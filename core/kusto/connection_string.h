// A Kusto connection string, checked: where a cluster is and which database is meant. Keywords,
// aliases and quoting are those of the official clients (protocol reference §10.1). This version
// connects without identity; a keyword that needs one is refused by name. Thread promise: values.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::kusto {

inline constexpr std::size_t kConnectionStringBytesMax = 16 << 10;

struct ConnectionString {
  std::string url;       // `https://host[:port]`, lower-case scheme and host, no trailing slash
  std::string database;  // empty where none was given

  // Kind invalid, code connection.invalid_string. No value of the text is ever repeated in a
  // message, except the host.
  static Result<ConnectionString> parse(std::string_view text);
  friend bool operator==(const ConnectionString&, const ConnectionString&) = default;
};

}  // namespace kc::kusto
