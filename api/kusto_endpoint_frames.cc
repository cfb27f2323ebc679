// The v2 answer: an array of frames, whole tables or tables in pieces.
#include "api/kusto_endpoint_answer.h"

namespace kc::api {
namespace {

constexpr std::int64_t kTooLarge = -2133196797;     // 0x80DA0003
constexpr std::size_t kFragmentBytes = 256u << 10;  // one fragment, about

std::string_view placement_name(engine::ErrorPlacement placement) {
  switch (placement) {
    case engine::ErrorPlacement::end_of_table:
      return "EndOfTable";
    case engine::ErrorPlacement::end_of_dataset:
      return "EndOfDataset";
    default:
      return "InData";
  }
}

class Frames {
 public:
  Frames(const engine::DataSet& answer, const KustoRequest& request)
      : answer_(answer),
        request_(request),
        options_(answer.options ? *answer.options : request.options),
        fragmented_(options_.progressive || options_.fragment_primary_tables),
        deferred_(options_.defer_partial_failures) {
    if (answer.partial) error_ = one_api_error(*answer.partial, request);
  }

  std::string write() {
    header();
    table("QueryProperties", "@ExtendedProperties", properties(), {});
    for (const auto& result : answer_.tables) {
      // The last table is the one that was cut short.
      const bool failed = told() && &result == &answer_.tables.back();
      fragmented_ ? fragments(result, failed)
                  : table("PrimaryResult", "PrimaryResult", result,
                          failed && in_data() ? error_ : std::string());
    }
    if (!told() || !in_data())
      table("QueryCompletionInformation", "QueryCompletionInformation", information(), {});
    begin("DataSetCompletion");
    out_ += told() ? ",\"HasErrors\":true,\"Cancelled\":false,\"OneApiErrors\":[" + error_ + "]}"
                   : ",\"HasErrors\":false,\"Cancelled\":false}";
    if (options_.newlines_between_frames) out_ += "\r\n";
    return std::move(out_) + "]";
  }

 private:
  bool told() const { return !error_.empty() && !deferred_; }
  bool in_data() const { return options_.error_placement == engine::ErrorPlacement::in_data; }

  void begin(std::string_view type) {
    if (out_.empty())
      out_ = "[";
    else
      out_ += options_.newlines_between_frames ? "\r\n," : ",";
    out_ += "{\"FrameType\":\"" + std::string(type) + "\"";
  }

  void header() {
    begin("DataSetHeader");
    out_ += std::string(",\"IsProgressive\":") + (options_.progressive ? "true" : "false") +
            ",\"Version\":\"v2.0\",\"IsFragmented\":" + (fragmented_ ? "true" : "false") +
            ",\"ErrorReportingPlacement\":\"" +
            std::string(placement_name(options_.error_placement)) + "\"}";
  }

  void describe(std::string_view kind, const std::string& name, const engine::ResultTable& of) {
    out_ += ",\"TableId\":" + std::to_string(id_) + ",\"TableKind\":\"" + std::string(kind) +
            "\",\"TableName\":" + json_text(name) + "," + columns_json(of.columns, false);
  }

  static std::string in_rows(bool first, const std::string& error) {
    return (first ? "" : ",") + ("{\"OneApiErrors\":[" + error + "]}");
  }

  void table(std::string_view kind, const std::string& name, const engine::ResultTable& of,
             const std::string& error) {
    begin("DataTable");
    describe(kind, name, of);
    out_ += ",\"Rows\":[" + of.rows;
    if (!error.empty()) out_ += in_rows(of.rows.empty(), error);
    out_ += "]}";
    ++id_;
  }

  void fragment(std::string_view rows, const std::string& error) {
    begin("TableFragment");
    out_ +=
        ",\"TableFragmentType\":\"DataAppend\",\"TableId\":" + std::to_string(id_) + ",\"Rows\":[";
    out_ += rows;
    if (!error.empty()) out_ += in_rows(rows.empty(), error);
    out_ += "]}";
  }

  void fragments(const engine::ResultTable& of, bool failed) {
    begin("TableHeader");
    describe("PrimaryResult", "PrimaryResult", of);
    out_ += "}";
    const std::string_view rows = of.rows;
    std::size_t from = 0;
    const auto cut = [&](std::size_t to) {
      if (to <= from) return;
      fragment(rows.substr(from, to - from), {});
      if (options_.progressive) {
        begin("TableProgress");
        out_ += ",\"TableId\":" + std::to_string(id_) +
                ",\"TableProgress\":" + std::to_string(100 * to / rows.size()) + "}";
      }
      from = std::min(to + 1, rows.size());  // past the comma
    };
    for (const std::size_t at : of.breaks) {
      if (at > from + kFragmentBytes) cut(at);
    }
    cut(rows.size());
    if (failed && in_data()) fragment({}, error_);
    begin("TableCompletion");
    out_ += ",\"TableId\":" + std::to_string(id_) + ",\"RowCount\":" + std::to_string(of.row_count);
    if (failed && options_.error_placement == engine::ErrorPlacement::end_of_table)
      out_ += ",\"OneApiErrors\":[" + error_ + "]";
    out_ += "}";
    ++id_;
  }

  engine::ResultTable properties() const {
    engine::RowTable rows{{{"TableId", ScalarType::int_},
                           {"Key", ScalarType::string_},
                           {"Value", ScalarType::dynamic_}},
                          {}};
    for (std::size_t i = 0; i < answer_.tables.size(); ++i) {
      rows.rows.push_back({static_cast<std::int64_t>(i + 1), engine::text_value("Visualization"),
                           engine::text_value(json_text(visualization_json()))});
    }
    if (!answer_.cursor.empty()) {
      rows.rows.push_back({std::int64_t{1}, engine::text_value("Cursor"),
                           engine::text_value(json_text(answer_.cursor))});
    }
    return engine::encode(rows);
  }

  engine::ResultTable information() const {
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
    const auto at = parse_datetime(request_.now);
    const auto activity = engine::guid_value(request_.options.activity);
    const auto add = [&](std::int64_t level, std::string_view name, std::int64_t code,
                         std::string_view code_name, std::int64_t event,
                         std::string_view event_name, std::string_view payload) {
      rows.rows.push_back({at ? engine::Value(at->value) : engine::Value(),
                           engine::text_value(request_.options.client_request_id), activity,
                           activity, activity, level, engine::text_value(name), code,
                           engine::text_value(code_name), event, engine::text_value(event_name),
                           engine::text_value(payload)});
    };
    std::int64_t count = 0;
    for (const auto& result : answer_.tables) count += result.row_count;
    if (answer_.partial) {
      add(2, "Error", kTooLarge,
          "Query result set too large (E_QUERY_RESULT_SET_TOO_LARGE). (-2133196797)", 1,
          "QueryLimitsExceeded",
          "{\"Count\":1,\"Text\":" + json_text(answer_.partial->message) + "}");
    } else {
      add(4, "Info", 0, "S_OK (0)", 4, "QueryInfo",
          R"({"Count":1,"Text":"Query completed successfully"})");
    }
    add(4, "Info", 0, "S_OK (0)", 5, "WorkloadGroup", R"({"Count":1,"Text":"default"})");
    add(6, "Stats", 0, "S_OK (0)", 0, "QueryResourceConsumption",
        "{\"dataset_statistics\":[{\"table_row_count\":" + std::to_string(count) + "}]}");
    return engine::encode(rows);
  }

  const engine::DataSet& answer_;
  const KustoRequest& request_;
  const engine::RequestOptions& options_;
  bool fragmented_, deferred_;
  std::string error_, out_;
  int id_ = 0;
};

}  // namespace

std::string v2_query_answer(const engine::DataSet& answer, const KustoRequest& request) {
  return Frames(answer, request).write();
}

}  // namespace kc::api
