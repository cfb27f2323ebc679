// SQLite behind values, for the catalogue only: a connection, prepared statements by text, one
// transaction at a time. Thread promise: one owner at a time; the catalogue keeps it behind its
// lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kc::engine {

using SqlArg = std::variant<std::nullptr_t, std::int64_t, double, std::string>;

// The current row of a statement.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t number(int column) const;
  std::string text(int column) const;
  bool null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Sqlite {
 public:
  static Result<std::unique_ptr<Sqlite>> open(const std::string& path);
  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  Result<void> script(const char* sql);
  // Returns the number of rows changed.
  Result<std::int64_t> run(std::string_view sql, const std::vector<SqlArg>& args = {});
  Result<void> each(std::string_view sql, const std::vector<SqlArg>& args,
                    const std::function<void(const SqlRow&)>& row);
  Result<std::optional<std::int64_t>> number(std::string_view sql,
                                             const std::vector<SqlArg>& args = {});
  std::int64_t last_id() const;
  // Commits if `work` succeeds, or leaves no trace of it.
  Result<void> transaction(const std::function<Result<void>()>& work);

 private:
  explicit Sqlite(sqlite3* connection) : connection_(connection) {}
  Result<sqlite3_stmt*> prepared(std::string_view sql, const std::vector<SqlArg>& args);
  Failure failure() const;

  sqlite3* connection_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace kc::engine
