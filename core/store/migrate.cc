#include "core/store/migrate.h"

#include <cstdio>
#include <cstdlib>

#include "core/base/check.h"
#include "kc_store_embedded.h"

namespace kc::store {

namespace {

// A consistent copy, made whole under another name first: a copy cut short is never taken for one.
Result<void> keep_copy(Connection& connection, const std::string& path, int number) {
  const auto copy = path + ".before-" + std::to_string(number);
  const auto part = copy + ".part";
  std::remove(part.c_str());
  auto quoted = part;
  for (std::size_t at = 0; (at = quoted.find('\'', at)) != std::string::npos; at += 2)
    quoted.insert(at, 1, '\'');
  KC_CHECK_OK(connection.run("vacuum into '" + quoted + "'"));
  if (std::rename(part.c_str(), copy.c_str()) != 0) {
    return fail(ErrorKind::unavailable, "store.unreachable",
                "the copy of the database cannot be named " + copy);
  }
  return {};
}

}  // namespace

std::vector<Migration> migrations() {
  std::vector<Migration> all;
  for (const auto& file : embedded_files()) {
    const int number = std::atoi(std::string(file.name).c_str());
    KC_ASSERT(number == static_cast<int>(all.size()) + 1, std::string(file.name));
    all.push_back({number, file.text});
  }
  return all;
}

Result<void> migrate(Connection& connection, const std::string& path,
                     std::span<const Migration> all) {
  KC_TRY(const auto version, connection.number("pragma user_version"));
  const auto newest = all.empty() ? 0 : all.back().number;
  if (version > newest) {
    return fail(ErrorKind::conflict, "store.newer",
                "the database was written by a newer kusto-copy (schema " +
                    std::to_string(version) + ", this one knows " + std::to_string(newest) +
                    "): start that one, or give this one a database of its own");
  }
  bool copied = version == 0 || path == ":memory:";
  for (const auto& migration : all) {
    if (migration.number <= version) continue;
    if (!copied) KC_CHECK_OK(keep_copy(connection, path, migration.number));
    copied = true;
    auto applied = connection.transaction([&]() -> Result<void> {
      // Another process may have been quicker.
      KC_TRY(const auto now, connection.number("pragma user_version"));
      if (now >= migration.number) return {};
      KC_CHECK_OK(connection.run(std::string(migration.sql)));
      return connection.run("pragma user_version = " + std::to_string(migration.number));
    });
    if (!applied)
      return fail(std::move(applied).error().in("migration " + std::to_string(migration.number)));
  }
  return {};
}

}  // namespace kc::store
