#include "core/store/sqlite.h"

namespace kc::store {

Error sqlite_error(sqlite3* connection, int code) {
  const std::string said =
      connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  const auto make = [&](ErrorKind kind, const char* word, const std::string& sentence) {
    return Error{.kind = kind, .code = word, .message = sentence + ": " + said};
  };
  switch (code & 0xff) {
    case SQLITE_FULL: {
      auto error =
          make(ErrorKind::unavailable, "store.full", "there is no room left for the database");
      error.fix =
          "free some space on the disk that holds the database, then start again: nothing is lost";
      return error;
    }
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: {
      auto error =
          make(ErrorKind::corrupt, "store.corrupt", "the database is damaged or is no database");
      error.fix =
          "move the file away: progress is in the lake, and a job submitted again with its id and "
          "lake goes on";
      return error;
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make(ErrorKind::unavailable, "store.busy", "another process holds the database");
    case SQLITE_CONSTRAINT:
      return make(ErrorKind::conflict, "store.constraint", "the database refuses this row");
    default:
      return make(ErrorKind::unavailable, "store.unreachable",
                  "the database cannot be opened, read or written");
  }
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      code_(other.code_),
      next_parameter_(other.next_parameter_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind_integer(std::int64_t value) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, next_parameter_++, value);
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  if (code_ == SQLITE_OK) {
    code_ =
        sqlite3_bind_text(statement_, next_parameter_++, text.data() != nullptr ? text.data() : "",
                          static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }
  return *this;
}

Statement& Statement::bind(std::nullptr_t) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_null(statement_, next_parameter_++);
  return *this;
}

Result<bool> Statement::next() {
  if (code_ == SQLITE_OK) {
    const int step = sqlite3_step(statement_);
    if (step == SQLITE_ROW) return true;
    if (step == SQLITE_DONE) return false;
    code_ = step;
  }
  return fail(sqlite_error(connection_, code_));
}

Result<void> Statement::done() {
  while (true) {
    KC_TRY(const bool more, next());
    if (!more) return {};
  }
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr
             ? std::string()
             : std::string(bytes,
                           static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode) {
  sqlite3* raw = nullptr;
  const int flags =
      SQLITE_OPEN_NOMUTEX |
      (mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(raw));
  if (code != SQLITE_OK) return fail(sqlite_error(raw, code).in("opening " + path));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, 5'000);
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(connection_);
}

Result<void> Connection::run(const std::string& sql) {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(sqlite_error(connection_, code));
  return {};
}

Statement Connection::query(std::string_view sql) {
  auto& kept = statements_[sql];
  int code = SQLITE_OK;
  if (kept == nullptr) {
    code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                              SQLITE_PREPARE_PERSISTENT, &kept, nullptr);
  }
  return {connection_, kept, code};
}

Result<std::int64_t> Connection::number(std::string_view sql) {
  auto row = query(sql);
  KC_TRY(const bool found, row.next());
  return found ? row.integer(0) : 0;
}

Result<void> Connection::transaction(const std::function<Result<void>()>& work) {
  KC_CHECK_OK(run("begin immediate"));
  auto result = work();
  if (result) result = run("commit");
  // A failed commit may have rolled back by itself; then this is an error that says nothing new.
  if (!result) (void)run("rollback");
  return result;
}

}  // namespace kc::store
