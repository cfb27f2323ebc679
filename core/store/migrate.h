// Brings a database to this program's schema, one numbered file after the other. Used by
// Store::open. Thread promise: one owner at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/store/sqlite.h"

namespace kc::store {

struct Migration {
  int number = 0;
  std::string_view sql;
};

// This program's own, in order.
std::vector<Migration> migrations();

// Each in a transaction of its own that also sets user_version. A database with a higher number is
// refused: kind conflict, code store.newer. Before the first new one, a file that holds something
// is copied to `<path>.before-<number>`.
Result<void> migrate(Connection& connection, const std::string& path,
                     std::span<const Migration> all);

}  // namespace kc::store
