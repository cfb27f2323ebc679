#include "core/engine/storage/catalogue.h"

#include <iterator>

#include "core/base/json.h"

namespace kc::engine {
namespace {

constexpr const char* kMigration1 = R"sql(
CREATE TABLE databases(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, guid TEXT NOT NULL,
  created INTEGER NOT NULL, cursor INTEGER NOT NULL, version INTEGER NOT NULL);
CREATE TABLE tables(
  id INTEGER PRIMARY KEY, database INTEGER NOT NULL REFERENCES databases(id), name TEXT NOT NULL,
  guid TEXT NOT NULL, columns TEXT NOT NULL, folder TEXT NOT NULL, docstring TEXT NOT NULL,
  hidden INTEGER NOT NULL, UNIQUE(database, name));
CREATE TABLE policies(
  table_id INTEGER NOT NULL REFERENCES tables(id) ON DELETE CASCADE, name TEXT NOT NULL,
  policy TEXT NOT NULL, PRIMARY KEY(table_id, name)) WITHOUT ROWID;
CREATE TABLE shapes(id INTEGER PRIMARY KEY, columns TEXT NOT NULL UNIQUE);
CREATE TABLE extents(
  id TEXT PRIMARY KEY, table_id INTEGER NOT NULL REFERENCES tables(id), file TEXT NOT NULL,
  shape INTEGER NOT NULL REFERENCES shapes(id), rows INTEGER NOT NULL, original_size INTEGER NOT NULL,
  file_size INTEGER NOT NULL, created_min INTEGER NOT NULL, created_max INTEGER NOT NULL,
  ingested INTEGER, cursor INTEGER, tags TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX extents_by_table ON extents(table_id);
CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE operations(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, status TEXT NOT NULL,
  started INTEGER NOT NULL, updated INTEGER NOT NULL, database TEXT NOT NULL, activity TEXT NOT NULL,
  request_id TEXT NOT NULL, should_retry INTEGER NOT NULL, result TEXT) WITHOUT ROWID;
CREATE INDEX operations_by_start ON operations(started);
PRAGMA user_version = 1;
)sql";
constexpr const char* kMigration2 = R"sql(
CREATE TABLE functions(
  database INTEGER NOT NULL REFERENCES databases(id), name TEXT NOT NULL, parameters TEXT NOT NULL,
  body TEXT NOT NULL, folder TEXT NOT NULL, docstring TEXT NOT NULL, view INTEGER NOT NULL,
  PRIMARY KEY(database, name)) WITHOUT ROWID;
CREATE TABLE mappings(
  database INTEGER NOT NULL REFERENCES databases(id),
  table_id INTEGER REFERENCES tables(id) ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL,
  mapping TEXT NOT NULL, updated INTEGER NOT NULL);
CREATE INDEX mappings_by_owner ON mappings(database, table_id);
CREATE TABLE column_details(
  table_id INTEGER NOT NULL REFERENCES tables(id) ON DELETE CASCADE, name TEXT NOT NULL,
  docstring TEXT NOT NULL, encoding TEXT NOT NULL, PRIMARY KEY(table_id, name)) WITHOUT ROWID;
CREATE TABLE scope_policies(
  scope INTEGER NOT NULL, owner INTEGER NOT NULL, name TEXT NOT NULL, policy TEXT NOT NULL,
  PRIMARY KEY(scope, owner, name)) WITHOUT ROWID;
CREATE TABLE principals(
  scope INTEGER NOT NULL, owner INTEGER NOT NULL, role TEXT NOT NULL, principal TEXT NOT NULL,
  notes TEXT NOT NULL, PRIMARY KEY(scope, owner, role, principal)) WITHOUT ROWID;
CREATE TABLE journal(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, event TEXT NOT NULL, database TEXT NOT NULL,
  entity TEXT NOT NULL, updated_entity TEXT NOT NULL, version TEXT NOT NULL, container TEXT NOT NULL,
  command TEXT NOT NULL, principal TEXT NOT NULL, activity TEXT NOT NULL, request_id TEXT NOT NULL);
CREATE TABLE ingestion_failures(
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, operation TEXT NOT NULL, database TEXT NOT NULL,
  table_name TEXT NOT NULL, source TEXT NOT NULL, details TEXT NOT NULL, code TEXT NOT NULL,
  kind TEXT NOT NULL, activity TEXT NOT NULL, from_update_policy INTEGER NOT NULL,
  should_retry INTEGER NOT NULL, principal TEXT NOT NULL, properties TEXT NOT NULL);
CREATE INDEX ingestion_failures_by_time ON ingestion_failures(at);
PRAGMA user_version = 2;
)sql";
// own_stamps: the rows carry their own ingestion time and cursor in the file; the columns of the
// extent are then the newest and the oldest of them. cursor_due: visible, and stamped at that time.
constexpr const char* kMigration3 = R"sql(
ALTER TABLE extents ADD COLUMN own_stamps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE extents ADD COLUMN ingested_min INTEGER;
ALTER TABLE extents ADD COLUMN cursor_min INTEGER;
ALTER TABLE extents ADD COLUMN cursor_due INTEGER;
CREATE INDEX extents_unstamped ON extents(cursor_due) WHERE cursor_due IS NOT NULL;
PRAGMA user_version = 3;
)sql";
// Each ends by setting its number; a landed one is never changed.
constexpr const char* kMigrations[] = {kMigration1, kMigration2, kMigration3};
constexpr std::int64_t kVersion = std::size(kMigrations);

std::vector<Column> columns_from(const std::string& text) {
  std::vector<Column> columns;
  for (const auto& entry : nlohmann::json::parse(text)) {
    columns.push_back(
        {entry[0].get<std::string>(),
         parse_scalar_type(entry[1].get<std::string>()).value_or(ScalarType::string_)});
  }
  return columns;
}

Uuid uuid_from(const std::string& text) { return Uuid::parse(text).value_or(Uuid{}); }

CatalogueTable table_from(const SqlRow& row) {
  CatalogueTable table;
  table.id = row.number(0);
  table.database = row.number(1);
  table.name = row.text(2);
  table.guid = uuid_from(row.text(3));
  table.schema = {columns_from(row.text(4)), row.text(5), row.text(6)};
  table.hidden = row.number(7) != 0;
  return table;
}

DatabaseEntry database_from(const SqlRow& row) {
  return {row.number(0), row.text(1),   uuid_from(row.text(2)),
          row.number(3), row.number(4), row.number(5)};
}

constexpr std::string_view kDatabaseColumns =
    "SELECT id, name, guid, created, cursor, version FROM databases ";
constexpr std::string_view kTableColumns =
    "SELECT id, database, name, guid, columns, folder, docstring, hidden FROM tables ";

}  // namespace

std::string columns_text(const std::vector<Column>& columns) {
  auto json = nlohmann::json::array();
  for (const auto& column : columns)
    json.push_back({column.name, std::string(to_string(column.type))});
  return json.dump();
}

std::string tags_text(const std::vector<std::string>& tags) { return nlohmann::json(tags).dump(); }

Result<std::unique_ptr<Catalogue>> Catalogue::open(const std::string& path) {
  KC_TRY(auto sqlite, Sqlite::open(path));
  KC_TRY(const auto found, sqlite->number("PRAGMA user_version"));
  const auto version = found.value_or(0);
  if (version > kVersion) {
    return fail(
        ErrorKind::corrupt, "engine.version",
        "the data folder was written by a newer program: version " + std::to_string(version));
  }
  for (auto next = static_cast<std::size_t>(version); next < std::size(kMigrations); ++next) {
    KC_CHECK_OK(sqlite->transaction([&] { return sqlite->script(kMigrations[next]); }));
  }
  return std::unique_ptr<Catalogue>(new Catalogue(std::move(sqlite)));
}

Result<void> Catalogue::change(const std::function<Result<void>(CatalogueView&)>& work) {
  std::lock_guard lock(mutex_);
  CatalogueView view(*sqlite_);
  ++version_;
  return sqlite_->transaction([&] { return work(view); });
}

Result<std::vector<DatabaseEntry>> CatalogueView::databases() {
  std::vector<DatabaseEntry> entries;
  KC_CHECK_OK(sqlite_.each(std::string(kDatabaseColumns) + "ORDER BY name", {},
                           [&](const SqlRow& row) { entries.push_back(database_from(row)); }));
  return entries;
}

Result<DatabaseEntry> CatalogueView::database(std::string_view name) {
  std::optional<DatabaseEntry> entry;
  KC_CHECK_OK(sqlite_.each(std::string(kDatabaseColumns) + "WHERE name = ?", {std::string(name)},
                           [&](const SqlRow& row) { entry = database_from(row); }));
  if (entry) return *entry;
  Error error{.kind = ErrorKind::not_found,
              .code = "engine.database",
              .message = "Entity ID '" + std::string(name) + "' of kind 'Database' was not found."};
  error.service_code = "BadRequest_DatabaseNotExist";
  return fail(std::move(error));
}

Result<void> CatalogueView::add_database(const DatabaseEntry& entry) {
  KC_TRY(
      auto changed,
      sqlite_.run("INSERT INTO databases(name, guid, created, cursor, version) VALUES(?,?,?,?,?)",
                  {entry.name, entry.guid.text(), entry.created, entry.cursor, entry.version}));
  (void)changed;
  return {};
}

Result<void> CatalogueView::schema_changed(std::int64_t database) {
  KC_TRY(auto changed,
         sqlite_.run("UPDATE databases SET version = version + 1 WHERE id = ?", {database}));
  (void)changed;
  return {};
}

Result<std::vector<CatalogueTable>> CatalogueView::tables(std::int64_t database) {
  std::vector<CatalogueTable> found;
  KC_CHECK_OK(sqlite_.each(std::string(kTableColumns) + "WHERE database = ? ORDER BY name",
                           {database},
                           [&](const SqlRow& row) { found.push_back(table_from(row)); }));
  return found;
}

Result<CatalogueTable> CatalogueView::table(const DatabaseEntry& database, std::string_view name) {
  std::optional<CatalogueTable> found;
  KC_CHECK_OK(sqlite_.each(std::string(kTableColumns) + "WHERE database = ? AND name = ?",
                           {database.id, std::string(name)},
                           [&](const SqlRow& row) { found = table_from(row); }));
  if (found) return *found;
  Error error{.kind = ErrorKind::not_found,
              .code = "engine.table",
              .message = "Entity ID '" + std::string(name) + "' of kind 'Table' was not found."};
  error.service_code = "BadRequest_TableNotExist";
  return fail(std::move(error));
}

Result<std::optional<CatalogueTable>> CatalogueView::table(std::int64_t id) {
  std::optional<CatalogueTable> found;
  KC_CHECK_OK(sqlite_.each(std::string(kTableColumns) + "WHERE id = ?", {id},
                           [&](const SqlRow& row) { found = table_from(row); }));
  return found;
}

Result<std::int64_t> CatalogueView::add_table(const CatalogueTable& table) {
  KC_TRY(auto changed,
         sqlite_.run(
             "INSERT INTO tables(database, name, guid, columns, folder, docstring, hidden) "
             "VALUES(?,?,?,?,?,?,?)",
             {table.database, table.name, table.guid.text(), columns_text(table.schema.columns),
              table.schema.folder, table.schema.docstring, std::int64_t{table.hidden}}));
  (void)changed;
  const auto id = sqlite_.last_id();
  KC_CHECK_OK(schema_changed(table.database));
  return id;
}

Result<void> CatalogueView::set_table(const CatalogueTable& table) {
  KC_TRY(
      auto changed,
      sqlite_.run("UPDATE tables SET name = ?, columns = ?, folder = ?, docstring = ?, hidden = ? "
                  "WHERE id = ?",
                  {table.name, columns_text(table.schema.columns), table.schema.folder,
                   table.schema.docstring, std::int64_t{table.hidden}, table.id}));
  (void)changed;
  return schema_changed(table.database);
}

Result<std::vector<std::string>> CatalogueView::drop_table(std::int64_t table) {
  std::vector<std::string> files;
  KC_CHECK_OK(sqlite_.each("SELECT file FROM extents WHERE table_id = ?", {table},
                           [&](const SqlRow& row) { files.push_back(row.text(0)); }));
  KC_TRY(const auto database, sqlite_.number("SELECT database FROM tables WHERE id = ?", {table}));
  KC_TRY(auto extents, sqlite_.run("DELETE FROM extents WHERE table_id = ?", {table}));
  KC_CHECK_OK(exec("DELETE FROM principals WHERE scope = ? AND owner = ?",
                   {static_cast<std::int64_t>(Scope::table), table}));
  KC_TRY(auto tables, sqlite_.run("DELETE FROM tables WHERE id = ?", {table}));
  (void)extents;
  (void)tables;
  KC_CHECK_OK(schema_changed(database.value_or(0)));
  return files;
}

Result<std::map<std::string, std::string>> CatalogueView::policies(std::int64_t table) {
  std::map<std::string, std::string> found;
  KC_CHECK_OK(sqlite_.each("SELECT name, policy FROM policies WHERE table_id = ?", {table},
                           [&](const SqlRow& row) { found[row.text(0)] = row.text(1); }));
  return found;
}

Result<void> CatalogueView::set_policy(std::int64_t table, std::string_view policy,
                                       const std::string& value) {
  KC_TRY(auto changed,
         sqlite_.run("INSERT OR REPLACE INTO policies(table_id, name, policy) VALUES(?,?,?)",
                     {table, std::string(policy), value}));
  (void)changed;
  return {};
}

Result<void> CatalogueView::delete_policy(std::int64_t table, std::string_view policy) {
  KC_TRY(auto changed, sqlite_.run("DELETE FROM policies WHERE table_id = ? AND name = ?",
                                   {table, std::string(policy)}));
  (void)changed;
  return {};
}

Result<bool> CatalogueView::timed_policies() {
  KC_TRY(
      const auto found,
      sqlite_.number("SELECT count(*) FROM (SELECT name FROM policies UNION ALL SELECT name FROM "
                     "scope_policies) WHERE name IN ('retention', 'extent_tags_retention', "
                     "'auto_delete')"));
  return found.value_or(0) > 0;
}

Result<std::int64_t> CatalogueView::shape_of(const std::vector<Column>& columns) {
  const auto text = columns_text(columns);
  KC_TRY(const auto found, sqlite_.number("SELECT id FROM shapes WHERE columns = ?", {text}));
  if (found) return *found;
  KC_TRY(auto changed, sqlite_.run("INSERT INTO shapes(columns) VALUES(?)", {text}));
  (void)changed;
  return sqlite_.last_id();
}

Result<std::vector<Column>> CatalogueView::shape(std::int64_t id) {
  std::vector<Column> columns;
  KC_CHECK_OK(sqlite_.each("SELECT columns FROM shapes WHERE id = ?", {id},
                           [&](const SqlRow& row) { columns = columns_from(row.text(0)); }));
  return columns;
}

}  // namespace kc::engine
