// What queued ingestion sends and what it makes of the answers, over a storage account of its own
// making: entities by key, messages by queue, and anything that a service may answer instead.
#include "core/kusto/queued_ingestion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "core/azure/encoding.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace kc::kusto {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const net::Header kOurs{"x-ms-request-id", "1"};  // a storage service's answer has one
constexpr const char* kSas = "sv=2023-11-03&sig=MARKED";

class Account final : public net::Transport {
 public:
  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override {
    const auto path = call.url.substr(0, call.url.find('?'));
    if (refuse) {
      if (auto answer = refuse(call)) return std::move(*answer);
    }
    if (path.find("queue.core") != std::string::npos) {
      const auto from = call.body.find("<MessageText>") + 13;
      const auto text = call.body.substr(from, call.body.find("</MessageText>") - from);
      messages.push_back(json::parse(*unbase64(text)));
      queues.push_back(path);
      return net::HttpAnswer{
          .status = 201,
          .headers = {kOurs},
          .body =
              "<QueueMessagesList><QueueMessage><MessageId>m-1</MessageId></QueueMessage>"
              "</QueueMessagesList>"};
    }
    if (call.method == net::Method::post) {
      const json entity = json::parse(call.body);
      const auto key =
          std::pair{entity["PartitionKey"].get<std::string>(), entity["RowKey"].get<std::string>()};
      const bool fresh = entities.emplace(key, entity).second;
      return net::HttpAnswer{.status = fresh ? 204 : 409,
                             .headers = {{"x-ms-error-code", "EntityAlreadyExists"}, kOurs},
                             .body = {}};
    }
    json found = json::array();
    for (const auto& [key, entity] : entities) {
      if (call.url.find(key.first) != std::string::npos && path.find(table) != std::string::npos)
        found.push_back(entity);
    }
    return net::HttpAnswer{
        .status = 200, .headers = {kOurs}, .body = json{{"value", found}}.dump()};
  }
  void close() override {}

  void tell(const Uuid& attempt, std::size_t nth, const json& what) {
    std::size_t at = 0;
    for (auto& [key, entity] : entities) {
      if (key.first == attempt.text() && at++ == nth) entity.update(what);
    }
  }

  std::vector<json> messages;
  std::vector<std::string> queues;
  std::map<std::pair<std::string, std::string>, json> entities;
  std::function<std::optional<Result<net::HttpAnswer>>(const net::HttpCall&)> refuse;
  std::string table = "statuses";
};

ResultTable answer(const std::vector<std::string>& columns, const json& rows) {
  json described = json::array();
  for (const auto& name : columns)
    described.push_back({{"ColumnName", name}, {"DataType", "String"}});
  const json body = {
      {"Tables", json::array({{{"TableName", "T"}, {"Columns", described}, {"Rows", rows}}})}};
  return *ResultTable::from_v1(body.dump());
}

struct QueuedIngestionTest : testing::Test {
  QueuedIngestionTest()
      : queued(account, clock,
               [this](const std::string& command, Timespan) { return ask(command); }, {}) {}

  Result<ResultTable> ask(const std::string& command) {
    asked.push_back(command);
    if (refusal) return fail(*refusal);
    if (command == ".get kusto identity token")
      return answer({"AuthorizationContext"}, json::array({json::array({"token of ours"})}));
    return answer({"ResourceTypeName", "StorageRoot"}, resources);
  }
  StartQueuedIngest wish(std::vector<std::string> blobs) {
    std::vector<std::int64_t> raw(blobs.size(), 1000);
    return {.ingest = {.db = {"Db"},
                       .table = {"kc-stg-T"},
                       .blob_uris = std::move(blobs),
                       .format = ExportFormat::csv,
                       .columns = {{"a", ScalarType::long_}, {"b", ScalarType::string_}},
                       .tag = "drop-by:kc/u/1/2/i1"},
            .attempt = attempt,
            .raw_bytes = std::move(raw)};
  }
  Result<OperationList> status(std::int64_t blobs) {
    return queued.status({{{.attempt = attempt, .blobs = blobs}}}, Timespan::seconds(60));
  }

  json resources = json::array(
      {json::array({"TempStorage", "https://a.blob.core.windows.net/temp?" + std::string(kSas)}),
       json::array({"SecuredReadyForAggregationQueue",
                    "https://a.queue.core.windows.net/ready-1?" + std::string(kSas)}),
       json::array({"SecuredReadyForAggregationQueue",
                    "https://a.queue.core.windows.net/ready-2?" + std::string(kSas)}),
       json::array({"IngestionsStatusTable",
                    "https://a.table.core.windows.net/statuses?" + std::string(kSas)})});
  const Uuid attempt = *Uuid::parse("0f0e0d0c-0b0a-4908-8706-050403020100");
  ManualClock clock{*parse_datetime("2026-01-02T03:04:05Z")};
  Account account;
  std::vector<std::string> asked;
  std::optional<Error> refusal;
  QueuedIngestion queued;
};

TEST(DataManagementUrl, StandsBesideACluster) {
  EXPECT_EQ(data_management_url("https://c.westeurope.kusto.windows.net"),
            "https://ingest-c.westeurope.kusto.windows.net");
  EXPECT_EQ(data_management_url("https://trd-1.z0.kusto.fabric.microsoft.com:443"),
            "https://ingest-trd-1.z0.kusto.fabric.microsoft.com:443");
  for (const char* same :
       {"https://ingest-c.kusto.windows.net", "http://127.0.0.1:8080", "http://localhost:8080",
        "https://10.0.0.7", "http://[::1]:8080", "https://kusto"})
    EXPECT_EQ(data_management_url(same), same);
}

TEST_F(QueuedIngestionTest, AMessageNamesTheBlobTheTagAndItsStatus) {
  const auto started = queued.start(wish({"https://l.blob.core.windows.net/c/1.csv.gz?sig=x"}),
                                    Timespan::seconds(60));
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(started->id, attempt);
  ASSERT_EQ(account.messages.size(), 1U);
  const json& message = account.messages[0];
  EXPECT_EQ(message["BlobPath"], "https://l.blob.core.windows.net/c/1.csv.gz?sig=x");
  EXPECT_EQ(message["DatabaseName"], "Db");
  EXPECT_EQ(message["TableName"], "kc-stg-T");
  EXPECT_EQ(message["RetainBlobOnSuccess"], true);
  EXPECT_EQ(message["FlushImmediately"], true);
  EXPECT_EQ(message["RawDataSize"], 1000);
  EXPECT_EQ(message["ReportLevel"], 2);
  EXPECT_EQ(message["ReportMethod"], 1);
  const json& properties = message["AdditionalProperties"];
  EXPECT_EQ(properties["authorizationContext"], "token of ours");
  EXPECT_EQ(properties["format"], "csv");
  EXPECT_EQ(properties["tags"], "[\"drop-by:kc/u/1/2/i1\"]");
  EXPECT_EQ(json::parse(properties["ingestionMapping"].get<std::string>())[1]["Column"], "b");
  // Its entity is there, under the keys that the message names.
  const json& place = message["IngestionStatusInTable"];
  EXPECT_EQ(place["TableConnectionString"],
            "https://a.table.core.windows.net/statuses?" + std::string(kSas));
  EXPECT_EQ(place["PartitionKey"], attempt.text());
  EXPECT_EQ(place["RowKey"], message["Id"]);
  ASSERT_EQ(account.entities.size(), 1U);
  EXPECT_EQ(account.entities.begin()->second["Status"], "Pending");
  EXPECT_EQ(account.entities.begin()->first.second, message["Id"]);
}

TEST_F(QueuedIngestionTest, SeveralBlobsHaveIdsOfTheirOwnAndShareABatch) {
  ASSERT_TRUE(
      queued.start(wish({"https://l/1", "https://l/2", "https://l/3"}), Timespan::seconds(60)));
  ASSERT_EQ(account.messages.size(), 3U);
  std::set<std::string> ids;
  for (const json& message : account.messages) {
    ids.insert(message["Id"].get<std::string>());
    EXPECT_EQ(message["FlushImmediately"], false);
  }
  EXPECT_EQ(ids.size(), 3U);
  EXPECT_EQ(std::set<std::string>(account.queues.begin(), account.queues.end()).size(), 2U)
      << "the queues are used in turn";
  // Resources are asked for once.
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(QueuedIngestionTest, AnAttemptIsWhatAllItsBlobsAre) {
  ASSERT_TRUE(queued.start(wish({"https://l/1", "https://l/2"}), Timespan::seconds(60)));
  EXPECT_EQ(status(2)->operations.at(0).outcome, OperationOutcome::running);
  account.tell(attempt, 0, {{"Status", "Succeeded"}});
  EXPECT_EQ(status(2)->operations.at(0).outcome, OperationOutcome::running);
  account.tell(attempt, 1, {{"Status", "Queued"}});
  EXPECT_EQ(status(2)->operations.at(0).outcome, OperationOutcome::running);
  account.tell(attempt, 1, {{"Status", "a word of tomorrow"}});
  EXPECT_EQ(status(2)->operations.at(0).outcome, OperationOutcome::running);
  account.tell(attempt, 1, {{"Status", "Succeeded"}});
  EXPECT_EQ(status(2)->operations.at(0).outcome, OperationOutcome::completed);
  // What is not there as a whole is not known.
  EXPECT_TRUE(status(3)->operations.empty());
  EXPECT_TRUE(status(1)->operations.empty());
}

TEST_F(QueuedIngestionTest, OneFailedBlobFailsTheAttemptWithItsReason) {
  for (const auto& [word, retry] : {std::pair{"Permanent", false}, std::pair{"Transient", true},
                                    std::pair{"Exhausted", true}}) {
    account.entities.clear();
    ASSERT_TRUE(queued.start(wish({"https://l/1", "https://l/2"}), Timespan::seconds(60)));
    account.tell(attempt, 0,
                 {{"Status", "Failed"},
                  {"ErrorCode", "Download_Forbidden"},
                  {"FailureStatus", word},
                  {"Details", "cannot read https://l/1?sig=MARKED"}});
    const auto told = status(2);
    ASSERT_TRUE(told);
    const Operation& operation = told->operations.at(0);
    EXPECT_EQ(operation.outcome, OperationOutcome::failed);
    EXPECT_THAT(operation.status, HasSubstr("Download_Forbidden"));
    EXPECT_THAT(operation.status, Not(HasSubstr("MARKED")));
    EXPECT_EQ(operation.should_retry, retry);
  }
  for (const char* word : {"Skipped", "PartiallySucceeded"}) {
    account.tell(attempt, 0, {{"Status", word}});
    EXPECT_EQ(status(2)->operations.at(0).outcome, OperationOutcome::failed);
  }
}

TEST_F(QueuedIngestionTest, AnErrorBehindTheFirstMessageLeavesItInDoubt) {
  int puts = 0;
  account.refuse = [&](const net::HttpCall& call) -> std::optional<Result<net::HttpAnswer>> {
    if (call.url.find("queue.core") == std::string::npos || ++puts < 2) return std::nullopt;
    return net::HttpAnswer{
        .status = 404, .headers = {{"x-ms-error-code", "QueueNotFound"}}, .body = {}};
  };
  const auto started = queued.start(wish({"https://l/1", "https://l/2"}), Timespan::seconds(60));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(started.error().message, Not(HasSubstr("MARKED")));
}

TEST_F(QueuedIngestionTest, ASignatureThatEndedIsFetchedAfreshOnce) {
  int refused = 0;
  account.refuse = [&](const net::HttpCall&) -> std::optional<Result<net::HttpAnswer>> {
    if (++refused > 1) return std::nullopt;
    return net::HttpAnswer{
        .status = 403, .headers = {{"x-ms-error-code", "AuthenticationFailed"}}, .body = {}};
  };
  ASSERT_TRUE(queued.start(wish({"https://l/1"}), Timespan::seconds(60)));
  EXPECT_EQ(asked.size(), 4U);
  account.refuse = [](const net::HttpCall&) -> std::optional<Result<net::HttpAnswer>> {
    return net::HttpAnswer{
        .status = 403, .headers = {{"x-ms-error-code", "AuthenticationFailed"}}, .body = {}};
  };
  const auto started = queued.start(wish({"https://l/1"}), Timespan::seconds(60));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::denied);
}

TEST_F(QueuedIngestionTest, ResourcesAreAskedForAgainAfterAnHour) {
  ASSERT_TRUE(queued.offer(Timespan::seconds(60))->queued);
  ASSERT_TRUE(queued.offer(Timespan::seconds(60))->queued);
  EXPECT_EQ(asked.size(), 2U);
  clock.advance(Timespan::seconds(3601));
  ASSERT_TRUE(queued.offer(Timespan::seconds(60))->queued);
  EXPECT_EQ(asked.size(), 4U);
}

TEST_F(QueuedIngestionTest, AnotherTableThatHoldsTheAttemptIsFound) {
  resources.push_back(json::array(
      {"IngestionsStatusTable", "https://a.table.core.windows.net/other?" + std::string(kSas)}));
  for (const char* where : {"statuses", "other"}) {
    account.entities.clear();
    account.table = where;
    ASSERT_TRUE(queued.start(wish({"https://l/1"}), Timespan::seconds(60)));
    EXPECT_EQ(status(1)->operations.size(), 1U) << where;
  }
}

TEST_F(QueuedIngestionTest, WhatIsNotThereIsNotOffered) {
  resources = json::array({resources[0], resources[1]});  // no status table
  auto offer = queued.offer(Timespan::seconds(60));
  ASSERT_TRUE(offer);
  EXPECT_FALSE(offer->queued);
  EXPECT_THAT(offer->why_not, HasSubstr("status table"));
  EXPECT_FALSE(queued.start(wish({"https://l/1"}), Timespan::seconds(60)));
  EXPECT_TRUE(account.messages.empty());

  clock.advance(Timespan::seconds(3601));
  refusal = Error{.kind = ErrorKind::invalid, .code = "kusto.syntax", .message = "unknown command"};
  offer = queued.offer(Timespan::seconds(60));
  ASSERT_TRUE(offer);
  EXPECT_FALSE(offer->queued);
  // No answer is no offer either way.
  refusal->kind = ErrorKind::unavailable;
  EXPECT_FALSE(queued.offer(Timespan::seconds(60)));
}

TEST_F(QueuedIngestionTest, AMessageThatAQueueDoesNotTakeIsRefusedBeforeAnythingIsSent) {
  auto wide = wish({"https://l/1"});
  for (int i = 0; i < 3000; ++i)
    wide.ingest.columns.push_back({"column " + std::to_string(i), ScalarType::long_});
  const auto started = queued.start(wide, Timespan::seconds(60));
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, "kusto.message_too_large");
  EXPECT_TRUE(account.entities.empty());
}

TEST_F(QueuedIngestionTest, AnAnswerThatIsNoneIsMalformed) {
  resources = json::array({json::array({"SecuredReadyForAggregationQueue", "nowhere"})});
  const auto offer = queued.offer(Timespan::seconds(60));
  ASSERT_FALSE(offer);
  EXPECT_EQ(offer.error().code, "kusto.malformed_answer");
}

}  // namespace
}  // namespace kc::kusto
