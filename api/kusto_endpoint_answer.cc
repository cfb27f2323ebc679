#include "api/kusto_endpoint_answer.h"

#include "core/base/json.h"
#include "core/engine/syntax/literal.h"

namespace kc::api {
namespace {

constexpr const char* kNil = "00000000-0000-0000-0000-000000000000";
constexpr std::int64_t kTooLarge = -2133196797;  // 0x80DA0003

std::string v1_table(const std::string& name, const engine::ResultTable& table,
                     const std::string& exception) {
  std::string json = "{\"TableName\":" + json_text(name) + "," + columns_json(table.columns, true) +
                     ",\"Rows\":[" + table.rows;
  if (!exception.empty())
    json += (table.rows.empty() ? "" : ",") + ("{\"Exceptions\":[" + json_text(exception) + "]}");
  return json + "]}";
}

engine::ResultTable extended_properties(const engine::DataSet& answer) {
  engine::RowTable rows{{{"Value", ScalarType::string_}},
                        {{engine::text_value(visualization_json())}}};
  if (!answer.cursor.empty())
    rows.rows.push_back({engine::text_value("{\"Cursor\":\"" + answer.cursor + "\"}")});
  return engine::encode(rows);
}

engine::ResultTable query_status(const engine::DataSet& answer, const KustoRequest& request) {
  using enum ScalarType;
  engine::RowTable rows{{{"Timestamp", datetime_},
                         {"Severity", int_},
                         {"SeverityName", string_},
                         {"StatusCode", int_},
                         {"StatusDescription", string_},
                         {"Count", int_},
                         {"RequestId", guid_},
                         {"ActivityId", guid_},
                         {"SubActivityId", guid_},
                         {"ClientActivityId", string_}},
                        {}};
  const auto activity = engine::guid_value(request.options.activity);
  const auto at = parse_datetime(request.now);
  const auto add = [&](std::int64_t severity, std::string_view name, std::int64_t code,
                       std::string_view text) {
    rows.rows.push_back({at ? engine::Value(at->value) : engine::Value(), severity,
                         engine::text_value(name), code, engine::text_value(text), std::int64_t{1},
                         activity, activity, activity,
                         engine::text_value(request.options.client_request_id)});
  };
  if (answer.partial)
    add(2, "Error", kTooLarge, answer.partial->message);
  else
    add(4, "Info", 0, "Query completed successfully");
  std::int64_t count = 0;
  for (const auto& table : answer.tables) count += table.row_count;
  add(6, "Stats", 0,
      "{\"dataset_statistics\":[{\"table_row_count\":" + std::to_string(count) + "}]}");
  return engine::encode(rows);
}

bool deferred(const engine::DataSet& answer) {
  return answer.options != nullptr && answer.options->defer_partial_failures;
}

}  // namespace

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string columns_json(const std::vector<Column>& columns, bool v1) {
  std::string json = "\"Columns\":[";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    json += i > 0 ? ",{\"ColumnName\":" : "{\"ColumnName\":";
    engine::append_json_string(json, columns[i].name);
    if (v1) json += ",\"DataType\":\"" + std::string(engine::dotnet_name(columns[i].type)) + "\"";
    json += ",\"ColumnType\":\"" + std::string(to_string(columns[i].type)) + "\"}";
  }
  return json + "]";
}

std::string visualization_json() {
  return R"({"Visualization":null,"Title":null,"XColumn":null,"Series":null,"YColumns":null,)"
         R"("AnomalyColumns":null,"XTitle":null,"YTitle":null,"XAxis":null,"YAxis":null,)"
         R"("Legend":null,"YSplit":null,"Accumulate":false,"IsQuerySorted":false,"Kind":null,)"
         R"("Ymin":"NaN","Ymax":"NaN","Xmin":null,"Xmax":null})";
}

std::string v1_command_answer(const engine::DataSet& answer) {
  const auto message = answer.partial ? answer.partial->message : std::string();
  std::string json = "{\"Tables\":[";
  for (std::size_t i = 0; i < answer.tables.size(); ++i) {
    if (i > 0) json += ',';
    const bool last = i + 1 == answer.tables.size();
    json += v1_table("Table_" + std::to_string(i), answer.tables[i], last ? message : "");
  }
  json += "]";
  if (!message.empty()) json += ",\"Exceptions\":[" + json_text(message) + "]";
  return json + "}";
}

std::string v1_query_answer(const engine::DataSet& answer, const KustoRequest& request) {
  using enum ScalarType;
  engine::RowTable contents{{{"Ordinal", long_},
                             {"Kind", string_},
                             {"Name", string_},
                             {"Id", string_},
                             {"PrettyName", string_}},
                            {}};
  std::string json = "{\"Tables\":[";
  std::int64_t ordinal = 0;
  const auto add = [&](std::string_view kind, std::string_view name,
                       const engine::ResultTable& table, const std::string& exception) {
    if (ordinal > 0) json += ',';
    json += v1_table("Table_" + std::to_string(ordinal), table, exception);
    const bool status = kind == "QueryStatus";
    contents.rows.push_back(
        {ordinal++, engine::text_value(kind), engine::text_value(name),
         engine::text_value(status ? std::string(kNil) : request.options.activity.text()),
         engine::text_value("")});
  };
  const auto message =
      answer.partial && !deferred(answer) ? answer.partial->message : std::string();
  for (const auto& table : answer.tables) {
    add("QueryResult", "PrimaryResult", table,
        &table == &answer.tables.back() ? message : std::string());
  }
  add("QueryProperties", "@ExtendedProperties", extended_properties(answer), {});
  add("QueryStatus", "QueryStatus", query_status(answer, request), {});
  json += "," + v1_table("Table_" + std::to_string(ordinal), engine::encode(contents), {}) + "]";
  if (!message.empty()) json += ",\"Exceptions\":[" + json_text(message) + "]";
  return json + "}";
}

}  // namespace kc::api
