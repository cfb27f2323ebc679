// From KQL trees to DuckDB SQL: binds names and types through a Binder and writes one SELECT per
// tabular statement. Used by the engine's query and command execution. What is not supported is an
// error (kind invalid, code `query.semantic`, service_code SEM0…) that names it and its place;
// never another meaning. Thread promise: pure apart from the Binder, which is called on the
// caller's thread.
//
// Physical values, shared with storage: bool BOOLEAN; int INTEGER; long BIGINT; real DOUBLE;
// decimal VARCHAR (canonical text); datetime and timespan BIGINT (ticks of 100 ns); guid UUID;
// string VARCHAR, never NULL; dynamic VARCHAR with JSON text, NULL for null. The SQL needs the
// functions of functions.h registered on the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/engine/syntax/ast.h"
#include "core/model/schema.h"

namespace kc::engine {

// What the leading filters of a pipeline prove, so that storage can leave out extents; the filters
// are applied anyway.
struct ScanHints {
  std::optional<std::int64_t> cursor_after;         // exclusive
  std::optional<std::int64_t> cursor_before_or_at;  // inclusive
  std::optional<std::int64_t> ingested_from;        // inclusive, ticks
  std::optional<std::int64_t> ingested_before;      // exclusive, ticks
  bool needs_ingestion_time = false;
  bool needs_cursor = false;
  bool needs_extent = false;  // $ExtentId and $ExtentTags
};

// Rows to read from. `sql` can stand after FROM (a name, a table function or a parenthesised
// SELECT); its columns are the schema's by name and, where the hints need them, "$IngestionTime"
// (BIGINT, nullable), "$Cursor" (BIGINT, nullable),
// "$ExtentId" (UUID), "$ExtentTags" (VARCHAR, tags joined by CR LF).
// DuckDB's names ignore case: where two columns differ only by it, `sql_names` gives each column's
// name in `sql`.
struct Relation {
  TableSchema schema;
  std::string sql;
  std::vector<std::string> sql_names = {};  // empty: as in the schema
  std::string row_level_query = {};         // KQL that stands for the table; empty: none
};

// A function of the database: `(x:long)` and `{ … }`.
struct StoredFunction {
  std::string parameters;
  std::string body;
};

// `externaldata (columns) [addresses] with (format=…)`.
struct ExternalRead {
  std::vector<Column> columns;
  std::vector<std::string> addresses;
  std::string format;  // empty: by the first address, else csv
  bool ignore_first_record = false;
};

class Binder {
 public:
  virtual ~Binder() = default;
  // Kind not_found where there is no such table. `database` empty: the one of the request.
  virtual Result<Relation> table(std::string_view database, std::string_view name,
                                 const ScanHints& hints) = 0;
  virtual Result<std::vector<std::string>> table_names(
      std::string_view database) = 0;         // for `union T*`
  virtual std::int64_t now_ticks() = 0;       // one value for the whole statement
  virtual std::int64_t cursor_current() = 0;  // ticks
  virtual std::string current_database() = 0;
  // Of the request: what a cursor predicate without an argument takes, and whether cursors are off;
  // the value of a declared query parameter: a string as it is, any other type as its literal.
  virtual std::optional<std::string> cursor_default(bool /*after*/) { return std::nullopt; }
  virtual bool cursors_disabled() { return false; }
  virtual std::optional<std::string> query_parameter(std::string_view /*name*/) {
    return std::nullopt;
  }
  virtual Result<std::optional<StoredFunction>> function(std::string_view /*database*/,
                                                         std::string_view /*name*/) {
    return std::nullopt;
  }
  virtual std::string current_principal() { return {}; }
  // What only a running engine can do. `texts` runs a SELECT of one VARCHAR column at once, for
  // what decides the columns of the rest; `where` is `<cluster>/<database>`.
  virtual Result<std::vector<std::optional<std::string>>> texts(const std::string& sql);
  virtual Result<Relation> show_command(std::string_view where, const std::string& command);
  virtual Result<Relation> external(const ExternalRead& read);
  virtual bool is_own_cluster(std::string_view /*name*/) { return false; }
  virtual std::string cluster_name() { return {}; }
};

struct ResultColumn {
  std::string name;
  ScalarType type = ScalarType::string_;
  friend bool operator==(const ResultColumn&, const ResultColumn&) = default;
};

// One SELECT. Its columns are `columns` in order, named as in Kusto; rename by position (`FROM
// (sql) AS t(a, b)`) where names that differ only by case could meet.
struct Translated {
  std::string sql;
  std::vector<ResultColumn> columns;
};

struct TranslatedQuery {
  std::vector<Translated> results;  // one per tabular statement
  bool uses_cursor =
      false;  // a cursor function was called: the answer carries the database's cursor
};

// The only tabular statement of the query; kind invalid where there are several.
Result<Translated> translate(const Query& query, Binder& binder);
Result<TranslatedQuery> translate_all(const Query& query, Binder& binder);

// Operators applied to rows given by the caller, as in `.show extents | where … | project …`.
// `text` is the command's whole text from which `pipeline` was parsed, for positions.
Result<Translated> translate_over(const Relation& rows, const Pipeline& pipeline,
                                  std::string_view text, Binder& binder);

// `"a""b"`: an identifier for SQL. `'a''b'`: a string for SQL (NUL bytes are refused by the lexer).
std::string quote_identifier(std::string_view name);
std::string quote_string(std::string_view value);
// DuckDB's type for a Kusto type, as above.
std::string_view sql_type(ScalarType type);

}  // namespace kc::engine
