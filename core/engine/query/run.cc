#include "core/engine/query/run.h"

#include "core/engine/results/cells.h"
#include "core/engine/syntax/parser.h"

namespace kc::engine {
namespace {

constexpr int kBindAttempts = 10;

Error truncated(const std::string& what, std::int64_t limit) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.truncated", .message = {}};
  error.message =
      "Query execution has exceeded the allowed limits (80DA0003): The results of this query "
      "exceed the set "
      "limit of " +
      std::to_string(limit) + " " + what + ", so not all of them are returned.";
  error.service_code = "LimitsExceeded";
  return error;
}

}  // namespace

Result<BoundQuery> bind_query(Session& session, std::string_view text) {
  KC_TRY(const auto query, parse_query(text));
  for (int attempt = 0;; ++attempt) {
    auto binder = std::make_unique<RequestBinder>(session);
    KC_TRY(auto translated, translate_all(query, *binder));
    // Under a storm of changes the last look is taken as it is rather than refused.
    if (binder->consistent() || attempt == kBindAttempts)
      return BoundQuery{std::move(binder), std::move(translated)};
  }
}

std::vector<Column> columns_of(const Translated& translated) {
  std::vector<Column> columns;
  for (const auto& column : translated.columns) columns.push_back({column.name, column.type});
  return columns;
}

Result<ResultTable> run_select(Session& session, const Translated& translated,
                               std::optional<Error>& partial) {
  ResultTable table{
      .name = "PrimaryResult", .columns = columns_of(translated), .rows = {}, .row_count = 0};
  KC_TRY(auto lease, session.host.duck->connect());
  KC_TRY(auto result, lease.stream(translated.sql));
  const auto& options = session.options;
  for (;;) {
    KC_TRY(auto chunk, result.next());
    if (!chunk || chunk.rows() == 0) return table;
    const ChunkReader reader(chunk, table.columns);
    if (!options.notruncation) {
      if (table.row_count + static_cast<std::int64_t>(reader.rows()) > options.truncation_records) {
        partial = truncated("records", options.truncation_records);
        return table;
      }
      if (static_cast<std::int64_t>(table.rows.size()) > options.truncation_bytes) {
        partial = truncated("bytes", options.truncation_bytes);
        return table;
      }
    }
    reader.append_json_rows(table.rows);
    table.row_count += static_cast<std::int64_t>(reader.rows());
  }
}

Result<DataSet> run_query(Session& session, std::string_view text) {
  KC_TRY(const auto bound, bind_query(session, text));
  DataSet answer;
  for (const auto& translated : bound.translated.results) {
    KC_TRY(auto table, run_select(session, translated, answer.partial));
    answer.tables.push_back(std::move(table));
    if (answer.partial) break;
  }
  if (bound.translated.uses_cursor) answer.cursor = std::to_string(bound.binder->cursor_current());
  return answer;
}

Result<RowTable> run_operators(Session& session, RowTable rows, std::string_view text) {
  KC_TRY(const auto pipeline, parse_operators(text));
  Relation relation;
  relation.schema.columns = rows.columns;
  for (std::size_t i = 0; i < rows.columns.size(); ++i)
    relation.sql_names.push_back("c" + std::to_string(i));
  const auto handle = session.host.sources.add(source_of(std::move(rows)));
  relation.sql = handle.sql();
  RequestBinder binder(session);
  KC_TRY(const auto translated, translate_over(relation, pipeline, text, binder));
  std::optional<Error> partial;
  KC_TRY(const auto table, run_select(session, translated, partial));
  if (partial) return fail(std::move(*partial));
  return decode(table);
}

}  // namespace kc::engine
