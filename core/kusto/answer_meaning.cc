#include "core/kusto/answer_meaning.h"

#include <optional>
#include <utility>

#include "core/kusto/json_answer.h"

namespace kc::kusto {

using nlohmann::json;

namespace {

constexpr int kFailureSeverityMax = 2;  // of a QueryStatus or completion row: 1 critical, 2 error

Failure malformed(const std::string& what) { return fail(malformed_answer(what)); }

constexpr const char* kInsideSuccess = "the cluster answered with an error inside a success";

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

Result<std::vector<AnswerColumn>> read_columns(const json& table) {
  const json* columns = member(table, "Columns");
  if (columns == nullptr || !columns->is_array()) return malformed("a table without columns");
  if (columns->size() > kTableColumnsMax) return malformed("a table with too many columns");
  std::vector<AnswerColumn> read;
  for (const json& column : *columns)
    read.push_back({text_member(column, "ColumnName"), type_of(column)});
  return read;
}

std::optional<std::size_t> column_at(const std::vector<AnswerColumn>& columns,
                                     std::string_view name) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  return std::nullopt;
}

// With `deferpartialqueryfailures`, and in v1's QueryStatus, an error shows only as a row of
// severity 2 or less.
struct StatusRows {
  std::size_t severity;
  std::optional<std::size_t> text;

  std::optional<Error> judge(std::span<const AnswerValue> row,
                             const std::vector<std::string>& tables) const {
    const AnswerValue& level = row[severity];
    if (level.kind == AnswerValue::Kind::large) return std::nullopt;
    if (level.kind != AnswerValue::Kind::integer)
      return malformed_answer("a status row without a number");
    if (level.integer > kFailureSeverityMax) return std::nullopt;
    ServiceError error;
    const bool told = text && row[*text].kind == AnswerValue::Kind::text;
    error.message = told ? std::string(row[*text].text) : "the query failed";
    error.permanent_known = true;
    return classify(error, tables).in(kInsideSuccess);
  }
};

struct TableInHand {
  std::vector<AnswerColumn> columns = {};
  std::optional<StatusRows> status = {};  // where it is a table of status rows
  std::size_t rows = 0;
  bool to_sink = false;
};

// What both versions share: a table at a time, and who its rows go to.
class Tables : public AnswerMeaning {
 public:
  Tables(std::vector<std::string> tables, RowSink& rows)
      : tables_(std::move(tables)), sink_(rows) {}

  std::size_t width() const override { return table_.columns.size(); }

  Result<void> row(std::span<const AnswerValue> values) override {
    ++table_.rows;
    if (table_.status && !status_error_) status_error_ = table_.status->judge(values, tables_);
    return table_.to_sink ? sink_.row(values) : Result<void>();
  }

  Result<void> row_that_is_an_object(const json& row) override {
    if (auto error = one_api_errors(row)) return fail(std::move(*error));
    if (auto error = exceptions(row)) return fail(std::move(*error));
    return malformed("a row that is not a list");
  }

 protected:
  Error reported(const json& error) const {
    Error made = classify(read_service_error(error), tables_);
    if (made.message.empty()) made.message = "the cluster reported an error without a reason";
    return std::move(made).in(kInsideSuccess);
  }

  // `OneApiErrors` of a row, a frame or the whole answer.
  std::optional<Error> one_api_errors(const json& holder) const {
    const json* errors = member(holder, "OneApiErrors");
    if (errors == nullptr || (errors->is_array() && errors->empty())) return std::nullopt;
    return reported(errors->is_array() ? errors->front() : *errors);
  }

  std::optional<Error> exceptions(const json& holder) const {
    const json* found = member(holder, "Exceptions");
    if (found == nullptr || found->is_null() || (found->is_array() && found->empty()))
      return std::nullopt;
    const json& first = found->is_array() ? found->front() : *found;
    ServiceError error;
    error.message = first.is_string() ? first.get<std::string>()
                                      : std::string("the cluster reported an exception");
    // A bare text says nothing of permanence, and part of the work may be done.
    error.permanent_known = true;
    return classify(error, tables_).in(kInsideSuccess);
  }

  // The next rows are of these columns; to the sink where they are the primary table's.
  Result<void> open(std::vector<AnswerColumn> columns, bool to_sink) {
    table_ = {.columns = std::move(columns), .to_sink = to_sink};
    return to_sink ? sink_.columns(table_.columns) : Result<void>();
  }

  const std::vector<std::string> tables_;
  RowSink& sink_;
  TableInHand table_;
  std::optional<Error> status_error_;  // the first
};

class V1 final : public Tables {
 public:
  using Tables::Tables;

  Result<Rows> begin_rows(const json& table, bool complete) override {
    if (!complete && !table.contains("Columns")) return Rows::not_known_yet;
    KC_TRY(auto columns, read_columns(table));
    KC_CHECK_OK(open(std::move(columns), count_++ == 0));
    const auto severity = column_at(table_.columns, "Severity");
    const auto text = column_at(table_.columns, "StatusDescription");
    if (severity && text) table_.status = StatusRows{*severity, text};
    return Rows::wanted;
  }

  Result<void> end_table(const json& table, bool had_rows) override {
    if (had_rows) return {};
    KC_CHECK_OK(read_columns(table));
    return malformed("a table without rows");
  }

  // First the rows, which say more, then the lists at the top.
  Result<void> end(const json& around) override {
    if (count_ == 0) {
      if (member(around, "error") != nullptr) return fail(reported(around));
      if (auto error = exceptions(around)) return fail(std::move(*error));
      return malformed("no tables");
    }
    if (auto error = exceptions(around)) return fail(std::move(*error));
    if (auto error = one_api_errors(around)) return fail(std::move(*error));
    // A query's: the last is the table of contents, and names the status.
    if (count_ >= 3 && status_error_) return fail(std::move(*status_error_));
    return {};
  }

 private:
  int count_ = 0;
};

class V2 final : public Tables {
 public:
  using Tables::Tables;

  Result<Rows> begin_rows(const json& frame, bool complete) override {
    if (!complete && !frame.contains("FrameType")) return Rows::not_known_yet;
    const std::string type = text_member(frame, "FrameType");
    KC_CHECK_OK(in_order(type));
    if (type == "DataTable") return data_table(frame, complete);
    if (type == "TableFragment") return table_fragment(frame, complete);
    return Rows::not_wanted;
  }

  Result<void> end_table(const json& frame, bool had_rows) override {
    const std::string type = text_member(frame, "FrameType");
    KC_CHECK_OK(in_order(type));
    if (type == "DataSetHeader") return header(frame);
    if (type == "DataTable") {
      if (outer_) table_ = *std::exchange(outer_, std::nullopt);
      return end_of_rows(had_rows || !is_read(frame));
    }
    if (type == "TableHeader") return table_header(frame);
    if (type == "TableFragment") {
      KC_CHECK_OK(check_fragment(frame));
      return end_of_rows(had_rows || !keep_);
    }
    if (type == "TableCompletion") return table_completion(frame);
    if (type == "TableProgress") return {};
    if (type == "DataSetCompletion") return completion(frame);
    return malformed("a frame of an unknown type");
  }

  Result<void> end(const json& around) override {
    if (!around.is_null()) {
      if (member(around, "error") != nullptr) return fail(reported(around));
      return malformed("not a list of frames");
    }
    if (!completed_) return malformed("it ends in the middle");
    if (open_) return malformed("a table without an end");
    if (!primary_) return malformed("no primary table");
    return {};
  }

 private:
  Result<void> in_order(const std::string& type) const {
    if (completed_) return malformed("a frame after the last");
    if (!header_ && type != "DataSetHeader") return malformed("no header");
    return {};
  }

  static bool is_read(const json& frame) {
    const std::string kind = text_member(frame, "TableKind");
    return kind == "PrimaryResult" || kind == "QueryCompletionInformation";
  }

  Result<void> end_of_rows(bool as_expected) {
    if (!as_expected) return malformed("a table without rows");
    if (status_error_) return fail(std::move(*status_error_));
    return {};
  }

  Result<void> header(const json& frame) {
    if (header_) return malformed("a second header");
    if (text_member(frame, "Version") != "v2.0") return malformed("an unknown version");
    header_ = true;
    return {};
  }

  Result<Rows> data_table(const json& frame, bool complete) {
    if (!complete && !frame.contains("TableKind")) return Rows::not_known_yet;
    if (!is_read(frame)) return Rows::not_wanted;
    if (!complete && !frame.contains("Columns")) return Rows::not_known_yet;
    const bool status = text_member(frame, "TableKind") == "QueryCompletionInformation";
    KC_TRY(auto columns, read_columns(frame));
    const bool first = !status && !primary_;
    if (first) primary_ = true;
    if (open_) outer_ = std::move(table_);  // its fragments go on afterwards
    KC_CHECK_OK(open(std::move(columns), first));
    if (status) {
      const auto severity = column_at(table_.columns, "Level");
      if (!severity) return malformed("a status table without Level");
      table_.status = StatusRows{*severity, column_at(table_.columns, "Payload")};
    }
    return Rows::wanted;
  }

  Result<void> table_header(const json& frame) {
    if (open_) return malformed("a table inside a table");
    open_ = true;
    keep_ = text_member(frame, "TableKind") == "PrimaryResult" && !primary_;
    table_id_ = id_of(frame);
    if (!keep_) return {};
    primary_ = true;
    KC_TRY(auto columns, read_columns(frame));
    return open(std::move(columns), true);
  }

  Result<void> check_fragment(const json& frame) const {
    if (!open_ || id_of(frame) != table_id_) return malformed("a fragment of no table");
    if (!keep_) return {};
    const std::string type = text_member(frame, "TableFragmentType");
    if (type != "DataReplace" && type != "DataAppend")
      return malformed("a fragment of an unknown type");
    return {};
  }

  Result<Rows> table_fragment(const json& frame, bool complete) {
    if (!complete && (!frame.contains("TableId") || !frame.contains("TableFragmentType")))
      return Rows::not_known_yet;
    KC_CHECK_OK(check_fragment(frame));
    if (!keep_) return Rows::not_wanted;
    if (text_member(frame, "TableFragmentType") == "DataReplace") {
      table_.rows = 0;
      sink_.clear();
    }
    return Rows::wanted;
  }

  Result<void> table_completion(const json& frame) {
    if (!open_ || id_of(frame) != table_id_) return malformed("an end of no table");
    open_ = false;
    if (auto error = one_api_errors(frame)) return fail(std::move(*error));
    const json* rows = member(frame, "RowCount");
    if (keep_ && rows != nullptr && rows->is_number_integer() && *rows != table_.rows)
      return malformed("another number of rows than announced");
    return {};
  }

  Result<void> completion(const json& frame) {
    completed_ = true;
    if (auto error = one_api_errors(frame)) return fail(std::move(*error));
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

  bool header_ = false, completed_ = false, primary_ = false, open_ = false, keep_ = false;
  std::int64_t table_id_ = -1;
  std::optional<TableInHand> outer_;  // of fragments, while a whole table stands among them
};

}  // namespace

std::unique_ptr<AnswerMeaning> meaning_of(AnswerFormat format, std::vector<std::string> tables,
                                          RowSink& rows) {
  if (format == AnswerFormat::v1) return std::make_unique<V1>(std::move(tables), rows);
  return std::make_unique<V2>(std::move(tables), rows);
}

}  // namespace kc::kusto
