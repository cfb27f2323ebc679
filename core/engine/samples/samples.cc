#include "core/engine/samples/samples.h"

#include "core/base/json.h"
#include "core/engine/host.h"
#include "core/engine/samples/public_tables.h"
#include "core/engine/storage/ingestor.h"

namespace kc::engine {
namespace {

std::string select_range(const SampleTable& table, std::int64_t from, std::int64_t to) {
  std::string sql = "SELECT ";
  for (std::size_t i = 0; i < table.values.size(); ++i)
    sql += (i > 0 ? ", " : "") + table.values[i] + " AS c" + std::to_string(i);
  return sql + " FROM range(" + std::to_string(from) + ", " + std::to_string(to) + ") AS r(i)";
}

Result<CatalogueTable> find(Host& host, const std::string& database, const std::string& name) {
  return host.catalogue->read([&](CatalogueView& view) -> Result<CatalogueTable> {
    KC_TRY(const auto entry, view.database(database));
    return view.table(entry, name);
  });
}

// The table appears before its rows, so one that an interrupted run left half-filled is begun
// again.
Result<bool> begin(Engine& engine, Host& host, const std::string& database, const std::string& name,
                   const std::string& columns, std::int64_t rows) {
  const auto existing = find(host, database, name);
  if (existing) {
    KC_TRY(const auto sums,
           host.catalogue->read([&](CatalogueView& view) { return view.sums(existing->id); }));
    if (sums.rows >= rows) return false;
    KC_CHECK_OK(engine.command(database, ".drop table ['" + name + "']"));
  }
  KC_CHECK_OK(engine.command(database, ".create table ['" + name + "'] " + columns));
  return true;
}

Result<void> fill(Engine& engine, Host& host, const std::string& database,
                  const SampleTable& table) {
  KC_TRY(const auto needed, begin(engine, host, database, table.name, table.columns, table.rows));
  if (!needed) return {};
  KC_TRY(const auto entry, find(host, database, table.name));
  for (int part = 0; part < table.ingestions; ++part) {
    const auto from = table.rows * part / table.ingestions,
               to = table.rows * (part + 1) / table.ingestions;
    if (from == to) continue;
    IngestInput input{entry, select_range(table, from, to), {}, std::nullopt, {}, false};
    KC_CHECK_OK(ingest(host, input,
                       [](CatalogueView&, const std::vector<Extent>&) { return Result<void>(); }));
  }
  return {};
}

Result<void> fill_all_types(Engine& engine, Host& host, const std::string& database) {
  const auto csv = all_types_csv();
  KC_TRY(const auto needed, begin(engine, host, database, "AllTypes", all_types_columns(), 48));
  if (!needed) return {};
  // Two ingestions, cut where a record ends: between keys 23 and 24.
  const auto cut = csv.find("\n24,") + 1;
  for (const auto& part : {csv.substr(0, cut), csv.substr(cut)}) {
    KC_CHECK_OK(engine.command(database, ".ingest inline into table AllTypes <|\n" + part));
  }
  return {};
}

}  // namespace

Result<void> create_samples(Engine& engine, const SampleOptions& options) {
  auto& host = engine.host();
  const auto database =
      host.catalogue->read([&](CatalogueView& view) { return view.database(options.database); });
  if (!database) {
    if (database.error().kind != ErrorKind::not_found) return fail(database.error());
    KC_CHECK_OK(engine.command("", ".create database ['" + options.database + "'] volatile"));
  }
  for (const auto& table : sample_tables(options))
    KC_CHECK_OK(fill(engine, host, options.database, table));
  if (options.all_types) KC_CHECK_OK(fill_all_types(engine, host, options.database));
  return {};
}

}  // namespace kc::engine
