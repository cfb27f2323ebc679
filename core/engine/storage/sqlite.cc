#include "core/engine/storage/sqlite.h"

#include <sqlite3.h>

namespace kc::engine {

std::int64_t SqlRow::number(int column) const { return sqlite3_column_int64(statement_, column); }
std::string SqlRow::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
bool SqlRow::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<std::unique_ptr<Sqlite>> Sqlite::open(const std::string& path) {
  sqlite3* connection = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Sqlite> sqlite(new Sqlite(connection));
  if (code != SQLITE_OK) return fail(sqlite->failure().value().in("opening " + path));
  sqlite3_busy_timeout(connection, 0);
  // The exclusive lock keeps a second engine out of the same folder.
  KC_CHECK_OK(
      sqlite->script("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                     "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
  return sqlite;
}

Sqlite::~Sqlite() {
  for (const auto& [text, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

Failure Sqlite::failure() const {
  const int code = sqlite3_errcode(connection_);
  ErrorKind kind = ErrorKind::corrupt;
  if (code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_CANTOPEN ||
      code == SQLITE_READONLY) {
    kind = ErrorKind::unavailable;
  } else if (code == SQLITE_BUSY || code == SQLITE_CONSTRAINT) {
    kind = ErrorKind::conflict;
  }
  return fail(kind, code == SQLITE_BUSY ? "engine.in_use" : "engine.catalogue",
              sqlite3_errmsg(connection_));
}

Result<void> Sqlite::script(const char* sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
  return {};
}

Result<sqlite3_stmt*> Sqlite::prepared(std::string_view sql, const std::vector<SqlArg>& args) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      return failure();
    }
    found = statements_.emplace(std::string(sql), statement).first;
  }
  sqlite3_stmt* statement = found->second;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  int index = 0;
  for (const auto& arg : args) {
    ++index;
    if (const auto* number = std::get_if<std::int64_t>(&arg)) {
      sqlite3_bind_int64(statement, index, *number);
    } else if (const auto* real = std::get_if<double>(&arg)) {
      sqlite3_bind_double(statement, index, *real);
    } else if (const auto* text = std::get_if<std::string>(&arg)) {
      sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
    }
  }
  return statement;
}

Result<std::int64_t> Sqlite::run(std::string_view sql, const std::vector<SqlArg>& args) {
  KC_TRY(auto* statement, prepared(sql, args));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code != SQLITE_DONE) {
    auto error = failure();
    sqlite3_reset(statement);
    return error;
  }
  sqlite3_reset(statement);
  return std::int64_t{sqlite3_changes64(connection_)};
}

Result<void> Sqlite::each(std::string_view sql, const std::vector<SqlArg>& args,
                          const std::function<void(const SqlRow&)>& row) {
  KC_TRY(auto* statement, prepared(sql, args));
  int code = sqlite3_step(statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) row(SqlRow(statement));
  if (code != SQLITE_DONE) {
    auto error = failure();
    sqlite3_reset(statement);
    return error;
  }
  sqlite3_reset(statement);
  return {};
}

Result<std::optional<std::int64_t>> Sqlite::number(std::string_view sql,
                                                   const std::vector<SqlArg>& args) {
  std::optional<std::int64_t> value;
  KC_CHECK_OK(each(sql, args, [&](const SqlRow& row) {
    if (!row.null(0)) value = row.number(0);
  }));
  return value;
}

std::int64_t Sqlite::last_id() const { return sqlite3_last_insert_rowid(connection_); }

Result<void> Sqlite::transaction(const std::function<Result<void>()>& work) {
  KC_CHECK_OK(run("BEGIN IMMEDIATE"));
  auto done = work();
  if (done) {
    if (auto committed = run("COMMIT"))
      return {};
    else
      done = fail(std::move(committed).error());
  }
  (void)run("ROLLBACK");
  return done;
}

}  // namespace kc::engine
