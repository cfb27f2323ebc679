#include "core/kusto/rest_kusto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "core/base/json.h"

namespace kc::kusto {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Answers from a list, and keeps what was sent.
class ScriptedTransport final : public net::Transport {
 public:
  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override {
    sent.push_back(call);
    if (call.cancel.stop_requested())
      return fail(ErrorKind::cancelled, "net.cancelled", "cancelled");
    if (clock != nullptr) clock->advance(each_takes);
    if (answers.empty())
      return fail(ErrorKind::unavailable, "net.unreachable", "no connection; nothing was sent");
    auto answer = std::move(answers.front());
    answers.pop_front();
    if (!answer) return answer;
    return net::hand_over(call, std::move(*answer));
  }
  void close() override {}

  void say(std::string body, int status = 200) {
    answers.push_back(net::HttpAnswer{.status = status, .headers = {}, .body = std::move(body)});
  }
  std::string header(std::size_t call, const std::string& name) const {
    for (const auto& one : sent.at(call).headers) {
      if (one.name == name) return one.value;
    }
    return "absent";
  }
  json body(std::size_t call) const { return json::parse(sent.at(call).body); }

  std::vector<net::HttpCall> sent;
  std::deque<Result<net::HttpAnswer>> answers;
  ManualClock* clock = nullptr;
  Timespan each_takes{};
};

std::string table(const std::string& columns, const std::string& rows) {
  json all = json::array();
  for (std::size_t at = 0; at < columns.size();) {
    const auto colon = columns.find(':', at);
    const auto comma = std::min(columns.find(',', colon), columns.size());
    all.push_back({{"ColumnName", columns.substr(at, colon - at)},
                   {"ColumnType", columns.substr(colon + 1, comma - colon - 1)}});
    at = comma + 1;
  }
  return R"({"TableName":"T","TableKind":"PrimaryResult","FrameType":"DataTable","TableId":0,"Columns":)" +
         all.dump() + R"(,"Rows":)" + rows + "}";
}
std::string v1(const std::string& columns, const std::string& rows) {
  return R"({"Tables":[)" + table(columns, rows) + "]}";
}
std::string v2(const std::string& columns, const std::string& rows) {
  return R"([{"FrameType":"DataSetHeader","Version":"v2.0"},)" + table(columns, rows) +
         R"(,{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}])";
}

const std::string kId = "74be27de-1e4e-49d9-b579-fe0b331d3642";

struct RestKustoTest : testing::Test {
  RestKustoTest() {
    kusto =
        *connect(*ConnectionString::parse("https://c.kusto.windows.net/Home"), transport, clock);
  }

  template <class T>
  Result<T> ask(const Command& command) {
    auto answer = kusto->run(command, {.request_id = "KustoCopy.test;j/1/2/e1;" + kId,
                                       .deadline = Timespan::seconds(100)});
    if (!answer) return fail(answer.error());
    return std::get<T>(*answer);
  }

  ManualClock clock{Ticks{638'000'000'000'000'000}};
  ScriptedTransport transport;
  std::unique_ptr<Kusto> kusto;
};

TEST_F(RestKustoTest, SendsAQueryWithItsProperties) {
  transport.say(v2("Cursor:string", R"([["638"]])"));
  EXPECT_EQ(ask<Cursor>(Read{ReadCursor{{"Db"}}})->value, "638");
  EXPECT_EQ(transport.sent[0].url, "https://c.kusto.windows.net/v2/rest/query");
  EXPECT_EQ(transport.sent[0].method, net::Method::post);
  EXPECT_TRUE(transport.sent[0].repeatable);
  EXPECT_EQ(transport.header(0, "x-ms-client-request-id"), "KustoCopy.test;j/1/2/e1;" + kId);
  EXPECT_EQ(transport.header(0, "x-ms-app"), "kusto-copy");
  EXPECT_EQ(transport.header(0, "Accept"), "application/json");
  const json body = transport.body(0);
  EXPECT_EQ(body["db"], "Db");
  EXPECT_EQ(body["csl"], "print Cursor = cursor_current()");
  EXPECT_EQ(
      body["properties"]["Options"],
      json::parse(
          R"({"servertimeout":"00:01:30","queryconsistency":"strongconsistency","request_block_row_level_security":true,
                            "query_datascope":"all","notruncation":true})"));
}

TEST_F(RestKustoTest, SendsAnExportAsACommandThatIsNotRepeatable) {
  transport.say(v1("OperationId:guid", "[[\"" + kId + "\"]]"));
  const auto started =
      ask<StartedOperation>(Write{StartExport{{"Db"},
                                              {.table = {"T"}, .before_or_at = {"9"}},
                                              {{"a"}},
                                              ExportFormat::csv,
                                              "https://x?sig=1"}});
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(started->id.text(), kId);
  EXPECT_EQ(transport.sent[0].url, "https://c.kusto.windows.net/v1/rest/mgmt");
  EXPECT_FALSE(transport.sent[0].repeatable);
  const json options = transport.body(0)["properties"]["Options"];
  EXPECT_EQ(options["query_datascope"], "all");
  EXPECT_EQ(options["request_block_row_level_security"], true);
  EXPECT_EQ(options["queryconsistency"], "strongconsistency");
  EXPECT_FALSE(options.contains("notruncation"));
  // The answer is waited for so long as the call may take; the export may run for longer.
  EXPECT_EQ(options["servertimeout"], "01:00:00");
}

TEST_F(RestKustoTest, ClusterCommandsUseTheConnectionsDatabase) {
  transport.say(
      v1("Resource:string,Total:long,Consumed:long,Remaining:long", R"([["DataExport",10,2,8]])"));
  const auto capacity = ask<CapacityList>(Read{ReadCapacity{}});
  ASSERT_TRUE(capacity);
  EXPECT_EQ(capacity->resources.at(0).remaining, 8);
  EXPECT_EQ(transport.body(0)["db"], "Home");
}

TEST_F(RestKustoTest, JoinsTheTwoAnswersAboutTables) {
  const std::string details =
      "TableName:string,TableId:guid,Folder:string,DocString:string,TotalRowCount:long,"
      "TotalOriginalSize:real";
  transport.say(v1(details, "[[\"B\",\"" + kId + "\",\"\",\"\",5,100.4],[\"A\",\"" + kId +
                                "\",\"\",\"\",0,0.0],[\"New\",\"" + kId + "\",\"\",\"\",0,0.0]]"));
  const json schema = json::parse(R"({"Databases":{"db":{"Name":"Db","Tables":{
      "A":{"Name":"A","OrderedColumns":[{"Name":"x","CslType":"timespan"}]},
      "B":{"Name":"B","Folder":"f","DocString":"d","OrderedColumns":[{"Name":"x","CslType":"long"},{"Name":"y","CslType":"dynamic"}]},
      "Gone":{"Name":"Gone","OrderedColumns":[]}}}}})");
  transport.say(v1("DatabaseSchema:string", json::array({json::array({schema.dump()})}).dump()));
  const auto tables = ask<TableList>(Read{ReadTables{{"Db"}}});
  ASSERT_TRUE(tables) << tables.error().message;
  ASSERT_EQ(tables->tables.size(), 2U);
  EXPECT_EQ(tables->tables[0].name.value, "A");
  EXPECT_EQ(tables->tables[1].name.value, "B");
  EXPECT_EQ(tables->tables[1].rows, 5);
  EXPECT_EQ(tables->tables[1].original_bytes, 100);
  EXPECT_EQ(tables->tables[1].schema,
            (TableSchema{{{"x", ScalarType::long_}, {"y", ScalarType::dynamic_}}, "f", "d"}));
  EXPECT_EQ(transport.header(1, "x-ms-client-request-id"), "KustoCopy.test;j/1/2/e1;" + kId + ";2");
}

TEST_F(RestKustoTest, SetsEveryStagingPolicyInOrderAndStopsAtTheFirstError) {
  for (int i = 0; i < 3; ++i) transport.say(v1("PolicyName:string", "[[\"x\"]]"));
  const auto done =
      ask<Done>(Write{SetStagingPolicies{{"Db"}, {"S"}, Ticks{638'000'000'000'000'000}}});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "net.unreachable");
  ASSERT_EQ(transport.sent.size(), 4U);
  EXPECT_THAT(transport.body(0)["csl"].get<std::string>(), HasSubstr("policy merge"));
  EXPECT_THAT(transport.body(3)["csl"].get<std::string>(),
              HasSubstr("policy restricted_view_access"));
}

TEST_F(RestKustoTest, NamesTheFirstPolicyThatIsNotAsItMustBe) {
  const char* shown[] = {
      R"({"AllowRebuild":false,"AllowMerge":false})", "[]", "null", "true", "null", "null", "null"};
  for (const char* policy : shown)
    transport.say(
        v1("PolicyName:string,Policy:string", json::array({json::array({"p", policy})}).dump()));
  const auto policies = ask<StagingPolicies>(Read{ReadStagingPolicies{{"Db"}, {"S"}}});
  ASSERT_TRUE(policies) << policies.error().message;
  EXPECT_FALSE(policies->complete);
  EXPECT_EQ(policies->missing, "retention");
}

TEST_F(RestKustoTest, SumsUpAllRequestsInOneDeadline) {
  transport.clock = &clock;
  transport.each_takes = Timespan::seconds(40);
  for (int i = 0; i < 7; ++i) transport.say(v1("PolicyName:string", "[[\"x\"]]"));
  const auto done =
      ask<Done>(Write{SetStagingPolicies{{"Db"}, {"S"}, Ticks{638'000'000'000'000'000}}});
  EXPECT_EQ(done.error().code, "net.timeout");
  ASSERT_EQ(transport.sent.size(), 3U);
  EXPECT_EQ(transport.sent[0].deadline, Timespan::seconds(100));
  EXPECT_EQ(transport.sent[2].deadline, Timespan::seconds(20));
}

TEST_F(RestKustoTest, TellsAMissingTableFromAMissingColumn) {
  const auto error = [](const std::string& name) {
    return R"({"error":{"code":"General_BadRequest","message":"m","@type":"Kusto.Data.Exceptions.SemanticException","@message":"Semantic error: SEM0100: 'where' operator: Failed to resolve table or column expression named ')" +
           name + R"('","@permanent":true}})";
  };
  transport.say(error("T"), 400);
  transport.say(error("c"), 400);
  const Command count = Read{ReadTableCount{{"Db"}, {"T"}}};
  const auto no_table = ask<RowCount>(count);
  EXPECT_EQ(no_table.error().kind, ErrorKind::not_found);
  EXPECT_EQ(no_table.error().request_id, "KustoCopy.test;j/1/2/e1;" + kId);
  EXPECT_EQ(ask<RowCount>(count).error().kind, ErrorKind::invalid);
}

TEST_F(RestKustoTest, ReadsTheExtentsOfTheTablesThatExist) {
  const std::string missing =
      R"({"error":{"code":"BadRequest_EntityNotFound","@type":"Kusto.Data.Exceptions.EntityNotFoundException","@message":"Entity ID 'S' of kind 'Table' was not found.","@permanent":true}})";
  const std::string extents = v1("ExtentId:guid,TableName:string,RowCount:long,Tags:string",
                                 "[[\"" + kId + "\",\"T\",5,\"b\\r\\na\"]]");
  transport.say(missing, 400);
  transport.say(missing, 400);
  transport.say(extents);
  const Command both = Read{ReadExtents{{"Db"}, {{"S"}, {"T"}}, "a"}};
  const auto list = ask<ExtentList>(both);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->extents.size(), 1U);
  EXPECT_THAT(list->extents[0].tags, testing::ElementsAre("a", "b"));
  for (int i = 0; i < 3; ++i) transport.say(missing, 400);
  EXPECT_EQ(ask<ExtentList>(both).error().kind, ErrorKind::not_found);
}

TEST_F(RestKustoTest, ReadsOperationsByTheirStates) {
  json rows = json::array();
  for (const char* state : {"InProgress", "Scheduled", "Completed", "Failed", "Abandoned",
                            "Throttled", "BadInput", "Novel"}) {
    rows.push_back({kId, state, "text", false});
  }
  transport.say(v1("OperationId:guid,State:string,Status:string,ShouldRetry:bool", rows.dump()));
  const auto list = ask<OperationList>(Read{ReadOperations{{*Uuid::parse(kId)}, false}});
  ASSERT_TRUE(list) << list.error().message;
  using enum OperationOutcome;
  std::vector<OperationOutcome> outcomes;
  for (const auto& one : list->operations) outcomes.push_back(one.outcome);
  EXPECT_THAT(outcomes, testing::ElementsAre(running, running, completed, failed, abandoned,
                                             throttled, failed, failed));
  EXPECT_TRUE(ask<OperationList>(Read{ReadOperations{}})->operations.empty());
  EXPECT_EQ(transport.sent.size(), 1U);
}

TEST_F(RestKustoTest, AWriteWhoseAnswerCannotBeReadMayHaveHappened) {
  for (const std::string& body :
       {std::string("{"), v1("OperationId:guid", "[]"), v1("Other:guid", "[[\"" + kId + "\"]]"),
        v1("OperationId:guid", R"([["00000000-0000-0000-0000-000000000000"]])")}) {
    transport.say(body);
    const auto started =
        ask<StartedOperation>(Write{StartMove{{"Db"}, {"S"}, {"T"}, {*Uuid::parse(kId)}}});
    ASSERT_FALSE(started) << body;
    EXPECT_EQ(started.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(started.error().code, "kusto.malformed_answer");
  }
}

TEST_F(RestKustoTest, ReadsPlansCountsAndDigests) {
  const RowSet rows{.table = {"T"}, .before_or_at = {"9"}, .hash_columns = {{"a"}}};
  transport.say(v2("IngestionTime:datetime,Rows:long",
                   R"([["2024-01-02T00:00:00Z",2],["2024-01-01T00:00:00.0000001Z",1]])"));
  const auto groups = ask<PlanGroups>(Read{ReadPlanGroups{{"Db"}, rows, 5}});
  ASSERT_TRUE(groups);
  EXPECT_EQ(groups->groups.at(0).rows, 1);
  EXPECT_EQ(groups->groups.at(1).at, *parse_datetime("2024-01-02"));
  transport.say(v2("Slice:long,Rows:long", "[[2,7],[0,1]]"));
  EXPECT_THAT(ask<PlanSlices>(Read{ReadPlanSlices{{"Db"}, rows, 4}})->rows,
              testing::ElementsAre(1, 0, 7, 0));
  transport.say(v2("Slice:long,Rows:long", "[[4,7]]"));
  EXPECT_FALSE(ask<PlanSlices>(Read{ReadPlanSlices{{"Db"}, rows, 4}}));
  transport.say(v2("Count:long", "[[12]]"));
  EXPECT_EQ(ask<RowCount>(Read{ReadCount{{"Db"}, rows}})->rows, 12);
  transport.say(v2("Rows:long,HashSum:long,HashXor:long", "[[3,4,-5]]"));
  EXPECT_EQ(*ask<Digest>(Read{ReadDigest{{"Db"}, {"T"}, {{"a"}}}}), (Digest{3, 4, -5}));
  transport.say(v2("Rows:long,HashSum:long,HashXor:long", "[[0,null,null]]"));
  EXPECT_EQ(*ask<Digest>(Read{ReadDigest{{"Db"}, {"T"}, {{"a"}}}}), Digest{});
}

// What a plan or a count is made from is an external answer like any other: nothing in it may reach
// the arithmetic behind it unchecked.
TEST_F(RestKustoTest, PlansAndCountsThatCannotBeAreMalformed) {
  RowSet rows{.table = {"T"}, .before_or_at = {"9"}, .hash_columns = {{"a"}}};
  rows.low = *parse_datetime("2024-01-02");
  const auto refused = [&](const Read& what, const std::string& columns, const std::string& cells) {
    transport.say(v2(columns, cells));
    const auto answer = kusto->run(what, {});
    ASSERT_FALSE(answer) << cells;
    EXPECT_EQ(answer.error().code, "kusto.malformed_answer") << cells;
  };
  for (const char* cells :
       {R"([["2024-01-03T00:00:00Z",2],["2024-01-03T00:00:00Z",1]])",
        R"([["2024-01-03T00:00:00Z",0]])", R"([["2024-01-03T00:00:00Z",-1]])",
        R"([["2024-01-01T00:00:00Z",1]])", R"([[null,1]])", R"([["2024-01-03T00:00:00Z",null]])"}) {
    refused(Read{ReadPlanGroups{{"Db"}, rows, 5}}, "IngestionTime:datetime,Rows:long", cells);
  }
  refused(Read{ReadPlanSlices{{"Db"}, rows, 4}}, "Slice:long,Rows:long", "[[1,-7]]");
  refused(Read{ReadCount{{"Db"}, rows}}, "Count:long", "[[-1]]");
  refused(Read{ReadDigest{{"Db"}, {"T"}, {{"a"}}}}, "Rows:long,HashSum:long,HashXor:long",
          "[[-3,4,5]]");
  refused(Read{ReadCursor{{"Db"}}}, "Cursor:string", R"([[""]])");
}

TEST_F(RestKustoTest, ReadsExportDetailsWithAndWithoutSizes) {
  transport.say(
      v1("Path:string,NumRecords:long,SizeInBytes:long", R"([["https://a/1.csv.gz",3,77]])"));
  EXPECT_THAT(ask<ExportDetails>(Read{ReadExportDetails{*Uuid::parse(kId)}})->blobs,
              testing::ElementsAre(ExportedBlob{"https://a/1.csv.gz", 3, 77}));
  transport.say(v1("Path:string,NumRecords:long", "[]"));
  EXPECT_TRUE(ask<ExportDetails>(Read{ReadExportDetails{*Uuid::parse(kId)}})->blobs.empty());
}

TEST_F(RestKustoTest, CloseCancels) {
  kusto->close();
  EXPECT_EQ(ask<Cursor>(Read{ReadCursor{{"Db"}}}).error().kind, ErrorKind::cancelled);
  EXPECT_EQ(kusto->describe(), "https://c.kusto.windows.net");
}

TEST_F(RestKustoTest, RequestIdsAreSafeInAHeader) {
  transport.say(v2("Cursor:string", R"([["638"]])"));
  EXPECT_TRUE(kusto->run(Read{ReadCursor{{"Db"}}}, {.request_id = "a\r\nX: \xc3\xa9"}));
  EXPECT_EQ(transport.header(0, "x-ms-client-request-id"), "a??X: ??");
}

}  // namespace
}  // namespace kc::kusto
