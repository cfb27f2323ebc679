#include "core/store/sealed_spec.h"

#include <array>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/redact.h"

namespace kc::store {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 3> kSealedFields = {"lake", "source", "destination"};

std::string place_of(std::string_view job, std::string_view field) {
  return "job/" + std::string(job) + "/" + std::string(field);
}

// Each of the three fields that is a text becomes what `change` makes of it.
template <class Change>
Result<std::string> changed(std::string_view text, Change change) {
  json spec = json::parse(text, nullptr, false);
  if (!spec.is_object())
    return fail(ErrorKind::corrupt, "store.corrupt",
                "the database holds a job definition that cannot be read");
  for (const char* field : kSealedFields) {
    const auto at = spec.find(field);
    if (at == spec.end() || !at->is_string()) continue;
    KC_TRY(*at, change(at->template get_ref<const std::string&>(), field));
  }
  return spec.dump(-1, ' ', false, json::error_handler_t::replace);
}

struct PlainRow {
  std::string id, spec;
};

Result<std::vector<PlainRow>> plain_rows(Connection& connection) {
  std::vector<PlainRow> rows;
  auto read = connection.query("select id, spec from job where secrets = 'plain'");
  while (true) {
    KC_TRY(const bool more, read.next());
    if (!more) return rows;
    rows.push_back({read.text(0), read.text(1)});
  }
}

Result<void> seal_rows(Connection& connection, const Sealer& sealer) {
  KC_TRY(const auto rows, plain_rows(connection));
  for (const PlainRow& row : rows) {
    KC_TRY(const auto sealed, seal_spec(row.spec, row.id, sealer));
    const bool nothing_to_seal = json::parse(row.spec) == json::parse(sealed);
    KC_CHECK_OK(connection.query("update job set spec = ?, secrets = ? where id = ?")
                    .bind(sealed)
                    .bind(std::string_view(nothing_to_seal ? "sealed" : "traces"))
                    .bind(row.id)
                    .done());
  }
  return {};
}

// The copies hold what is sealed now. They were kept against a migration that goes wrong, and this
// one went right.
Result<void> remove_copies(const std::string& path) {
  const std::filesystem::path database(path);
  const auto folder = database.has_parent_path() ? database.parent_path() : ".";
  const std::string begin = database.filename().string() + ".before-";
  std::error_code error;
  std::vector<std::filesystem::path> copies;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with(begin)) copies.push_back(entry.path());
  }
  for (const auto& copy : copies) {
    if (!error) std::filesystem::remove(copy, error);
  }
  if (!error) return {};
  return fail(ErrorKind::unavailable, "store.unreachable",
              "a copy of the database that holds secrets cannot be removed: " + error.message());
}

}  // namespace

Result<std::string> seal_spec(std::string_view text, std::string_view job, const Sealer& sealer) {
  return changed(text, [&](const std::string& value, const char* field) -> Result<std::string> {
    return sealer.seal(value, place_of(job, field));
  });
}

Result<std::string> open_spec(std::string_view text, std::string_view job, const Sealer& sealer) {
  return changed(text, [&](const std::string& value, const char* field) {
    return sealer.open(value, place_of(job, field));
  });
}

Result<std::string> mask_spec(std::string_view text) {
  return changed(text, [](const std::string&, const char*) -> Result<std::string> {
    return std::string(kRedacted);
  });
}

Result<void> seal_plain_rows(Connection& connection, const std::string& path,
                             const Sealer& sealer) {
  KC_CHECK_OK(connection.transaction([&] { return seal_rows(connection, sealer); }));
  KC_TRY(const auto traces, connection.number("select count(*) from job where secrets = 'traces'"));
  if (traces == 0) return {};
  // A row that has changed leaves its old bytes in free space and in the log until they are written
  // over: the file is made anew, and the log emptied.
  KC_CHECK_OK(connection.run("vacuum"));
  KC_TRY(const auto busy, connection.number("pragma wal_checkpoint(truncate)"));
  if (busy != 0)
    return fail(ErrorKind::unavailable, "store.busy",
                "another process reads the database, so its log cannot be emptied of secrets");
  KC_CHECK_OK(remove_copies(path));
  return connection.run("update job set secrets = 'sealed' where secrets = 'traces'");
}

}  // namespace kc::store
