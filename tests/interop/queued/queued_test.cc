// Queued ingestion through a real Azurite: what a client puts on the queue becomes rows, and its
// outcome is told where it asked for it. The engine's clock is moved by hand; the worker runs one
// round at a time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/azure/blobs.h"
#include "core/azure/queues.h"
#include "core/azure/tables.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/engine/dm/data_management.h"
#include "core/net/curl_transport.h"
#include "tests/interop/azurite/azurite.h"

namespace kc::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class QueuedTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { azurite_ = new Azurite; }
  static void TearDownTestSuite() {
    delete azurite_;
    azurite_ = nullptr;
  }

  void SetUp() override {
    ASSERT_TRUE(azurite_->running()) << "tests/interop/azurite/fetch.sh brings it";
    account_ = *azure::parse_account(azurite_->connection_string());
    folder_ = fs::path(testing::TempDir()) / ("queued_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    clock_ = std::make_shared<ManualClock>(*parse_datetime("2026-01-02T03:04:05Z"));
    open({});
    run(".create database Db volatile");
    run(".create table T (a:long, b:string)");
    for (const auto* queue : {"kc-ready-1", "kc-ready-2", "kc-failed", "kc-successful"})
      ASSERT_TRUE(this->queue(queue).clear());
  }
  void TearDown() override {
    management_.reset();
    engine_.reset();
    fs::remove_all(folder_);
  }

  void open(const std::string& faults) {
    management_.reset();
    engine_.reset();
    EngineOptions options;
    options.data_folder = folder_;
    options.clock = clock_;
    options.seed = ++seed_;  // ids are names in the account, which outlives a test
    if (!faults.empty()) options.faults = *EngineFaults::parse(faults);
    auto engine = Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    DataManagementOptions wish;
    wish.account = account_;
    wish.worker = false;
    wish.hidden = Timespan::seconds(1);
    auto management = DataManagement::start(*engine_, wish);
    ASSERT_TRUE(management) << management.error().message;
    management_ = std::move(*management);
  }

  std::string run(const std::string& command) {
    const auto answer = engine_->command("Db", command);
    EXPECT_TRUE(answer) << command << ": " << answer.error().message;
    return answer ? answer->tables.front().rows : "";
  }
  std::string rows(const std::string& query = "T | order by a asc") {
    const auto answer = engine_->query("Db", query);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? answer->tables.front().rows : "";
  }
  azure::Queue queue(const std::string& name) {
    return {transport_, system_, account_.queue, account_.credential(), name};
  }
  azure::Table statuses() {
    return {transport_, system_, account_.table, account_.credential(), "kcstatus"};
  }
  std::string root(const std::string& kind) {
    for (const auto& resource : management_->resources()) {
      if (resource.kind == kind) return resource.root;
    }
    return {};
  }
  // Through the SAS that clients are given.
  std::string upload(const std::string& name, const std::string& bytes) {
    auto address = *azure::parse_blob_address(root("TempStorage"));
    azure::Blobs blobs(transport_, system_, address);
    const auto put = blobs.put(name, bytes);
    EXPECT_TRUE(put) << put.error().message;
    address.path = name;
    return address.url() + "?" + address.credential.secret;
  }
  json message(const std::string& blob, json properties = json::object()) {
    properties["authorizationContext"] = management_->identity_token();
    if (!properties.contains("format")) properties["format"] = "csv";
    const auto id = engine_->new_id().text();
    return {{"Id", id},
            {"BlobPath", blob},
            {"RawDataSize", 10},
            {"DatabaseName", "Db"},
            {"TableName", "T"},
            {"RetainBlobOnSuccess", true},
            {"FlushImmediately", true},
            {"ReportLevel", 2},
            {"ReportMethod", 2},
            {"IngestionStatusInTable",
             {{"TableConnectionString", root("IngestionsStatusTable")},
              {"PartitionKey", id},
              {"RowKey", id}}},
            {"AdditionalProperties", std::move(properties)}};
  }
  void put(const json& body) {
    const auto address = *azure::parse_resource_address(root("SecuredReadyForAggregationQueue"));
    azure::Queue sender(transport_, system_, address.endpoint, address.credential, address.name);
    const auto put = sender.put(base64(body.dump()));
    ASSERT_TRUE(put) << put.error().message;
  }
  std::string status(const json& body, const char* member = "Status") {
    const auto id = body["Id"].get<std::string>();
    const auto entity = statuses().get({id, id});
    if (!entity) return entity.error().service_code;
    const auto at = entity->values.find(member);
    return at == entity->values.end() ? "" : at->second.text;
  }
  json told(const std::string& name) {
    auto own = queue(name);
    const auto messages = own.peek(1);
    if (!messages || messages->empty()) return nullptr;
    return json::parse(*unbase64(messages->front().text));
  }
  std::int64_t waiting() { return *queue("kc-ready-1").length() + *queue("kc-ready-2").length(); }
  // Rounds until something was there, for as long as a hidden message may take to come back.
  void work_until_something() {
    for (int i = 0; i < 2000; ++i) {
      if (management_->work_once()) return;
    }
    FAIL() << "nothing came";
  }

  static inline Azurite* azurite_ = nullptr;
  static inline std::uint64_t seed_ = 0;
  net::CurlTransport transport_;
  SystemClock system_;
  azure::StorageAccount account_;
  fs::path folder_;
  std::shared_ptr<ManualClock> clock_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<DataManagement> management_;
};

TEST_F(QueuedTest, AMessageBecomesRowsAndItsOutcomeIsTold) {
  const auto body = message(upload("one.csv", "1,x\n2,y\n"), {{"tags", "[\"drop-by:t\"]"}});
  put(body);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(rows(), R"([1,"x"],[2,"y"])");
  EXPECT_EQ(status(body), "Succeeded");
  EXPECT_EQ(status(body, "Table"), "T");
  EXPECT_EQ(status(body, "IngestionSourcePath").find("sig="), std::string::npos);
  const auto success = told("kc-successful");
  EXPECT_EQ(success["IngestionSourceId"], body["Id"]);
  EXPECT_TRUE(success.contains("SucceededOn"));
  EXPECT_EQ(waiting(), 0);
  EXPECT_NE(run(".show table T extents | project Tags").find("drop-by:t"), std::string::npos);
}

TEST_F(QueuedTest, AFailureIsToldWithItsCode) {
  const auto absent =
      message(root("TempStorage").substr(0, root("TempStorage").find('?')) + "/absent.csv" +
              root("TempStorage").substr(root("TempStorage").find('?')));
  put(absent);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(status(absent), "Failed");
  EXPECT_EQ(status(absent, "ErrorCode"), "Download_SourceNotFound");
  EXPECT_EQ(status(absent, "FailureStatus"), "Permanent");
  const auto failure = told("kc-failed");
  EXPECT_EQ(failure["ErrorCode"], "Download_SourceNotFound");
  EXPECT_EQ(failure["ShouldRetry"], false);
  EXPECT_EQ(failure.dump().find("sig="), std::string::npos);
  EXPECT_EQ(waiting(), 0);
}

struct Wrong {
  const char *member, *value, *code;
};

TEST_F(QueuedTest, WhatIsWrongWithAMessageIsNamed) {
  const auto blob = upload("fine.csv", "1,x\n");
  for (const auto& [member, value, code] :
       {Wrong{"TableName", "Absent", "BadRequest_TableNotExist"},
        Wrong{"DatabaseName", "Absent", "BadRequest_DatabaseNotExist"},
        Wrong{"BlobPath", "https://x.blob.core.windows.net/c/b;impersonate",
              "BadRequest_InvalidBlobUri"}}) {
    auto body = message(blob);
    body[member] = value;
    put(body);
    EXPECT_TRUE(management_->work_once());
    EXPECT_EQ(status(body, "ErrorCode"), code);
  }
  auto stranger = message(blob);
  stranger["AdditionalProperties"]["authorizationContext"] = "made up";
  put(stranger);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(status(stranger, "ErrorCode"), "BadRequest_InvalidKustoIdentityToken");
  EXPECT_EQ(rows(), "");
}

TEST_F(QueuedTest, APoisonMessageBlocksNothing) {
  auto ready = queue("kc-ready-1");
  ASSERT_TRUE(ready.put("this is no message"));
  const auto body = message(upload("after.csv", "3,z\n"));
  put(body);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(told("kc-failed")["ErrorCode"], "BadRequest_CorruptedMessage");
  EXPECT_EQ(status(body), "Succeeded");
  EXPECT_EQ(waiting(), 0);
}

TEST_F(QueuedTest, BatchesBecomeDueByTheEnginesClock) {
  run(R"(.alter table T policy ingestionbatching '{"MaximumBatchingTimeSpan":"00:00:30"}')");
  for (const auto* row : {"1,x\n", "2,y\n"}) {
    auto body = message(upload(std::string("batch") + row[0] + ".csv", row));
    body["FlushImmediately"] = false;
    put(body);
  }
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(rows(), "");
  clock_->advance(Timespan::seconds(31));
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(rows(), R"([1,"x"],[2,"y"])");
  EXPECT_EQ(rows("T | summarize dcount(ingestion_time())"), "[1]");
  EXPECT_EQ(waiting(), 0);
}

TEST_F(QueuedTest, OneBadBlobDoesNotFailTheOthersOfItsBatch) {
  auto good = message(upload("good.csv", "1,x\n"));
  good["FlushImmediately"] = false;
  auto bad = message(upload("bad.csv", "1,\"never closed\n"));
  put(good);
  put(bad);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(status(good), "Succeeded");
  EXPECT_EQ(status(bad), "Failed");
  EXPECT_EQ(rows(), R"([1,"x"])");
}

TEST_F(QueuedTest, ADeliveryThatIsNotTakenBackComesTwice) {
  open(R"({"DataIngestQueued": {"loseAnswer": 1}})");
  put(message(upload("twice.csv", "1,x\n")));
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(rows(), R"([1,"x"])");
  engine_->set_faults({});
  work_until_something();
  EXPECT_EQ(rows(), R"([1,"x"],[1,"x"])");
  EXPECT_EQ(waiting(), 0);
}

TEST_F(QueuedTest, IngestIfNotExistsMakesARepetitionHarmless) {
  open(R"({"DataIngestQueued": {"loseAnswer": 1}})");
  const auto body = message(upload("once.csv", "1,x\n"), {{"ingestIfNotExists", "[\"once\"]"},
                                                          {"tags", "[\"ingest-by:once\"]"}});
  put(body);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(status(body), "Succeeded");
  engine_->set_faults({});
  work_until_something();
  EXPECT_EQ(rows(), R"([1,"x"])");
  EXPECT_EQ(status(body), "Skipped");
}

TEST_F(QueuedTest, APassingFailureIsTriedAgain) {
  open(R"({"DataIngestQueued": {"failBefore": 1}})");
  const auto body = message(upload("again.csv", "1,x\n"));
  put(body);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(status(body), "ResourceNotFound");
  EXPECT_EQ(rows(), "");
  engine_->set_faults({});
  work_until_something();
  EXPECT_EQ(status(body), "Succeeded");
}

TEST_F(QueuedTest, ALateDeliveryComesByTheEnginesClock) {
  open(R"({"DataIngestQueued": {"delay": "10m"}})");
  put(message(upload("late.csv", "1,x\n")));
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(rows(), "");
  engine_->set_faults({});
  clock_->advance(Timespan::seconds(601));
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(rows(), R"([1,"x"])");
}

TEST_F(QueuedTest, TheBlobGoesOnlyWhereItIsNotRetained) {
  const auto blob = upload("gone.csv", "1,x\n");
  auto body = message(blob);
  body["RetainBlobOnSuccess"] = false;
  put(body);
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(status(body), "Succeeded");
  auto address = *azure::parse_blob_address(blob);
  EXPECT_EQ(azure::Blobs(transport_, system_, address).get(address.path).error().kind,
            ErrorKind::not_found);
}

TEST_F(QueuedTest, CommandsQueueTrackAndCancel) {
  const auto blob = upload("tracked.csv", "7,t\n");
  const auto ingest = [&](const std::string& address) {
    const auto answer = management_->command(
        "Db",
        ".ingest-from-storage-queued into table database('Db').T EnableTracking=true "
        "SkipBatching=true with (format='csv') <| h'" +
            address + "'");
    EXPECT_TRUE(answer) << answer.error().message;
    return json::parse("[" + answer->tables.front().rows + "]")[0][0].get<std::string>();
  };
  const auto state = [&](const std::string& id) {
    const auto answer = management_->command(
        "Db", ".show queued ingestion operations \"" + id +
                  "\" | project State, Discovered, Pending, Canceled, Ingested, Failed");
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? answer->tables.front().rows : "";
  };
  const auto id = ingest(blob);
  EXPECT_EQ(state(id), R"(["InProgress",1,1,0,0,0])");
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(state(id), R"(["Completed",1,0,0,1,0])");
  EXPECT_EQ(rows(), R"([7,"t"])");
  const auto canceled = ingest(blob);
  ASSERT_TRUE(management_->command("Db", ".cancel queued ingestion operation '" + canceled + "'"));
  EXPECT_TRUE(management_->work_once());
  EXPECT_EQ(state(canceled), R"(["Canceled",1,0,1,0,0])");
  EXPECT_EQ(rows(), R"([7,"t"])");
  EXPECT_EQ(waiting(), 0);
  const auto listing = management_->command(
      "Db", ".list blobs (h'" + root("TempStorage") + "') Suffix='tracked.csv'");
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->tables.front().row_count, 1);
  EXPECT_EQ(listing->tables.front().rows.find("sig="), std::string::npos);
}

TEST_F(QueuedTest, TheEngineWritesAndReadsBlobsByItsOwnCommands) {
  run(".ingest inline into table T <| 1,x");
  run(".ingest inline into table T <| 2,y");
  const auto key = account_.blob + "/kc-temp-1/exported;" + account_.key;
  const auto sas = [&](const std::string& path) {
    return account_.blob + "/kc-temp-1/" + path +
           root("TempStorage").substr(root("TempStorage").find('?'));
  };
  for (const auto* format : {"csv", "json", "parquet"}) {
    const auto written =
        run(".export compressed to " + std::string(format) + " (h'" + key +
            "') with (namePrefix='" + format + "/part', distribution='single') <| T");
    const auto path = json::parse("[" + written + "]")[0][0].get<std::string>();
    EXPECT_TRUE(path.starts_with(account_.blob + "/kc-temp-1/exported/" + format + "/part_1_"))
        << path;
    EXPECT_EQ(path.find(account_.key), std::string::npos);
    run(".clear table T data");
    run(".ingest into table T (h'" + sas(path.substr(account_.blob.size() + 11)) +
        "') with (format='" + format + "')");
    EXPECT_EQ(rows(), R"([1,"x"],[2,"y"])");
    const auto outside = engine_->query(
        "Db", "externaldata(a:long, b:string) [h'" + sas(path.substr(account_.blob.size() + 11)) +
                  "'] with (format='" + format + "') | order by a asc");
    ASSERT_TRUE(outside) << outside.error().message;
    EXPECT_EQ(outside->tables.front().rows, R"([1,"x"],[2,"y"])") << format;
  }
  const auto refused = [&](const std::string& command) {
    const auto answer = engine_->command("Db", command);
    return answer ? "" : answer.error().service_code;
  };
  EXPECT_EQ(refused(".ingest into table T (h'" + sas("absent.csv") + "')"),
            "Download_SourceNotFound");
  EXPECT_EQ(refused(".ingest into table T ('" + account_.blob + "/kc-temp-1/absent.csv?sig=x')"),
            "Download_Forbidden");
  EXPECT_EQ(refused(".ingest into table T ('https://x.blob.core.windows.net/c/b;impersonate')"),
            "BadRequest_InvalidBlobUri");
  EXPECT_EQ(
      refused(".export to csv (h'" + account_.blob + "/kc-absent;" + account_.key + "') <| T"),
      "ContainerNotFound");
}

TEST_F(QueuedTest, AnAbsentOperationIsSaidToBeAbsent) {
  const auto answer = management_->command("Db", ".show queued ingestion operations 'x;y'");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace kc::engine
