#include <curl/curl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/kusto_endpoint.h"
#include "core/engine/engine.h"

namespace kc::api {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Answer {
  long status = 0;
  std::string body, head;
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

class Endpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("endpoint_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    engine::EngineOptions options;
    options.data_folder = folder_;
    auto engine = engine::Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    ASSERT_TRUE(engine_->command("", ".create database Db volatile"));
    auto endpoint = KustoEndpoint::start(*engine_, {});
    ASSERT_TRUE(endpoint) << endpoint.error().message;
    endpoint_ = std::move(*endpoint);
  }
  void TearDown() override {
    endpoint_.reset();
    engine_.reset();
    fs::remove_all(folder_);
  }

  Answer send(const std::string& path, const std::string& body) {
    Answer answer;
    CURL* curl = curl_easy_init();
    auto* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    headers = curl_slist_append(headers, "x-ms-client-request-id: Test.run;1");
    curl_easy_setopt(curl, CURLOPT_URL, (endpoint_->url() + path).c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (!body.empty()) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.head);
    EXPECT_EQ(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return answer;
  }
  static std::string request(const std::string& text) {
    return json{{"db", "Db"}, {"csl", text}}.dump();
  }

  fs::path folder_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<KustoEndpoint> endpoint_;
};

TEST_F(Endpoint, AnswersCommandsInV1) {
  const auto answer = send("/v1/rest/mgmt", request(".show databases | project DatabaseName"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.head.find("x-ms-client-request-id: Test.run;1"), std::string::npos)
      << answer.head;
  EXPECT_NE(answer.head.find("x-ms-activity-id: "), std::string::npos);
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

}  // namespace
}  // namespace kc::api
