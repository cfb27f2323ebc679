#include "tests/unit/engine_language/harness.h"

#include <stdexcept>

#include "core/base/ticks.h"
#include "core/engine/syntax/parser.h"
#include "core/engine/translate/functions.h"

namespace kc::engine {
namespace {

std::string cell_text(const ResultColumn& column, const std::string& name) {
  switch (column.type) {
    case ScalarType::datetime_:
      return "kc_datetime_text(" + name + ")";
    case ScalarType::timespan_:
      return "kc_timespan_text(" + name + ")";
    case ScalarType::real_:
      return "kc_real_text(" + name + ")";
    default:
      return "CAST(" + name + " AS VARCHAR)";
  }
}

constexpr const char* kAll =
    "CREATE TABLE every (a BIGINT, i INTEGER, r DOUBLE, m VARCHAR, f BOOLEAN, d BIGINT, s BIGINT, "
    "g UUID, b VARCHAR, y VARCHAR,"
    " \"$IngestionTime\" BIGINT, \"$Cursor\" BIGINT, \"$ExtentId\" UUID, \"$ExtentTags\" VARCHAR)";
constexpr const char* kAllRows =
    "INSERT INTO every VALUES"
    " (1, 10, 1.5, '1.5', true, 638000000000000000, 864000000000, "
    "'74be27de-1e4e-49d9-b579-fe0b331d3642', 'Hello World',"
    "  '{\"k\":1,\"n\":{\"x\":\"deep\"},\"l\":[1,2,3]}', 638000000000000000, 638000000000000010,"
    "  '11111111-1111-1111-1111-111111111111', 'drop-by:x' || chr(13) || chr(10) || 'blue'),"
    " (-3, -7, -2.5, '-0.25', false, 638000036000000001, -5, "
    "'00000000-0000-0000-0000-000000000001', 'it''s \"quoted\"',"
    "  '[\"a\",\"b\"]', 638000000600000000, 638000000000000020, "
    "'22222222-2222-2222-2222-222222222222', ''),"
    " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL,"
    "  '22222222-2222-2222-2222-222222222222', ''),"
    " (7, 7, 'nan', '100', true, 0, 0, '00000000-0000-0000-0000-000000000002', 'hello', "
    "'\"text\"', 638000001200000000,"
    "  638000000000000030, '33333333-3333-3333-3333-333333333333', 'red')";

}  // namespace

Engine::Engine() {
  if (duckdb_open(nullptr, &database_) != DuckDBSuccess ||
      duckdb_connect(database_, &connection_) != DuckDBSuccess) {
    throw std::runtime_error("DuckDB does not open");
  }
  if (auto registered = register_functions(connection_); !registered)
    throw std::runtime_error(registered.error().message);
  must("SET threads = 2");
  must(kAll);
  must(kAllRows);
  using S = ScalarType;
  add_table("T",
            shape({{"a", S::long_},
                   {"i", S::int_},
                   {"r", S::real_},
                   {"m", S::decimal_},
                   {"f", S::bool_},
                   {"d", S::datetime_},
                   {"s", S::timespan_},
                   {"g", S::guid_},
                   {"b", S::string_},
                   {"y", S::dynamic_}}),
            "every");
  add_table("it's [a] \"table\"; DROP TABLE every; --",
            shape({{"it's \"a\" column", S::long_}, {"x]; --", S::string_}}),
            "(SELECT 1::BIGINT AS \"it's \"\"a\"\" column\", 'v' AS \"x]; --\")");
  add_table("Cases", shape({{"Name", S::string_}, {"name", S::string_}}),
            "(SELECT 'upper' AS u, 'lower' AS l)", {"u", "l"});
}

Engine::~Engine() {
  duckdb_disconnect(&connection_);
  duckdb_close(&database_);
}

void Engine::must(const std::string& statement) {
  if (duckdb_query(connection_, statement.c_str(), nullptr) != DuckDBSuccess)
    throw std::runtime_error("SQL failed: " + statement);
}

void Engine::add_table(const std::string& name, TableSchema schema, const std::string& from,
                       std::vector<std::string> sql_names) {
  tables_[name] = {.schema = std::move(schema), .sql = from, .sql_names = std::move(sql_names)};
}

Result<Relation> Engine::table(std::string_view database, std::string_view name,
                               const ScanHints& hints) {
  last_hints = hints;
  const auto found = tables_.find(std::string(name));
  if (found == tables_.end() || (!database.empty() && database != "Db"))
    return fail(ErrorKind::not_found, "table.missing", "no such table");
  return found->second;
}

Result<std::vector<std::string>> Engine::table_names(std::string_view) {
  std::vector<std::string> names;
  for (const auto& [name, relation] : tables_) names.push_back(name);
  return names;
}

std::int64_t Engine::now_ticks() { return 638'000'000'000'000'000; }

Result<Answer> Engine::run(const std::string& kql) {
  KC_TRY(const Query query, parse_query(kql));
  KC_TRY(const Translated translated, translate(query, *this));
  return read(translated);
}

Result<Answer> Engine::read(const Translated& translated) {
  std::string names, cells, header;
  for (std::size_t i = 0; i < translated.columns.size(); ++i) {
    const std::string name = "v" + std::to_string(i);
    names += (i == 0 ? "" : ", ") + name;
    cells += (i == 0 ? "" : ", ") + cell_text(translated.columns[i], name);
    header += (i == 0 ? "" : ", ") + translated.columns[i].name + ":" +
              std::string(to_string(translated.columns[i].type));
  }
  KC_TRY(Answer answer,
         sql("SELECT " + cells + " FROM (" + translated.sql + ") AS t(" + names + ")"));
  answer.header = std::move(header);
  return answer;
}

Result<Answer> Engine::sql(const std::string& text) {
  duckdb_result result;
  Answer answer;
  if (duckdb_query(connection_, text.c_str(), &result) != DuckDBSuccess) {
    const std::string message = duckdb_result_error(&result);
    duckdb_destroy_result(&result);
    return fail(ErrorKind::unavailable, "test.sql", message + "\n" + text.substr(0, 4000));
  }
  for (idx_t row = 0; row < duckdb_row_count(&result); ++row) {
    std::string line;
    for (idx_t column = 0; column < duckdb_column_count(&result); ++column) {
      char* const cell = duckdb_value_varchar(&result, column, row);
      line += (column == 0 ? "" : "|") + std::string(cell == nullptr ? "null" : cell);
      duckdb_free(cell);
    }
    answer.rows.push_back(std::move(line));
  }
  duckdb_destroy_result(&result);
  return answer;
}

}  // namespace kc::engine
