// SQLite as values and Results: a connection with its prepared statements. Used by this room only.
// Thread promise: one owner at a time.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kc::store {

// What a result code means to the caller, with SQLite's own sentence.
Error sqlite_error(sqlite3* connection, int code);

// One prepared statement with its arguments bound; reset when it goes away. The first error of a
// binding or a step is kept and comes back from `done` or `next`.
class Statement {
 public:
  Statement(sqlite3* connection, sqlite3_stmt* statement, int code)
      : connection_(connection), statement_(statement), code_(code) {}
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  template <std::integral T>
  Statement& bind(T value) {
    return bind_integer(static_cast<std::int64_t>(value));
  }
  Statement& bind(std::string_view text);
  Statement& bind(std::nullptr_t);
  template <class T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(nullptr);
  }

  Result<bool> next();  // true: a row is there
  Result<void> done();  // runs to the end
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  Statement& bind_integer(std::int64_t value);
  sqlite3* connection_;
  sqlite3_stmt* statement_;
  int code_;
  int next_parameter_ = 1;
};

class Connection {
 public:
  enum class Mode { write, read };
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Several statements without arguments.
  Result<void> run(const std::string& sql);
  // `sql` is prepared once and kept: it must be a literal.
  Statement query(std::string_view sql);
  Result<std::int64_t> number(std::string_view sql);
  // All of `work` or nothing of it.
  Result<void> transaction(const std::function<Result<void>()>& work);
  std::int64_t rows_changed() const { return sqlite3_changes64(connection_); }

 private:
  explicit Connection(sqlite3* connection) : connection_(connection) {}
  sqlite3* connection_;
  std::map<std::string_view, sqlite3_stmt*> statements_;
};

}  // namespace kc::store
