// The protocol to the letter: options, frames, failures, values, bad input.
#include "tests/unit/engine/endpoint_fixture.h"

namespace kc::api {
namespace {

using nlohmann::json;

class Wire : public Endpoint {
 protected:
  static std::vector<std::string> types(const json& frames) {
    std::vector<std::string> out;
    for (const auto& frame : frames) out.push_back(frame["FrameType"]);
    return out;
  }
  static json find(const json& frames, const std::string& member, const std::string& value) {
    for (const auto& frame : frames) {
      if (frame.value(member, "") == value) return frame;
    }
    return {};
  }
};

constexpr const char* kMany = "range i from 1 to 10000 step 1";

TEST_F(Wire, WritesEveryValueAsTheServiceDoes) {
  const std::string text =
      "print real(nan), real(+inf), real(-inf), 1.5, decimal(2.00000000000001), "
      "datetime(2020-03-04 14:05:01.3109965), datetime(0001-01-01), 1d + 1s + 1001ms, -1tick, "
      "-2d - 3h, long(9223372036854775807), long(-9223372036854775808), int(-2147483648), "
      "guid(74be27de-1e4e-49d9-b579-fe0b331d3642), dynamic({\"a\":[1,{\"b\":null}],\"c\":\"x\"}), "
      "true, false, 'he said \"yes\"'";
  const auto expected = json::parse(
      R"(["NaN","Infinity","-Infinity",1.5,"2.00000000000001","2020-03-04T14:05:01.3109965Z",)"
      R"("0001-01-01T00:00:00.0000000Z","1.00:00:02.0010000","-00:00:00.0000001","-2.03:00:00",)"
      R"(9223372036854775807,-9223372036854775808,-2147483648,)"
      R"("74be27de-1e4e-49d9-b579-fe0b331d3642",{"a":[1,{"b":null}],"c":"x"},true,false,)"
      R"("he said \"yes\""])");
  EXPECT_EQ(rows(text)[0], expected) << rows(text)[0].dump();
  const auto v1 = json::parse(send("/v1/rest/query", request(text)).body);
  EXPECT_EQ(v1["Tables"][0]["Rows"][0], expected);
  EXPECT_EQ(v1["Tables"][0]["Columns"][0]["DataType"], "Double");
  EXPECT_EQ(v1["Tables"][0]["Columns"][15]["DataType"], "SByte");
  EXPECT_EQ(v1["Tables"][0]["Columns"][4]["DataType"], "SqlDecimal");
}

TEST_F(Wire, WritesNullOfEachTypeAndNoNullString) {
  EXPECT_EQ(rows("print bool(null), int(null), long(null), real(null), decimal(null), "
                 "datetime(null), timespan(null), guid(null), dynamic(null), ''")[0],
            json::parse(R"([null,null,null,null,null,null,null,null,null,""])"));
}

TEST_F(Wire, ReportsTruncationInTheDataByDefault) {
  const auto got = frames(kMany, {{"truncationmaxrecords", 3000}});
  const auto table = find(got, "TableKind", "PrimaryResult");
  ASSERT_EQ(table["Rows"].size(), 3001u);
  const auto error = table["Rows"].back()["OneApiErrors"][0]["error"];
  EXPECT_EQ(error["code"], "LimitsExceeded");
  EXPECT_EQ(error["@permanent"], false);
  EXPECT_NE(error["@message"].get<std::string>().find("80DA0003"), std::string::npos);
  EXPECT_TRUE(find(got, "TableKind", "QueryCompletionInformation").is_null());
  EXPECT_EQ(got.back()["HasErrors"], true);
  EXPECT_EQ(got.back()["OneApiErrors"][0]["error"]["code"], "LimitsExceeded");
}

TEST_F(Wire, TheLowerLimitCountsAndEndsNotruncation) {
  EXPECT_EQ(rows(kMany, {{"notruncation", true}}).size(), 10000u);
  EXPECT_EQ(rows(kMany, {{"notruncation", true}, {"truncationmaxrecords", 10}}).size(), 11u);
  EXPECT_EQ(
      rows(std::string("set truncationmaxrecords = 7; ") + kMany, {{"truncationmaxrecords", "10"}})
          .size(),
      8u);
  EXPECT_EQ(frames(kMany, {{"truncationmaxsize", 1000}}).back()["HasErrors"], true);
}

TEST_F(Wire, TakesRecordsWithoutAnError) {
  const auto got = frames(kMany, {{"query_take_max_records", 5}});
  EXPECT_EQ(find(got, "TableKind", "PrimaryResult")["Rows"].size(), 5u);
  EXPECT_EQ(got.back()["HasErrors"], false);
  EXPECT_EQ(rows(std::string("set query_take_max_records=4; ") + kMany).size(), 4u);
}

TEST_F(Wire, DefersPartialFailures) {
  const json options = {{"truncationmaxrecords", 10}, {"deferpartialqueryfailures", true}};
  const auto got = frames(kMany, options);
  EXPECT_EQ(find(got, "TableKind", "PrimaryResult")["Rows"].size(), 10u);
  EXPECT_EQ(got.back()["HasErrors"], false);
  const auto status = find(got, "TableKind", "QueryCompletionInformation")["Rows"][0];
  EXPECT_EQ(status[5], 2);
  EXPECT_EQ(status[7], -2133196797);
  const auto v1 = json::parse(send("/v1/rest/query", request(kMany, options)).body);
  EXPECT_FALSE(v1.contains("Exceptions"));
  EXPECT_EQ(v1["Tables"][0]["Rows"].size(), 10u);
  EXPECT_EQ(v1["Tables"][2]["Rows"][0][1], 2);
}

TEST_F(Wire, TellsPartialFailuresInV1) {
  const auto v1 =
      json::parse(send("/v1/rest/query", request(kMany, {{"truncationmaxrecords", 1}})).body);
  EXPECT_TRUE(v1["Exceptions"][0].is_string());
  EXPECT_TRUE(v1["Tables"][0]["Rows"][1].contains("Exceptions"));
}

TEST_F(Wire, SendsProgressiveFrames) {
  const auto got = frames(kMany, {{"results_progressive_enabled", true}});
  EXPECT_EQ(got[0]["IsProgressive"], true);
  EXPECT_EQ(got[0]["IsFragmented"], true);
  std::size_t count = 0;
  for (const auto& frame : got) {
    if (frame["FrameType"] == "TableFragment") {
      EXPECT_EQ(frame["TableFragmentType"], "DataAppend");
      for (const auto& row : frame["Rows"]) EXPECT_EQ(row[0], ++count);
    }
  }
  EXPECT_EQ(count, 10000u);
  EXPECT_EQ(find(got, "FrameType", "TableHeader")["TableKind"], "PrimaryResult");
  EXPECT_EQ(find(got, "FrameType", "TableProgress")["TableProgress"], 100);
  EXPECT_EQ(find(got, "FrameType", "TableCompletion")["RowCount"], 10000);
}

TEST_F(Wire, CutsLargeTablesIntoFragments) {
  const auto got = frames("range i from 1 to 60000 step 1 | extend s = 'some text to fill it'",
                          {{"results_v2_fragment_primary_tables", true}});
  EXPECT_EQ(got[0]["IsProgressive"], false);
  const auto names = types(got);
  EXPECT_GT(std::count(names.begin(), names.end(), "TableFragment"), 3);
  EXPECT_EQ(std::count(names.begin(), names.end(), "TableProgress"), 0);
}

TEST_F(Wire, PlacesErrorsWhereAsked) {
  json options = {{"truncationmaxrecords", 10},
                  {"results_v2_fragment_primary_tables", true},
                  {"results_error_reporting_placement", "end_of_table"}};
  auto got = frames(kMany, options);
  EXPECT_EQ(got[0]["ErrorReportingPlacement"], "EndOfTable");
  EXPECT_EQ(find(got, "FrameType", "TableFragment")["Rows"].size(), 10u);
  EXPECT_EQ(find(got, "FrameType", "TableCompletion")["OneApiErrors"][0]["error"]["code"],
            "LimitsExceeded");
  EXPECT_EQ(got.back()["HasErrors"], true);
  options["results_error_reporting_placement"] = "end_of_dataset";
  got = frames(kMany, options);
  EXPECT_FALSE(find(got, "FrameType", "TableCompletion").contains("OneApiErrors"));
  EXPECT_EQ(got.back()["OneApiErrors"][0]["error"]["code"], "LimitsExceeded");
}

TEST_F(Wire, PutsNewlinesBetweenFramesAndNowhereElse) {
  const auto body = send("/v2/rest/query", request("print 'a\\nb', dynamic({\"x\":\"y\"})",
                                                   {{"results_v2_newlines_between_frames", true}}))
                        .body;
  std::size_t lines = 0;
  for (std::size_t at = 0; at < body.size(); ++lines) {
    const auto end = body.find("\r\n", at);
    EXPECT_NE(std::string("[,]").find(body[at]), std::string::npos);
    if (body[at] != ']') {
      EXPECT_FALSE(json::parse(body.substr(at + 1, end - at - 1), nullptr, false).is_discarded());
    }
    if (end == std::string::npos) break;
    at = end + 2;
  }
  EXPECT_EQ(lines, 5u);
  EXPECT_EQ(body.back(), ']');
}

TEST_F(Wire, ObeysTimeAndCursorOptions) {
  EXPECT_EQ(rows("print now()", {{"query_now", "2024-01-01T00:00:00Z"}})[0][0],
            "2024-01-01T00:00:00.0000000Z");
  EXPECT_EQ(rows("print now()", {{"query_now", "datetime(2024-01-01)"}})[0][0],
            "2024-01-01T00:00:00.0000000Z");
  EXPECT_EQ(rows("print cursor_current()", {{"query_cursor_current", "638000000000000000"}})[0][0],
            "638000000000000000");
}

TEST_F(Wire, TakesQueryParametersAsEachClientSendsThem) {
  const std::string text =
      "declare query_parameters(n:long, s:string, d:datetime, t:timespan, b:bool = true); "
      "print n, s, d, t, b";
  const auto expected =
      json::parse(R"([[7,"it's","2024-01-01T00:00:00.0000000Z","01:30:00",true]])");
  EXPECT_EQ(rows(text, {},
                 {{"n", 7}, {"s", "it's"}, {"d", "datetime(2024-01-01)"}, {"t", "time(01:30:00)"}}),
            expected);
  EXPECT_EQ(rows(text, {},
                 {{"n", "7"}, {"s", R"("it\'s")"}, {"d", "2024-01-01"}, {"t", "timespan(90m)"}}),
            expected);
  refusal("/v2/rest/query", request(text));
  refusal("/v2/rest/query", request("declare query_parameters(n:long); print n", {}, {{"n", "x"}}));
}

TEST_F(Wire, CursorPredicatesWithoutAnArgumentTakeTheRequests) {
  run(".create table C (a:long)");
  run(".ingest inline into table C <|\n1");
  const auto cursor = rows("print cursor_current()")[0][0];
  run(".ingest inline into table C <|\n2");
  const auto after = rows("C | where cursor_after()", {{"query_cursor_after_default", cursor}});
  EXPECT_EQ(after, json::parse("[[2]]"));
  EXPECT_EQ(rows("C | where cursor_after()", {{"query_cursor_after_default", ""}}).size(), 2u);
  EXPECT_EQ(
      rows("C | where cursor_before_or_at()", {{"query_cursor_before_or_at_default", cursor}}),
      json::parse("[[1]]"));
  refusal("/v2/rest/query", request("C | where cursor_after()"));
  refusal("/v2/rest/query",
          request("C | where cursor_after('')", {{"query_cursor_disabled", true}}));
}

TEST_F(Wire, GivesTheSchemaInsteadOfRows) {
  EXPECT_EQ(rows("print a = 1, b = 'x'", {{"query_results_apply_getschema", true}}),
            json::parse(R"([["a",0,"System.Int64","long"],["b",1,"System.String","string"]])"));
}

TEST_F(Wire, EndsAQueryAtItsDeadline) {
  const auto error = refusal("/v2/rest/query",
                             request("range a from 1 to 100000000000 step 1 | summarize sum(a % 7)",
                                     {{"servertimeout", "00:00:00.2"}}),
                             504);
  EXPECT_EQ(error["code"], "Timeout");
  EXPECT_EQ(error["@permanent"], false);
  EXPECT_EQ(rows("print 1")[0][0], 1);
}

TEST_F(Wire, RefusesOptionsItCannotHonour) {
  for (const json& options :
       {json{{"servertimeout", "soon"}}, json{{"servertimeout", "-00:00:01"}},
        json{{"truncationmaxrecords", "many"}}, json{{"truncationmaxrecords", -1}},
        json{{"notruncation", "perhaps"}}, json{{"query_now", "yesterday"}},
        json{{"queryconsistency", "none"}}, json{{"query_datascope", "cold"}},
        json{{"results_error_reporting_placement", "nowhere"}}, json{{"query_language", "sql"}},
        json{{"query_cursor_current", "abc"}}, json{{"query_datetimescope_column", "T"}},
        json{{"query_cursor_scoped_tables", json::array({"T"})}},
        json{{"validatepermissions", true}}}) {
    const auto error = refusal("/v2/rest/query", request("print 1", options));
    EXPECT_EQ(error["code"], "General_BadRequest") << options.dump();
    EXPECT_NE(error["@message"].get<std::string>().find(options.begin().key()), std::string::npos);
  }
  EXPECT_EQ(rows("print 1", {{"some_future_option", json::array({1})},
                             {"queryconsistency", "weakconsistency"},
                             {"validatepermissions", false},
                             {"servertimeout", "04:00:00"}})[0][0],
            1);
}

TEST_F(Wire, ReadsOnlyWhereToldTo) {
  const auto body = request(".create table T (a:long)", {{"request_readonly", true}});
  EXPECT_EQ(refusal("/v1/rest/mgmt", body, 403)["@type"],
            "Kusto.Data.Exceptions.KustoRequestDeniedException");
  const auto header =
      send("/v1/rest/mgmt", request(".create table T (a:long)"), {{"x-ms-readonly", "1"}});
  EXPECT_EQ(header.status, 403);
  EXPECT_EQ(send("/v1/rest/query?db=Db&csl=.create%20table%20T%20(a:long)", "").status, 403);
}

TEST_F(Wire, AnswersGet) {
  const auto v2 = send("/v2/rest/query?db=Db&csl=print%20a%3D1", "");
  EXPECT_EQ(json::parse(v2.body)[2]["Rows"][0][0], 1);
  const auto v1 = send(
      "/v1/rest/query?db=Db&csl=range%20i%20from%201%20to%209%20step%201&"
      "properties=%7B%22Options%22%3A%7B%22query_take_max_records%22%3A2%7D%7D",
      "");
  EXPECT_EQ(json::parse(v1.body)["Tables"][0]["Rows"].size(), 2u);
  EXPECT_EQ(send("/v2/rest/query?db=Db", "").status, 400);
  EXPECT_EQ(send("/v1/rest/mgmt?csl=.show%20tables", "").status, 405);
}

TEST_F(Wire, AnswersWhatClientsAskFirst) {
  EXPECT_EQ(send("/", "").status, 200);
  EXPECT_EQ(send("/v1/rest/ping", "").body, "Pong!");
  const auto metadata = json::parse(send("/v1/rest/auth/metadata", "").body)["AzureAD"];
  EXPECT_EQ(metadata["LoginEndpoint"], "https://login.microsoftonline.com");
  EXPECT_EQ(metadata["KustoServiceResourceId"], "https://kusto.kusto.windows.net");
}

TEST_F(Wire, RefusesBadBodiesInTheServicesWords) {
  const std::string deep(100'000, '[');
  for (const std::string& body :
       {std::string("not json"), std::string("[]"), std::string("{}"), std::string("{\"csl\":1}"),
        std::string("{\"csl\":null,\"db\":\"Db\"}"), std::string("{\"csl\":\"print 1\",\"db\":7}"),
        std::string("{\"csl\":\"print 1\",\"properties\":7}"),
        std::string("{\"csl\":\"print 1\",\"properties\":\"{\"}"),
        std::string("{\"csl\":\"print 1\",\"properties\":{\"Options\":[]}}"),
        std::string("{\"csl\":\"print \xff\"}"), deep, "{\"csl\":\"print 1\",\"x\":" + deep}) {
    const auto error = refusal("/v2/rest/query", body);
    EXPECT_EQ(error["code"], "General_BadRequest") << body.substr(0, 60);
    EXPECT_EQ(error["@permanent"], true);
  }
  EXPECT_EQ(rows("print 1")[0][0], 1);
  EXPECT_EQ(send("/v2/rest/query", "\xEF\xBB\xBF" + request("print 1")).status, 200);
}

TEST_F(Wire, TellsErrorsAsOneApiErrors) {
  const auto semantic = refusal("/v2/rest/query", request("Nothing | count"));
  EXPECT_EQ(semantic["code"], "General_BadRequest");
  EXPECT_EQ(semantic["innererror"]["@type"], "Kusto.Data.Exceptions.SemanticException");
  EXPECT_NE(semantic["@message"].get<std::string>().find("Semantic error: SEM0100"),
            std::string::npos);
  EXPECT_EQ(semantic["@context"]["clientRequestId"], "Test.run;1");
  const auto syntax = refusal("/v2/rest/query", request("print ="));
  EXPECT_EQ(syntax["code"], "BadRequest_SyntaxError");
  EXPECT_NE(syntax["@message"].get<std::string>().find("Syntax error"), std::string::npos);
  const auto database = refusal("/v2/rest/query", json{{"db", "Gone"}, {"csl", "print 1"}}.dump());
  EXPECT_EQ(database["code"], "BadRequest_DatabaseNotExist");
  EXPECT_EQ(database["@type"], "Kusto.Data.Exceptions.DatabaseNotFoundException");
  EXPECT_NE(send("/v2/rest/query", request(".show tables")).body.find("api_version=v2"),
            std::string::npos);
}

TEST_F(Wire, ThrottlesInTheServicesWords) {
  auto faults = engine::EngineFaults::parse(R"({"Query": {"throttle": 1}})");
  ASSERT_TRUE(faults) << faults.error().message;
  engine_->set_faults(std::move(*faults));
  const auto error = refusal("/v2/rest/query", request("print 1"), 429);
  EXPECT_EQ(error["code"], "TooManyRequests");
  EXPECT_EQ(error["@permanent"], false);
  EXPECT_TRUE(error["@type"].get<std::string>().ends_with("QueryThrottledException"));
  EXPECT_NE(error["@message"].get<std::string>().find("aborted due to throttling"),
            std::string::npos);
}

TEST_F(Wire, FindsACommandBehindComments) {
  const auto text = "  // what there is\n\n.show databases | project DatabaseName";
  EXPECT_EQ(send("/v1/rest/mgmt", request(text)).status, 200);
  EXPECT_EQ(send("/v1/rest/mgmt", request("// nothing")).status, 400);
}

TEST_F(Wire, EchoesOrMakesIds) {
  const auto answer = send("/v2/rest/query", request("print 1"));
  EXPECT_EQ(answer.request_id, "Test.run;1");
  EXPECT_EQ(answer.activity.size(), 36u);
  EXPECT_EQ(send("/nowhere", request("print 1")).request_id, "Test.run;1");
}

TEST_F(Wire, RequiresATokenOnlyIfToldTo) {
  open({.require_token = true});
  EXPECT_EQ(refusal("/v2/rest/query", request("print 1"), 401)["code"], "Unauthorized");
  EXPECT_EQ(send("/v1/rest/auth/metadata", "").status, 200);
  EXPECT_EQ(
      send("/v2/rest/query", request("print 1"), {{"Authorization", "Bearer anything"}}).status,
      200);
}

TEST_F(Wire, StreamsIntoATable) {
  run(".create table T (a:long, b:string)");
  const std::string path = "/v1/rest/ingest/Db/T?streamFormat=Csv";
  EXPECT_EQ(refusal(path, "1,x\n")["code"], "BadRequest_StreamingIngestionPolicyNotEnabled");
  run(".alter table T policy streamingingestion '{\"IsEnabled\": true}'");
  const auto answer = send(path, "1,x\n2,y\n");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body)["Tables"].size(), 1u);
  EXPECT_EQ(rows("T | order by a asc"), json::parse(R"([[1,"x"],[2,"y"]])"));
  EXPECT_EQ(send("/v1/rest/ingest/Db/T?streamFormat=tsv", "3\tz\n").status, 200);
  EXPECT_EQ(rows("T | count")[0][0], 3);
  // The official Python client streams a data frame as JSON lines and names no mapping.
  EXPECT_EQ(send("/v1/rest/ingest/Db/T?streamFormat=json", "{\"b\":\"q\",\"a\":4}\n").status, 200);
  EXPECT_EQ(rows("T | where a == 4")[0], json::parse(R"([4,"q"])"));
}

TEST_F(Wire, RefusesStreamsInTheServicesWords) {
  run(".create table T (a:long, b:string)");
  run(".alter table T policy streamingingestion '{\"IsEnabled\": true}'");
  const auto code = [&](const std::string& path, const std::string& body, int status = 400) {
    return refusal(path, body, status)["code"].get<std::string>();
  };
  EXPECT_EQ(code("/v1/rest/ingest/Db/T", "1,x"), "BadRequest_FormatNotSupported");
  EXPECT_EQ(code("/v1/rest/ingest/Db/T?streamFormat=avro", "1,x"), "BadRequest_FormatNotSupported");
  EXPECT_EQ(code("/v1/rest/ingest/Db/U?streamFormat=csv", "1,x"), "BadRequest_TableNotExist");
  EXPECT_EQ(code("/v1/rest/ingest/Gone/T?streamFormat=csv", "1,x"), "BadRequest_DatabaseNotExist");
  EXPECT_EQ(code("/v1/rest/ingest/Db/T?streamFormat=csv", std::string((4 << 20) + 1, '1'), 413),
            "Stream_InputStreamTooLarge");
  EXPECT_EQ(code("/v1/rest/ingest/Db/T?streamFormat=csv&sourceKind=uri", "[]"),
            "BadRequest_EmptyBlobUri");
  EXPECT_EQ(code("/v1/rest/ingest/Db/T?streamFormat=csv&sourceKind=uri",
                 R"({"sourceUri":"/nowhere/x.csv"})"),
            "Download_SourceNotFound");
  EXPECT_EQ(send("/v1/rest/ingest/Db/T/more?streamFormat=csv", "1,x").status, 404);
  EXPECT_EQ(rows("T | count")[0][0], 0);
}

}  // namespace
}  // namespace kc::api
