// The catalogue's extents, cursors and operations.
#include <algorithm>

#include "core/base/json.h"
#include "core/engine/storage/catalogue.h"

namespace kc::engine {
namespace {

SqlArg optional_arg(const std::optional<std::int64_t>& value) {
  return value ? SqlArg(*value) : SqlArg(nullptr);
}
std::optional<std::int64_t> optional_number(const SqlRow& row, int column) {
  if (row.null(column)) return std::nullopt;
  return row.number(column);
}

constexpr std::string_view kExtentColumns =
    "SELECT id, table_id, file, shape, rows, original_size, file_size, created_min, created_max, "
    "ingested, cursor, tags, own_stamps, ingested_min, cursor_min, cursor_due "
    "FROM extents ";

Extent extent_from(const SqlRow& row) {
  Extent extent;
  extent.id = Uuid::parse(row.text(0)).value_or(Uuid{});
  extent.table = row.number(1);
  extent.file = row.text(2);
  extent.shape = row.number(3);
  extent.rows = row.number(4);
  extent.original_size = row.number(5);
  extent.file_size = row.number(6);
  extent.created_min = row.number(7);
  extent.created_max = row.number(8);
  extent.ingested = optional_number(row, 9);
  extent.cursor = optional_number(row, 10);
  if (const auto tags = row.text(11); tags != "[]") extent.tags = nlohmann::json::parse(tags);
  extent.own_stamps = row.number(12) != 0;
  extent.ingested_min = optional_number(row, 13);
  extent.cursor_min = optional_number(row, 14);
  extent.cursor_due = optional_number(row, 15);
  return extent;
}

constexpr std::string_view kOperationColumns =
    "SELECT id, kind, state, status, started, updated, database, activity, request_id, "
    "should_retry, result "
    "FROM operations ";

OperationEntry operation_from(const SqlRow& row) {
  OperationEntry entry;
  entry.id = Uuid::parse(row.text(0)).value_or(Uuid{});
  entry.kind = row.text(1);
  entry.state = row.text(2);
  entry.status = row.text(3);
  entry.started = row.number(4);
  entry.updated = row.number(5);
  entry.database = row.text(6);
  entry.activity = Uuid::parse(row.text(7)).value_or(Uuid{});
  entry.request_id = row.text(8);
  entry.should_retry = row.number(9) != 0;
  if (!row.null(10)) entry.result = row.text(10);
  return entry;
}

SqlArg optional_text(const std::optional<std::string>& value) {
  return value ? SqlArg(*value) : SqlArg(nullptr);
}

}  // namespace

Result<std::vector<Extent>> CatalogueView::extents(std::int64_t table) {
  std::vector<Extent> found;
  KC_CHECK_OK(sqlite_.each(std::string(kExtentColumns) + "WHERE table_id = ? ORDER BY id", {table},
                           [&](const SqlRow& row) { found.push_back(extent_from(row)); }));
  return found;
}

Result<std::optional<Extent>> CatalogueView::extent(const Uuid& id) {
  std::optional<Extent> found;
  KC_CHECK_OK(sqlite_.each(std::string(kExtentColumns) + "WHERE id = ?", {id.text()},
                           [&](const SqlRow& row) { found = extent_from(row); }));
  return found;
}

Result<ExtentSums> CatalogueView::sums(std::int64_t table) {
  ExtentSums sums;
  KC_CHECK_OK(sqlite_.each(
      "SELECT count(*), sum(rows), sum(original_size), sum(file_size), min(created_min), "
      "max(created_max) FROM extents WHERE table_id = ?",
      {table}, [&](const SqlRow& row) {
        sums = {row.number(0), row.number(1),           row.number(2),
                row.number(3), optional_number(row, 4), optional_number(row, 5)};
      }));
  return sums;
}

Result<void> CatalogueView::add_extent(const Extent& extent) {
  KC_TRY(auto changed,
         sqlite_.run(
             "INSERT INTO extents VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
             {extent.id.text(), extent.table, extent.file, extent.shape, extent.rows,
              extent.original_size, extent.file_size, extent.created_min, extent.created_max,
              optional_arg(extent.ingested), optional_arg(extent.cursor), tags_text(extent.tags),
              std::int64_t{extent.own_stamps}, optional_arg(extent.ingested_min),
              optional_arg(extent.cursor_min), optional_arg(extent.cursor_due)}));
  (void)changed;
  return {};
}

Result<void> CatalogueView::replace_extent(const Uuid& old, const Extent& extent) {
  KC_TRY(
      auto changed,
      sqlite_.run("UPDATE extents SET id = ?, table_id = ?, ingested = ?, cursor = ?, tags = ?, "
                  "own_stamps = ?, ingested_min = ?, cursor_min = ?, cursor_due = ? WHERE id = ?",
                  {extent.id.text(), extent.table, optional_arg(extent.ingested),
                   optional_arg(extent.cursor), tags_text(extent.tags),
                   std::int64_t{extent.own_stamps}, optional_arg(extent.ingested_min),
                   optional_arg(extent.cursor_min), optional_arg(extent.cursor_due), old.text()}));
  if (changed == 1) return {};
  return fail(ErrorKind::conflict, "engine.extent", "extent " + old.text() + " is gone");
}

Result<void> CatalogueView::drop_extent(const Uuid& id) {
  KC_TRY(auto changed, sqlite_.run("DELETE FROM extents WHERE id = ?", {id.text()}));
  (void)changed;
  return {};
}

Result<std::vector<std::string>> CatalogueView::files() {
  std::vector<std::string> files;
  KC_CHECK_OK(sqlite_.each("SELECT file FROM extents", {},
                           [&](const SqlRow& row) { files.push_back(row.text(0)); }));
  return files;
}

Result<std::vector<Extent>> CatalogueView::unstamped(std::int64_t due) {
  std::vector<Extent> found;
  KC_CHECK_OK(sqlite_.each(
      std::string(kExtentColumns) + "WHERE cursor_due <= ? ORDER BY cursor_due, ingested, id",
      {due}, [&](const SqlRow& row) { found.push_back(extent_from(row)); }));
  return found;
}

Result<std::int64_t> CatalogueView::advance_cursor(std::int64_t database, std::int64_t now) {
  KC_TRY(const auto last, sqlite_.number("SELECT cursor FROM databases WHERE id = ?", {database}));
  const auto next = std::max(now, last.value_or(0) + 1);
  KC_TRY(auto changed,
         sqlite_.run("UPDATE databases SET cursor = ? WHERE id = ?", {next, database}));
  (void)changed;
  return next;
}

Result<std::int64_t> CatalogueView::counter(std::string_view name) {
  KC_TRY(const auto value,
         sqlite_.number("SELECT value FROM counters WHERE name = ?", {std::string(name)}));
  return value.value_or(0);
}

Result<void> CatalogueView::set_counter(std::string_view name, std::int64_t value) {
  KC_TRY(auto changed,
         sqlite_.run("INSERT OR REPLACE INTO counters VALUES(?,?)", {std::string(name), value}));
  (void)changed;
  return {};
}

Result<void> CatalogueView::add_operation(const OperationEntry& entry) {
  KC_TRY(auto changed,
         sqlite_.run("INSERT INTO operations VALUES(?,?,?,?,?,?,?,?,?,?,?)",
                     {entry.id.text(), entry.kind, entry.state, entry.status, entry.started,
                      entry.updated, entry.database, entry.activity.text(), entry.request_id,
                      std::int64_t{entry.should_retry}, optional_text(entry.result)}));
  (void)changed;
  return {};
}

Result<void> CatalogueView::set_operation(const OperationEntry& entry) {
  KC_TRY(
      auto changed,
      sqlite_.run(
          "UPDATE operations SET state = ?, status = ?, updated = ?, should_retry = ?, result = ? "
          "WHERE id = ?",
          {entry.state, entry.status, entry.updated, std::int64_t{entry.should_retry},
           optional_text(entry.result), entry.id.text()}));
  (void)changed;
  return {};
}

Result<std::optional<OperationEntry>> CatalogueView::operation(const Uuid& id) {
  std::optional<OperationEntry> found;
  KC_CHECK_OK(sqlite_.each(std::string(kOperationColumns) + "WHERE id = ?", {id.text()},
                           [&](const SqlRow& row) { found = operation_from(row); }));
  return found;
}

Result<std::vector<OperationEntry>> CatalogueView::operations(std::int64_t since) {
  std::vector<OperationEntry> found;
  KC_CHECK_OK(
      sqlite_.each(std::string(kOperationColumns) + "WHERE started >= ? ORDER BY started, id",
                   {since}, [&](const SqlRow& row) { found.push_back(operation_from(row)); }));
  return found;
}

Result<void> CatalogueView::forget_operations(std::int64_t started_before) {
  KC_TRY(auto changed, sqlite_.run("DELETE FROM operations WHERE started < ? AND state NOT IN "
                                   "('InProgress', 'Scheduled')",
                                   {started_before}));
  (void)changed;
  return {};
}

Result<void> CatalogueView::abandon_running_operations(const std::string& status,
                                                       std::int64_t now) {
  KC_TRY(auto changed,
         sqlite_.run("UPDATE operations SET state = 'Abandoned', status = ?, updated = ?, "
                     "should_retry = 1 WHERE state IN ('InProgress', 'Scheduled')",
                     {status, now}));
  (void)changed;
  return {};
}

}  // namespace kc::engine
