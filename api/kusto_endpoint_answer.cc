#include "api/kusto_endpoint_answer.h"

#include <nlohmann/json.hpp>

namespace kc::api {
namespace {

using nlohmann::ordered_json;

constexpr const char* kNil = "00000000-0000-0000-0000-000000000000";

std::string_view dotnet_name(ScalarType type) {
  switch (type) {
    case ScalarType::bool_:
      return "Boolean";
    case ScalarType::int_:
      return "Int32";
    case ScalarType::long_:
      return "Int64";
    case ScalarType::real_:
      return "Double";
    case ScalarType::decimal_:
      return "SqlDecimal";
    case ScalarType::datetime_:
      return "DateTime";
    case ScalarType::timespan_:
      return "TimeSpan";
    case ScalarType::guid_:
      return "Guid";
    case ScalarType::string_:
      return "String";
    default:
      return "Object";
  }
}

// `"Columns":[…]`; v1 carries the .NET type as well.
std::string columns_json(const std::vector<Column>& columns, bool v1) {
  std::string json = "\"Columns\":[";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    json += i > 0 ? ",{\"ColumnName\":" : "{\"ColumnName\":";
    engine::append_json_string(json, columns[i].name);
    if (v1) json += ",\"DataType\":\"" + std::string(dotnet_name(columns[i].type)) + "\"";
    json += ",\"ColumnType\":\"" + std::string(to_string(columns[i].type)) + "\"}";
  }
  return json + "]";
}

struct Failing {
  std::string_view code, type;
  int status;
  bool permanent;
};

Failing failing(const Error& error) {
  const auto& service = error.service_code;
  if (service == "ControlCommandThrottled") {
    return {"TooManyRequests", "Kusto.Common.Svc.Exceptions.ControlCommandThrottledException", 429,
            false};
  }
  if (service == "QueryThrottled") {
    return {"TooManyRequests", "Kusto.Common.Svc.Exceptions.QueryThrottledException", 429, false};
  }
  if (service == "LimitsExceeded") {
    return {"LimitsExceeded",
            "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException", 400,
            false};
  }
  if (service == "BadRequest_DatabaseNotExist")
    return {service, "Kusto.Data.Exceptions.DatabaseNotFoundException", 400, true};
  if (service == "BadRequest_TableNotExist")
    return {service, "Kusto.Data.Exceptions.TableNotFoundException", 400, true};
  if (service.starts_with("SYN"))
    return {"BadRequest_SyntaxError", "Kusto.Data.Exceptions.SyntaxException", 400, true};
  if (service.starts_with("SEM"))
    return {"General_BadRequest", "Kusto.Data.Exceptions.SemanticException", 400, true};
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::not_found:
      return {service.empty() ? "General_BadRequest" : std::string_view(service),
              "Kusto.Data.Exceptions.KustoBadRequestException", 400, true};
    case ErrorKind::conflict:
      return {"Conflict", "Kusto.Data.Exceptions.KustoConflictException", 409, true};
    case ErrorKind::denied:
      return {"Forbidden", "Kusto.Data.Exceptions.KustoRequestDeniedException", 403, true};
    case ErrorKind::throttled:
      return {"TooManyRequests",
              "Kusto.Data.Exceptions.KustoServicePartialQueryFailureLowMemoryConditionException",
              429, false};
    case ErrorKind::cancelled:
      return {"Timeout", "Kusto.Data.Exceptions.KustoServiceTimeoutException", 504, false};
    default:
      return {"General_InternalServerError",
              "Kusto.DataNode.Exceptions.InternalServerErrorException", 520, false};
  }
}

ordered_json error_json(const Error& error, const KustoRequest& request) {
  const auto how = failing(error);
  const auto activity = request.options.activity.text();
  const ordered_json context = {{"timestamp", request.now},
                                {"serviceAlias", request.cluster},
                                {"machineName", "KEngine000000"},
                                {"processName", "Kusto.WinSvc.Svc"},
                                {"processId", 1},
                                {"threadId", 1},
                                {"clientRequestId", request.options.client_request_id},
                                {"activityId", activity},
                                {"subActivityId", activity},
                                {"activityType", "GW.Http.CallContext"},
                                {"parentActivityId", activity},
                                {"activityStack", ""}};
  const bool language =
      error.service_code.starts_with("SEM") || error.service_code.starts_with("SYN");
  ordered_json json = {
      {"code", how.code},
      {"message", how.status == 429 ? "The request was throttled."
                                    : "Request is invalid and cannot be executed."},
      {"@type", language ? "Kusto.Data.Exceptions.KustoBadRequestException" : how.type},
      {"@message", error.message},
      {"@context", context},
      {"@permanent", how.permanent},
      {"@text", request.text},
      {"@database", request.database},
      {"@ClientRequestLogger", ""}};
  if (language) {
    json["innererror"] = {
        {"code", error.service_code},       {"message", error.message},      {"@type", how.type},
        {"@message", error.message},        {"@context", context},           {"@permanent", true},
        {"@errorCode", error.service_code}, {"@errorMessage", error.message}};
  }
  return ordered_json{{"error", json}};
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string v1_table(const std::string& name, const engine::ResultTable& table,
                     const std::string& exception) {
  std::string json = "{\"TableName\":" + dump(name) + "," + columns_json(table.columns, true) +
                     ",\"Rows\":[" + table.rows;
  if (!exception.empty())
    json += (table.rows.empty() ? "" : ",") + ("{\"Exceptions\":[" + dump(exception) + "]}");
  return json + "]}";
}

engine::ResultTable extended_properties_v1(const engine::DataSet& answer) {
  engine::RowTable rows{{{"Value", ScalarType::string_}},
                        {{engine::text_value("{\"Visualization\":null}")}}};
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
  const bool failed = answer.partial.has_value();
  rows.rows.push_back({at ? engine::Value(at->value) : engine::Value(),
                       std::int64_t{failed ? 2 : 4}, engine::text_value(failed ? "Error" : "Info"),
                       std::int64_t{failed ? -2133196797 : 0},
                       engine::text_value(failed ? std::string_view(answer.partial->message)
                                                 : "Query completed successfully"),
                       std::int64_t{1}, activity, activity, activity,
                       engine::text_value(request.options.client_request_id)});
  return engine::encode(rows);
}

std::string frame_table(int id, std::string_view kind, const std::string& name,
                        const engine::ResultTable& table, const std::string& error) {
  std::string json = "{\"FrameType\":\"DataTable\",\"TableId\":" + std::to_string(id) +
                     ",\"TableKind\":\"" + std::string(kind) + "\",\"TableName\":" + dump(name) +
                     "," + columns_json(table.columns, false) + ",\"Rows\":[";
  json += table.rows;
  if (!error.empty())
    json += (table.rows.empty() ? "" : ",") + ("{\"OneApiErrors\":[" + error + "]}");
  return json + "]}";
}

engine::ResultTable extended_properties_v2(const engine::DataSet& answer) {
  engine::RowTable rows{{{"TableId", ScalarType::int_},
                         {"Key", ScalarType::string_},
                         {"Value", ScalarType::dynamic_}},
                        {}};
  for (std::size_t i = 0; i < answer.tables.size(); ++i) {
    rows.rows.push_back({static_cast<std::int64_t>(i + 1), engine::text_value("Visualization"),
                         engine::text_value(dump("{\"Visualization\":null}"))});
  }
  if (!answer.cursor.empty()) {
    rows.rows.push_back(
        {std::int64_t{1}, engine::text_value("Cursor"), engine::text_value(dump(answer.cursor))});
  }
  return engine::encode(rows);
}

engine::ResultTable completion_information(const engine::DataSet& answer,
                                           const KustoRequest& request) {
  using enum ScalarType;
  engine::RowTable rows{{{"Timestamp", datetime_},
                         {"ClientRequestId", string_},
                         {"ActivityId", guid_},
                         {"SubActivityId", guid_},
                         {"ParentActivityId", guid_},
                         {"Level", int_},
                         {"LevelName", string_},
                         {"StatusCode", int_},
                         {"StatusCodeName", string_},
                         {"EventType", int_},
                         {"EventTypeName", string_},
                         {"Payload", string_}},
                        {}};
  const auto at = parse_datetime(request.now);
  const auto activity = engine::guid_value(request.options.activity);
  const auto add = [&](std::int64_t level, std::string_view name, std::int64_t event,
                       std::string_view event_name, const std::string& payload) {
    rows.rows.push_back({at ? engine::Value(at->value) : engine::Value(),
                         engine::text_value(request.options.client_request_id), activity, activity,
                         activity, level, engine::text_value(name), std::int64_t{0},
                         engine::text_value("S_OK (0)"), event, engine::text_value(event_name),
                         engine::text_value(payload)});
  };
  std::int64_t count = 0;
  for (const auto& table : answer.tables) count += table.row_count;
  add(4, "Info", 4, "QueryInfo", R"({"Count":1,"Text":"Query completed successfully"})");
  add(6, "Stats", 0, "QueryResourceConsumption",
      dump({{"dataset_statistics", {{{"table_row_count", count}}}}}));
  return engine::encode(rows);
}

}  // namespace

std::string v1_command_answer(const engine::DataSet& answer) {
  std::string json = "{\"Tables\":[";
  for (std::size_t i = 0; i < answer.tables.size(); ++i) {
    if (i > 0) json += ',';
    json += v1_table("Table_" + std::to_string(i), answer.tables[i], {});
  }
  return json + "]}";
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
    contents.rows.push_back({ordinal++, engine::text_value(kind), engine::text_value(name),
                             engine::text_value(kNil), engine::text_value("")});
  };
  const auto message = answer.partial ? answer.partial->message : std::string();
  for (const auto& table : answer.tables) {
    add("QueryResult", "PrimaryResult", table,
        &table == &answer.tables.back() ? message : std::string());
  }
  add("QueryProperties", "@ExtendedProperties", extended_properties_v1(answer), {});
  add("QueryStatus", "QueryStatus", query_status(answer, request), {});
  json += "," + v1_table("Table_" + std::to_string(ordinal), engine::encode(contents), {}) + "]";
  if (!message.empty()) json += ",\"Exceptions\":[" + dump(message) + "]";
  return json + "}";
}

std::string v2_query_answer(const engine::DataSet& answer, const KustoRequest& request) {
  std::string json =
      R"([{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0","IsFragmented":false,"ErrorReportingPlacement":"InData"})";
  const std::string error =
      answer.partial ? dump(error_json(*answer.partial, request)) : std::string();
  int id = 0;
  json += ",\n" + frame_table(id++, "QueryProperties", "@ExtendedProperties",
                              extended_properties_v2(answer), {});
  for (const auto& table : answer.tables) {
    json += ",\n" + frame_table(id++, "PrimaryResult", "PrimaryResult", table,
                                &table == &answer.tables.back() ? error : std::string());
  }
  if (answer.partial) {
    return json +
           ",\n{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":true,\"Cancelled\":false,"
           "\"OneApiErrors\":[" +
           error + "]}]";
  }
  json += ",\n" + frame_table(id, "QueryCompletionInformation", "QueryCompletionInformation",
                              completion_information(answer, request), {});
  return json + ",\n{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":false,\"Cancelled\":false}]";
}

KustoFailure failure_answer(const Error& error, const KustoRequest& request) {
  return {failing(error).status, dump(error_json(error, request))};
}

}  // namespace kc::api
