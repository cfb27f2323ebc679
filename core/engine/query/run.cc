#include "core/engine/query/run.h"

#include <algorithm>

#include "core/base/clock.h"
#include "core/engine/results/cells.h"
#include "core/engine/syntax/parser.h"

namespace kc::engine {
namespace {

constexpr int kBindAttempts = 10;
constexpr std::int64_t kAnswersShare = 2;  // of the engine's memory: what one result may take

Error truncated(const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.truncated", .message = {}};
  error.message =
      "Query execution has exceeded the allowed limits (80DA0003): The results of this query "
      "exceed the set limit of " +
      what +
      ", so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See "
      "https://aka.ms/kustoquerylimits for more information and possible solutions..";
  error.service_code = "LimitsExceeded";
  return error;
}

// Answers are held whole until they are sent.
Error too_large_to_hold(std::int64_t bytes) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.answer_too_large", .message = {}};
  error.message =
      "Query execution lacks memory resources to complete (80DA0007): Partial query failure: Low "
      "memory condition (E_LOW_MEMORY_CONDITION). (message: 'the answer is larger than " +
      std::to_string(bytes >> 20) + " MB: export it, or ask for it in parts', details: '').";
  error.service_code = "LimitsExceeded";
  return error;
}

Error timed_out(Timespan limit) {
  Error error{.kind = ErrorKind::cancelled, .code = "engine.timeout", .message = {}};
  error.message = "Request execution has timed-out on the service side and was aborted (timeout: " +
                  format_timespan(limit) + ").";
  error.service_code = "Timeout";
  return error;
}

Error cancelled() {
  Error error{.kind = ErrorKind::cancelled, .code = "engine.cancelled", .message = {}};
  error.message = "Request execution was cancelled by a '.cancel query' command.";
  error.service_code = "Cancelled";
  return error;
}

// Rows of one result up to what the request allows; says where the limits are passed.
class RowTaker {
 public:
  // `bytes_max`: what this engine can hold of one result, whatever the request allows.
  RowTaker(const RequestOptions& options, ResultTable& table, std::int64_t bytes_max)
      : options_(options), table_(table), bytes_max_(bytes_max) {}

  // False where no more rows are wanted.
  bool take(const ChunkReader& reader, std::optional<Error>& partial) {
    auto rows = static_cast<std::int64_t>(reader.rows());
    if (options_.take_records) rows = std::min(rows, *options_.take_records - table_.row_count);
    const bool all = rows == static_cast<std::int64_t>(reader.rows());
    if (options_.truncates()) {
      const auto left = options_.truncation_records - table_.row_count;
      if (rows > left) {
        partial = truncated(std::to_string(options_.truncation_records) + " records");
        rows = std::max<std::int64_t>(left, 0);
      }
    }
    table_.breaks.push_back(table_.rows.size());
    reader.append_json_rows(table_.rows, static_cast<idx_t>(rows));
    if (rows == 0) table_.breaks.pop_back();
    table_.row_count += rows;
    const auto bytes = static_cast<std::int64_t>(table_.rows.size());
    if (!partial && options_.truncates() && bytes > options_.truncation_bytes) {
      partial = truncated(std::to_string(options_.truncation_bytes) + " bytes");
      drop_last_chunk(rows);
    } else if (!partial && bytes > bytes_max_) {
      partial = too_large_to_hold(bytes_max_);
      drop_last_chunk(rows);
    }
    return all && !partial;
  }

 private:
  void drop_last_chunk(std::int64_t rows) {
    table_.rows.resize(table_.breaks.back());
    table_.breaks.pop_back();
    table_.row_count -= rows;
  }

  const RequestOptions& options_;
  ResultTable& table_;
  std::int64_t bytes_max_;
};

// What `getschema` would give.
ResultTable schema_of(const std::vector<Column>& columns) {
  RowTable rows{{{"ColumnName", ScalarType::string_},
                 {"ColumnOrdinal", ScalarType::int_},
                 {"DataType", ScalarType::string_},
                 {"ColumnType", ScalarType::string_}},
                {}};
  for (const auto& column : columns) {
    rows.rows.push_back({text_value(column.name), static_cast<std::int64_t>(rows.rows.size()),
                         text_value(dotnet_type(column.type)), text_value(to_string(column.type))});
  }
  return encode(rows, "PrimaryResult");
}

Value value_of(const std::optional<Literal>& literal) {
  if (!literal || literal->is_null) return {};
  switch (literal->type) {
    case ScalarType::bool_:
      return literal->integer != 0;
    case ScalarType::int_:
    case ScalarType::long_:
    case ScalarType::datetime_:
    case ScalarType::timespan_:
      return literal->integer;
    case ScalarType::real_:
      return literal->number;
    default:
      return literal->text;
  }
}

// What the text sets counts for the whole request.
Result<void> apply_settings(Session& session, const Query& query) {
  for (const auto& statement : query.statements) {
    const auto* set = std::get_if<SetStatement>(&statement);
    if (set == nullptr) continue;
    KC_CHECK_OK(
        set_option(session.options, set->name, value_of(set->value), OptionSource::set_statement));
  }
  return {};
}

}  // namespace

Result<BoundQuery> bind_query(Session& session, std::string_view text) {
  KC_TRY(const auto query, parse_query(text));
  KC_CHECK_OK(apply_settings(session, query));
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
  const auto& options = session.options;
  if (options.schema_only) return schema_of(table.columns);
  KC_TRY(auto lease, session.host.duck->connect());
  const auto watch = session.host.deadlines.watch(
      options.timeout, [connection = lease.get()] { duckdb_interrupt(connection); },
      session.cancellation);
  const auto ended = [&] {
    return fail(is_asked(session.cancellation) ? cancelled() : timed_out(options.timeout));
  };
  auto result = lease.stream(translated.sql);
  RowTaker taker(options, table, session.host.options.memory_limit_bytes / kAnswersShare);
  for (;;) {
    if (watch.passed()) return ended();
    if (!result) return fail(std::move(result).error());
    auto chunk = result->next();
    if (!chunk && watch.passed()) return ended();
    if (!chunk && table.row_count > 0) {
      // Rows have left already, as far as a caller can tell: the failure follows them.
      partial = std::move(chunk).error();
      return table;
    }
    if (!chunk) return fail(std::move(chunk).error());
    if (!*chunk || chunk->rows() == 0) return table;
    if (!taker.take(ChunkReader(*chunk, table.columns), partial)) return table;
  }
}

Result<DataSet> run_query(Session& session, std::string_view text) {
  const SystemClock clock;
  const auto started = clock.elapsed();
  KC_TRY(const auto bound, bind_query(session, text));
  const auto limit = session.options.timeout;
  DataSet answer;
  for (const auto& translated : bound.translated.results) {
    // One length of time for all statements.
    session.options.timeout = limit - Timespan::from(clock.elapsed() - started);
    KC_TRY(auto table, run_select(session, translated, answer.partial));
    answer.tables.push_back(std::move(table));
    if (answer.partial) break;
  }
  session.options.timeout = limit;
  if (bound.translated.uses_cursor) answer.cursor = std::to_string(bound.binder->cursor_current());
  answer.options = std::make_shared<const RequestOptions>(session.options);
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
