#include "tests/unit/engine/endpoint_fixture.h"

namespace kc::api {
namespace {

using nlohmann::json;

TEST_F(Endpoint, AnswersCommandsInV1) {
  const auto answer = send("/v1/rest/mgmt", request(".show databases | project DatabaseName"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.request_id, "Test.run;1");
  EXPECT_EQ(answer.activity.size(), 36u);
  const auto body = json::parse(answer.body);
  EXPECT_EQ(body["Tables"][0]["Columns"][0]["DataType"], "String");
  EXPECT_EQ(body["Tables"][0]["Rows"][0][0], "Db");
}

TEST_F(Endpoint, AnswersQueriesInV2Frames) {
  const auto body = json::parse(
      send("/v2/rest/query", request("print a = 9223372036854775807, b = real(nan), c = 1tick"))
          .body);
  EXPECT_EQ(body.front()["FrameType"], "DataSetHeader");
  EXPECT_EQ(body[2]["TableKind"], "PrimaryResult");
  EXPECT_EQ(body[2]["Rows"][0][0], 9223372036854775807);
  EXPECT_EQ(body[2]["Rows"][0][1], "NaN");
  EXPECT_EQ(body[2]["Rows"][0][2], "00:00:00.0000001");
  EXPECT_EQ(body.back()["FrameType"], "DataSetCompletion");
  EXPECT_EQ(body.back()["HasErrors"], false);
}

TEST_F(Endpoint, AnswersQueriesInV1WithContents) {
  const auto body = json::parse(send("/v1/rest/query", request("print 1; print 2")).body);
  ASSERT_EQ(body["Tables"].size(), 5u);
  EXPECT_EQ(body["Tables"][1]["Rows"][0][0], 2);
  EXPECT_EQ(body["Tables"][4]["Rows"][2][2], "@ExtendedProperties");
}

TEST_F(Endpoint, TruncatesInsideTheAnswer) {
  const std::string body =
      R"({"db":"Db","csl":"range i from 1 to 5000 step 1","properties":"{\"Options\":{\"truncationmaxrecords\":10}}"})";
  const auto answer = send("/v2/rest/query", body);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body).back()["HasErrors"], true);
}

TEST_F(Endpoint, RefusesAsTheServiceDoes) {
  const auto missing = send("/v2/rest/query", request("Missing | count"));
  EXPECT_EQ(missing.status, 400);
  const auto error = json::parse(missing.body)["error"];
  EXPECT_NE(error["@message"].get<std::string>().find("SEM0100"), std::string::npos)
      << missing.body;
  EXPECT_EQ(error["@permanent"], true);
  EXPECT_EQ(json::parse(send("/v1/rest/mgmt", request(".drop table X")).body)["error"]["code"],
            "BadRequest_TableNotExist");
  EXPECT_EQ(send("/v1/rest/mgmt", "not json").status, 400);
  EXPECT_EQ(send("/v2/rest/query", request(".show tables")).status, 400);
  EXPECT_EQ(send("/nowhere", request("print 1")).status, 404);
}

TEST_F(Endpoint, TellsHowToAuthenticate) {
  EXPECT_TRUE(json::parse(send("/v1/rest/auth/metadata", "").body).contains("AzureAD"));
}

TEST_F(Endpoint, ServesTheAdminFaceOnlyWhereItWasAskedFor) {
  EXPECT_EQ(send("/admin/state", "").status, 404);
  endpoint_.reset();
  auto endpoint = KustoEndpoint::start(*engine_, {.admin = true});
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  endpoint_ = std::move(*endpoint);
  const auto before = json::parse(send("/admin/state", "").body)["now"].get<std::string>();
  EXPECT_EQ(send("/admin/clock", R"({"advance": "365.00:00:00"})").status, 200);
  EXPECT_GT(json::parse(send("/admin/state", "").body)["now"].get<std::string>().substr(0, 4),
            before.substr(0, 4));
  for (const auto* bad : {"", "[]", R"({"advance": "-1h"})", R"({"advance": 5})",
                          R"({"set": "1h"})", R"({"step": "9000000.00:00:00"})"})
    EXPECT_EQ(send("/admin/clock", bad[0] == 0 ? "x" : bad).status, 400) << bad;
  EXPECT_EQ(send("/admin/faults", R"({"Query": {"throttle": 2}})").status, 400);
  EXPECT_EQ(send("/v2/rest/query", request("print 1")).status, 200);
  EXPECT_EQ(send("/admin/faults", R"({"Query": {"throttle": 1}})").status, 200);
  EXPECT_EQ(send("/v2/rest/query", request("print 1")).status, 429);
  EXPECT_EQ(send("/admin/faults", "{}").status, 200);
  EXPECT_EQ(send("/v2/rest/query", request("print 1")).status, 200);
}

}  // namespace
}  // namespace kc::api
