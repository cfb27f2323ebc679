#include "core/kusto/raw_table.h"

#include <utility>

#include "core/kusto/json_answer.h"
#include "core/kusto/result_table.h"

namespace kc::kusto {

using nlohmann::json;

namespace {

constexpr int kFailureSeverityMax = 2;  // of a QueryStatus or completion row: 1 critical, 2 error

Failure malformed(const std::string& what) { return fail(malformed_answer(what)); }

Error reported(const json& error, const std::vector<std::string>& tables) {
  Error made = classify(read_service_error(error), tables);
  if (made.message.empty()) made.message = "the cluster reported an error without a reason";
  return made.in("the cluster answered with an error inside a success");
}

// `OneApiErrors` of a row, a frame or the whole answer.
std::optional<Error> one_api_errors(const json& holder, const std::vector<std::string>& tables) {
  const json* errors = member(holder, "OneApiErrors");
  if (errors == nullptr || (errors->is_array() && errors->empty())) return std::nullopt;
  return reported(errors->is_array() ? errors->front() : *errors, tables);
}

std::optional<Error> exceptions(const json& holder, const std::vector<std::string>& tables) {
  const json* found = member(holder, "Exceptions");
  if (found == nullptr || found->is_null() || (found->is_array() && found->empty()))
    return std::nullopt;
  const json& first = found->is_array() ? found->front() : *found;
  ServiceError error;
  error.message = first.is_string() ? first.get<std::string>()
                                    : std::string("the cluster reported an exception");
  // A bare text says nothing of permanence, and part of the work may be done.
  error.permanent_known = true;
  Error made = classify(error, tables);
  return std::move(made).in("the cluster answered with an error inside a success");
}

// .NET's names of v1's older answers beside Kusto's own.
std::optional<ScalarType> type_of(const json& column) {
  std::string word = text_member(column, "ColumnType");
  if (word.empty()) word = text_member(column, "DataType");
  if (word.starts_with("System.")) word = word.substr(word.rfind('.') + 1);
  static constexpr std::pair<const char*, ScalarType> kNames[] = {
      {"SByte", ScalarType::bool_},        {"Boolean", ScalarType::bool_},
      {"Int32", ScalarType::int_},         {"Int64", ScalarType::long_},
      {"Double", ScalarType::real_},       {"SqlDecimal", ScalarType::decimal_},
      {"DateTime", ScalarType::datetime_}, {"TimeSpan", ScalarType::timespan_},
      {"Guid", ScalarType::guid_},         {"String", ScalarType::string_},
      {"Object", ScalarType::dynamic_}};
  for (const auto& [name, type] : kNames) {
    if (word == name) return type;
  }
  return parse_scalar_type(word);
}

Result<void> read_columns(const json& table, RawTable& into) {
  const json* columns = member(table, "Columns");
  if (columns == nullptr || !columns->is_array()) return malformed("a table without columns");
  if (columns->size() > kTableColumnsMax) return malformed("a table with too many columns");
  for (const json& column : *columns) {
    into.columns.push_back({text_member(column, "ColumnName"), type_of(column)});
  }
  return {};
}

// Moves the rows out of `table`.
Result<void> read_rows(json& table, RawTable& into, const std::vector<std::string>& tables) {
  const auto rows = table.find("Rows");
  if (rows == table.end() || !rows->is_array()) return malformed("a table without rows");
  for (json& row : *rows) {
    if (row.is_object()) {
      if (auto error = one_api_errors(row, tables)) return fail(std::move(*error));
      if (auto error = exceptions(row, tables)) return fail(std::move(*error));
      return malformed("a row that is not a list");
    }
    if (!row.is_array() || row.size() != into.columns.size())
      return malformed("a row of another width than its table");
    into.rows.push_back(std::move(row));
  }
  return {};
}

std::optional<std::size_t> column_at(const RawTable& data, std::string_view name) {
  for (std::size_t i = 0; i < data.columns.size(); ++i) {
    if (data.columns[i].name == name) return i;
  }
  return std::nullopt;
}

// With `deferpartialqueryfailures`, and in v1's QueryStatus, an error shows only as a row of
// severity 2 or less.
Result<void> check_status(const RawTable& data, std::string_view severity_name,
                          std::string_view text_name, const std::vector<std::string>& tables) {
  const auto severity = column_at(data, severity_name);
  const auto text = column_at(data, text_name);
  if (!severity) return malformed("a status table without " + std::string(severity_name));
  for (const json& row : data.rows) {
    const json& level = row[*severity];
    if (!level.is_number_integer()) return malformed("a status row without a number");
    if (level.get<std::int64_t>() > kFailureSeverityMax) continue;
    ServiceError error;
    error.message =
        text && row[*text].is_string() ? row[*text].get<std::string>() : "the query failed";
    error.permanent_known = true;
    return fail(classify(error, tables).in("the cluster answered with an error inside a success"));
  }
  return {};
}

Result<RawTable> read_table(json& table, const std::vector<std::string>& tables) {
  RawTable data;
  KC_CHECK_OK(read_columns(table, data));
  KC_CHECK_OK(read_rows(table, data, tables));
  return data;
}

Result<RawTable> read_v1_answer(json& answer, const std::vector<std::string>& tables) {
  // First the rows, which say more, then the list at the top.
  const auto list = answer.is_object() ? answer.find("Tables") : answer.end();
  if (!answer.is_object() || list == answer.end() || !list->is_array() || list->empty()) {
    if (answer.is_object() && member(answer, "error") != nullptr)
      return fail(reported(answer, tables));
    if (auto error = exceptions(answer, tables)) return fail(std::move(*error));
    return malformed("no tables");
  }
  std::vector<RawTable> all;
  for (json& table : *list) {
    if (!table.is_object()) return malformed("a table that is no object");
    KC_TRY(RawTable data, read_table(table, tables));
    all.push_back(std::move(data));
  }
  if (auto error = exceptions(answer, tables)) return fail(std::move(*error));
  if (auto error = one_api_errors(answer, tables)) return fail(std::move(*error));
  if (all.size() >= 3) {  // a query: the last is the table of contents, and names the status
    for (const RawTable& data : all) {
      if (column_at(data, "Severity") && column_at(data, "StatusDescription")) {
        KC_CHECK_OK(check_status(data, "Severity", "StatusDescription", tables));
      }
    }
  }
  return std::move(all.front());
}

// One v2 answer, frame by frame; only the first primary table is kept.
class FrameReader {
 public:
  explicit FrameReader(const std::vector<std::string>& tables) : tables_(tables) {}

  Result<void> take(json& frame) {
    const std::string type = text_member(frame, "FrameType");
    if (completed_) return malformed("a frame after the last");
    if (!header_ && type != "DataSetHeader") return malformed("no header");
    if (type == "DataSetHeader") return header(frame);
    if (type == "DataTable") return data_table(frame);
    if (type == "TableHeader") return table_header(frame);
    if (type == "TableFragment") return table_fragment(frame);
    if (type == "TableCompletion") return table_completion(frame);
    if (type == "TableProgress") return {};
    if (type == "DataSetCompletion") return completion(frame);
    return malformed("a frame of an unknown type");
  }

  Result<RawTable> finish() {
    if (!completed_) return malformed("it ends in the middle");
    if (open_) return malformed("a table without an end");
    if (!primary_) return malformed("no primary table");
    return std::move(*primary_);
  }

 private:
  Result<void> header(const json& frame) {
    if (header_) return malformed("a second header");
    const std::string version = text_member(frame, "Version");
    if (version != "v2.0") return malformed("an unknown version");
    header_ = true;
    return {};
  }

  Result<void> data_table(json& frame) {
    const std::string kind = text_member(frame, "TableKind");
    const bool primary = kind == "PrimaryResult" && !primary_;
    if (!primary && kind != "QueryCompletionInformation" && kind != "PrimaryResult") return {};
    KC_TRY(RawTable data, read_table(frame, tables_));
    if (kind == "QueryCompletionInformation")
      return check_status(data, "Level", "Payload", tables_);
    if (primary) primary_ = std::move(data);
    return {};
  }

  Result<void> table_header(const json& frame) {
    if (open_) return malformed("a table inside a table");
    open_ = true;
    keep_ = text_member(frame, "TableKind") == "PrimaryResult" && !primary_;
    table_id_ = id_of(frame);
    if (!keep_) return {};
    primary_.emplace();
    return read_columns(frame, *primary_);
  }

  Result<void> table_fragment(json& frame) {
    if (!open_ || id_of(frame) != table_id_) return malformed("a fragment of no table");
    if (!keep_) return {};
    const std::string type = text_member(frame, "TableFragmentType");
    if (type == "DataReplace") {
      primary_->rows.clear();
    } else if (type != "DataAppend") {
      return malformed("a fragment of an unknown type");
    }
    return read_rows(frame, *primary_, tables_);
  }

  Result<void> table_completion(const json& frame) {
    if (!open_ || id_of(frame) != table_id_) return malformed("an end of no table");
    open_ = false;
    if (auto error = one_api_errors(frame, tables_)) return fail(std::move(*error));
    const json* rows = member(frame, "RowCount");
    if (keep_ && rows != nullptr && rows->is_number_unsigned() &&
        rows->get<std::size_t>() != primary_->rows.size()) {
      return malformed("another number of rows than announced");
    }
    return {};
  }

  Result<void> completion(const json& frame) {
    completed_ = true;
    if (auto error = one_api_errors(frame, tables_)) return fail(std::move(*error));
    const json* errors = member(frame, "HasErrors");
    const json* cancelled = member(frame, "Cancelled");
    if (errors == nullptr || !errors->is_boolean())
      return malformed("a completion that does not say whether there were errors");
    if (errors->get<bool>()) return malformed("errors that are not named");
    if (cancelled != nullptr && *cancelled == true) {
      return fail(ErrorKind::unavailable, "kusto.unavailable",
                  "the query was cancelled on the cluster");
    }
    return {};
  }

  static std::int64_t id_of(const json& frame) {
    const json* id = member(frame, "TableId");
    return id != nullptr && id->is_number_integer() ? id->get<std::int64_t>() : -1;
  }

  const std::vector<std::string>& tables_;
  std::optional<RawTable> primary_;
  bool header_ = false, completed_ = false, open_ = false, keep_ = false;
  std::int64_t table_id_ = -1;
};

Result<RawTable> read_v2_answer(json& answer, const std::vector<std::string>& tables) {
  if (!answer.is_array()) {
    if (member(answer, "error") != nullptr) return fail(reported(answer, tables));
    return malformed("not a list of frames");
  }
  FrameReader reader(tables);
  for (json& frame : answer) KC_CHECK_OK(reader.take(frame));
  return reader.finish();
}

}  // namespace

Result<RawTable> read_v1(std::string_view body, const std::vector<std::string>& tables) {
  auto answer = parse_json(body, kAnswerDepthMax);
  if (!answer) return malformed("no JSON, or nested too deeply");
  return read_v1_answer(*answer, tables);
}

Result<RawTable> read_v2(std::string_view body, const std::vector<std::string>& tables) {
  auto answer = parse_json(body, kAnswerDepthMax);
  if (!answer) return malformed("no JSON, or nested too deeply");
  return read_v2_answer(*answer, tables);
}

}  // namespace kc::kusto
