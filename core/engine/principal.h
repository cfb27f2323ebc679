// Who asks, and what it may do: the principal that a bearer token names, and the roles that the
// catalogue gives. Tokens are read, not verified: this engine listens on loopback and models
// permissions, it does not guard anything. Used by commands and by queries. Thread promise: pure
// functions, apart from the catalogue that they read.
//
// A request without a token is the administrator's. One with a token has the roles of the principal
// in it, from the moment that any principal was given a role; until then everybody may do anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/engine/storage/catalogue.h"

namespace kc::engine {

struct Session;

// What something needs, in the protocol's words.
enum class Access {
  anyone,
  viewer,
  unrestricted_viewer,
  monitor,
  ingestor,
  user,
  table_admin,
  database_admin,
  cluster_admin
};

// `aadapp=<application>;<tenant>` or `aaduser=<object or name>;<tenant>`; empty without a token.
std::string principal_of_token(std::string_view token);

// By the roles of cluster and database, or, with `table`, also of the table. Needs the catalogue's
// view since the answer must be of the same moment as what it guards.
Result<bool> may(CatalogueView& view, std::string_view principal, Access access,
                 std::optional<std::int64_t> database, std::optional<std::int64_t> table);
// Whether the principal has a role of its own on any table of the database.
Result<bool> has_table_role(CatalogueView& view, std::string_view principal, std::int64_t database);

// Kind denied, service code Forbidden.
Failure access_denied(std::string_view principal, std::string_view what);

// The principal as errors and `.show` give it: the administrator's without a token.
std::string principal_name(const Session& session);

}  // namespace kc::engine
