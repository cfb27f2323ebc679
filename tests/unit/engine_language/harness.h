// An in-memory DuckDB with a few tables behind a Binder, and a way to run KQL on it and read the
// rows as text. Used by the tests of this folder. Thread promise: one owner at a time.
#pragma once

#include <duckdb.h>

#include <map>
#include <string>
#include <vector>

#include "core/engine/translate/translate.h"

namespace kc::engine {

struct Answer {
  std::string header;             // `a:long, b:string`
  std::vector<std::string> rows;  // cells joined by `|`, null as `null`
};

inline TableSchema shape(std::vector<Column> columns) {
  TableSchema schema;
  schema.columns = std::move(columns);
  return schema;
}

class Engine final : public Binder {
 public:
  Engine();
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Result<Answer> run(const std::string& kql);
  Result<Answer> read(const Translated& translated);
  Result<Answer> sql(const std::string& text);  // every column cast to text
  void must(const std::string& statement);
  void add_table(const std::string& name, TableSchema schema, const std::string& from,
                 std::vector<std::string> sql_names = {});
  duckdb_connection connection() { return connection_; }

  Result<Relation> table(std::string_view database, std::string_view name,
                         const ScanHints& hints) override;
  Result<std::vector<std::string>> table_names(std::string_view database) override;
  std::int64_t now_ticks() override;
  std::int64_t cursor_current() override { return 638'000'000'000'000'099; }
  std::string current_database() override { return "Db"; }

  ScanHints last_hints;

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
  std::map<std::string, Relation> tables_;
};

}  // namespace kc::engine
