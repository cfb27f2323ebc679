// The four tests that keep openapi.yaml true: same doors, same words, same answers, nothing
// untested.
#include <future>
#include <thread>

#include "api/jobs.h"
#include "core/net/exchange_metrics.h"
#include "tests/contract/server_under_test.h"

namespace kc::contract {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kBody =
    R"({"id":"a","lake":"/lake","source":"http://s","destination":"http://d","db":"Samples"})";

std::string body_of(const std::string& id) {
  return R"({"id":")" + id +
         R"(","lake":"/lake","source":"http://s","destination":"http://d","db":"Samples"})";
}

Progress progress_of(const std::string& job, std::uint64_t revision) {
  Progress progress;
  progress.job = job;
  progress.revision = revision;
  progress.as_of = {638'000'000'000'000'000};
  progress.state = JobState::running;
  progress.phase = JobPhase::backfill;
  progress.status_reason = "Copying 2 tables";
  progress.percent = 41.5;
  progress.totals_final = true;
  progress.rows_total = 100;
  progress.bytes_total = 1000;
  progress.blocks_total = 2;
  progress.tables_total = 2;
  progress.rows_done = 40;
  progress.stages = {{"planned", 2, 100, 0}, {"exported", 1, 40, 1}};
  progress.slots = {{"source", "export", 1, 10}, {"destination", "ingestion", 0, std::nullopt}};
  progress.problems = {{"export.failed", "no", "retry", true}};
  progress.tables = {{"T", TableState::running, "exported", 40.0, 100, 40, std::nullopt},
                     {"U", TableState::failed, "", std::nullopt, std::nullopt, 0,
                      Problem{"move.failed", "d", "", false}}};
  return progress;
}

// --- same doors ---

TEST(Contract, SameDoors) {
  std::set<std::string> declared, routed;
  for (const auto& each : the_contract().operations())
    declared.insert(each.method + " " + each.path + " " + each.id);
  for (const auto& each : api::routes()) {
    routed.insert(std::string(each.method) + " " + std::string(each.path) + " " +
                  std::string(each.operation_id));
  }
  EXPECT_EQ(declared, routed);
}

// --- same words ---

template <class Enum>
std::vector<std::string> words(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.emplace_back(to_string(static_cast<Enum>(i)));
  return out;
}

YAML::Node schema(const std::string& name) {
  return the_contract().root()["components"]["schemas"][name];
}
std::vector<std::string> declared_words(const YAML::Node& node) {
  return node["enum"].as<std::vector<std::string>>();
}

TEST(Contract, SameWords) {
  EXPECT_EQ(declared_words(schema("JobState")),
            words<JobState>(static_cast<int>(JobState::failed) + 1));
  EXPECT_EQ(declared_words(schema("JobPhase")),
            words<JobPhase>(static_cast<int>(JobPhase::finalizing) + 1));
  EXPECT_EQ(declared_words(schema("TableState")),
            words<TableState>(static_cast<int>(TableState::failed) + 1));
  const auto spec = schema("JobSpec")["properties"];
  const auto shown = schema("Job")["properties"]["spec"]["properties"];
  for (const auto& node : {spec, shown}) {
    EXPECT_EQ(declared_words(node["format"]),
              words<FormatChoice>(static_cast<int>(FormatChoice::parquet) + 1));
    EXPECT_EQ(declared_words(node["onError"]), words<OnError>(static_cast<int>(OnError::stop) + 1));
  }
  std::vector<std::string> codes;
  for (const auto& each : api::error_codes()) codes.emplace_back(each.code);
  EXPECT_EQ(declared_words(schema("ErrorCode")), codes);
  EXPECT_TRUE(std::is_sorted(codes.begin(), codes.end()));
}

TEST(Contract, SameLimitsAndDefaults) {
  const JobSpec defaults;
  const auto spec = schema("JobSpec")["properties"];
  for (const char* name : {"source", "destination"})
    EXPECT_EQ(spec[name]["maxLength"].as<std::size_t>(), api::kConnectionBytesMax);
  const auto lakes = spec["lake"]["anyOf"];
  EXPECT_EQ(lakes[0]["maxLength"].as<std::size_t>(), api::kConnectionBytesMax);
  EXPECT_EQ(lakes[1]["items"]["maxLength"].as<std::size_t>(), api::kConnectionBytesMax);
  EXPECT_EQ(lakes[1]["maxItems"].as<std::size_t>(), api::kLakesMax);
  for (const char* name : {"db", "destinationDb"})
    EXPECT_EQ(spec[name]["maxLength"].as<std::size_t>(), api::kNameBytesMax);
  EXPECT_EQ(schema("TableNames")["maxItems"].as<std::size_t>(), api::kTablesMax);
  EXPECT_EQ(schema("TableNames")["items"]["maxLength"].as<std::size_t>(), api::kNameBytesMax);
  EXPECT_EQ(schema("Slots")["anyOf"][0]["maximum"].as<int>(), kSlotsMax);
  EXPECT_EQ(spec["querySlots"]["default"].as<std::string>(),
            api::write_slots(defaults.query_slots));
  EXPECT_EQ(spec["exportSlots"]["default"].as<std::string>(),
            api::write_slots(defaults.export_slots));
  EXPECT_EQ(spec["ingestionSlots"]["default"].as<std::string>(),
            api::write_slots(defaults.ingestion_slots));
  EXPECT_EQ(spec["continuous"]["default"].as<bool>(), defaults.continuous);
  EXPECT_EQ(spec["rpo"]["default"].as<std::string>(), format_iso_duration(defaults.rpo));
  EXPECT_EQ(spec["verbose"]["default"].as<bool>(), defaults.verbose);
  EXPECT_EQ(spec["format"]["default"].as<std::string>(), to_string(defaults.format));
  EXPECT_EQ(spec["ingest"]["default"].as<std::string>(), to_string(defaults.ingest));
  EXPECT_EQ(spec["onError"]["default"].as<std::string>(), to_string(defaults.on_error));
  EXPECT_EQ(spec["blockRowsMax"]["default"].as<std::int64_t>(), defaults.block_rows_max);
  EXPECT_EQ(spec["blockRowsMax"]["maximum"].as<std::int64_t>(), api::kBlockRowsMaxMax);
  EXPECT_EQ(spec["blockBytesMax"]["default"].as<std::int64_t>(), defaults.block_bytes_max);
  EXPECT_EQ(spec["blockBytesMax"]["maximum"].as<std::int64_t>(), api::kBlockBytesMaxMax);
  EXPECT_EQ(spec["maxFailures"]["default"].as<int>(), defaults.max_failures);
  EXPECT_EQ(spec["maxFailures"]["maximum"].as<int>(), api::kMaxFailuresMax);
  EXPECT_EQ(spec["setNewIngestionTime"]["default"].as<bool>(), defaults.new_ingestion_time);
  const auto page_size = the_contract().find("GET", "/v1/jobs")->node["parameters"][3]["schema"];
  EXPECT_EQ(page_size["default"].as<std::int64_t>(), api::kPageSizeDefault);
  EXPECT_EQ(page_size["maximum"].as<std::int64_t>(), api::kPageSizeMax);
  EXPECT_EQ(schema("JobPage")["properties"]["items"]["maxItems"].as<std::int64_t>(),
            api::kPageSizeMax);
  EXPECT_EQ(schema("Progress")["properties"]["tables"]["maxItems"].as<std::size_t>(),
            kProgressTablesMax);
  const auto key = the_contract().find("POST", "/v1/jobs")->node["parameters"][2]["schema"];
  EXPECT_EQ(key["maxLength"].as<std::size_t>(), service::kIdempotencyKeyMax);
  EXPECT_EQ(the_contract().root()["info"]["version"].as<std::string>(), api::kApiVersion);
}

// Every field that the reader takes is declared, and the other way round.
TEST(Contract, SameFields) {
  ServerUnderTest server;
  for (const auto& property : schema("JobSpec")["properties"]) {
    const auto name = property.first.as<std::string>();
    const auto answer = server.post_json("/v1/jobs", "{\"" + name + "\":[[]]}");
    EXPECT_THAT(answer.body, Not(HasSubstr("request.unknown_field"))) << name;
  }
}

// --- same answers: everything that is asked goes through ServerUnderTest::ask, which checks the
// answer ---

TEST(Contract, AJobFromSubmissionToItsEnd) {
  ServerUnderTest server;
  const auto created = server.post_json("/v1/jobs", kBody);
  ASSERT_EQ(created.status, 201);
  EXPECT_EQ(created.header("location"), "/v1/jobs/a");
  EXPECT_EQ(created.header("operation-location"), "/v1/jobs/a");
  EXPECT_EQ(created.header("retry-after"), "2");
  const auto job = json::parse(created.body);
  EXPECT_EQ(job["state"], "pending");
  EXPECT_EQ(job["spec"]["destinationDb"], "Samples");
  EXPECT_EQ(job["spec"]["querySlots"]["requested"], "10%");
  EXPECT_EQ(job["spec"]["rpo"], "PT5M");
  ASSERT_THAT(server.pipeline.started(), SizeIs(1));
  EXPECT_FALSE(server.pipeline.started()[0].progress_known);

  server.service->on_opened("a", Uuid{{1}});
  server.service->on_progress(progress_of("a", 3));
  const auto shown = json::parse(server.ask("GET", "/v1/jobs/a").body);
  EXPECT_EQ(shown["state"], "running");
  EXPECT_EQ(shown["phase"], "backfill");
  EXPECT_EQ(shown["statusReason"], "Copying 2 tables");
  EXPECT_EQ(shown["uid"], Uuid{{1}}.text());

  const auto progress = server.ask("GET", "/v1/jobs/a/progress");
  EXPECT_EQ(progress.status, 200);
  EXPECT_EQ(json::parse(progress.body)["percent"], 41.5);
  const auto etag = progress.header("etag");
  for (const auto& tag : {etag, "\"x\", W/" + etag, std::string("*")}) {
    const auto same = server.ask("GET", "/v1/jobs/a/progress", "", {{"If-None-Match", tag}});
    EXPECT_EQ(same.status, 304) << tag;
    EXPECT_EQ(same.header("etag"), etag);
  }
  server.service->on_progress(progress_of("a", 4));
  EXPECT_EQ(server.ask("GET", "/v1/jobs/a/progress", "", {{"If-None-Match", etag}}).status, 200);

  server.service->on_end("a", {.state = JobState::failed,
                               .problem = Problem{.code = "move.failed",
                                                  .detail = "it broke",
                                                  .fix = "mend it",
                                                  .retryable = true},
                               .at = server.clock.now()});
  const auto ended = json::parse(server.ask("GET", "/v1/jobs/a").body);
  EXPECT_EQ(ended["state"], "failed");
  EXPECT_EQ(ended["problem"]["code"], "move.failed");
  EXPECT_FALSE(ended["endedAt"].is_null());
  EXPECT_TRUE(ended["phase"].is_null());
  const auto last = json::parse(server.ask("GET", "/v1/jobs/a/progress").body);
  EXPECT_EQ(last["state"], "failed");
  EXPECT_EQ(last["revision"], 5);
  EXPECT_THAT(last["actions"], IsEmpty());
  EXPECT_EQ(server.ask("POST", "/v1/jobs/a/cancel").status, 409);
}

// The document that says the end appears with the end, never before.
TEST(Contract, JobAndProgressNeverContradictEachOther) {
  ServerUnderTest server;
  server.post_json("/v1/jobs", kBody);
  auto done = progress_of("a", 9);
  done.state = JobState::succeeded;
  done.percent = 100;
  server.service->on_progress(done);
  EXPECT_NE(json::parse(server.ask("GET", "/v1/jobs/a/progress").body)["state"], "succeeded");
  server.service->on_end(
      "a", {.state = JobState::succeeded, .problem = std::nullopt, .at = server.clock.now()});
  const auto last = json::parse(server.ask("GET", "/v1/jobs/a/progress").body);
  EXPECT_EQ(last["state"], "succeeded");
  EXPECT_EQ(last["revision"], 9);
  EXPECT_EQ(last["percent"], 100);
}

TEST(Contract, CancelIsAWishThatMayBeRepeated) {
  ServerUnderTest server;
  server.post_json("/v1/jobs", kBody);
  server.service->on_progress(progress_of("a", 1));
  for (int i = 0; i < 2; ++i) {
    const auto answer = server.ask("POST", "/v1/jobs/a/cancel");
    EXPECT_EQ(answer.status, 202);
    EXPECT_EQ(json::parse(answer.body)["state"], "canceling");
    EXPECT_EQ(json::parse(answer.body)["desiredState"], "canceled");
  }
  EXPECT_THAT(server.pipeline.canceled(), ElementsAre("a", "a"));
  server.service->on_progress(progress_of("a", 2));  // published before the core had seen the wish
  EXPECT_EQ(json::parse(server.ask("GET", "/v1/jobs/a").body)["state"], "canceling");
  EXPECT_THAT(json::parse(server.ask("GET", "/v1/jobs?state=canceling").body)["items"], SizeIs(1));
  server.service->on_end(
      "a", {.state = JobState::canceled, .problem = std::nullopt, .at = server.clock.now()});
  EXPECT_EQ(server.post_json("/v1/jobs/a/cancel", "{}").status, 200);
}

TEST(Contract, PagesThroughJobs) {
  ServerUnderTest server;
  for (int i = 0; i < 5; ++i) {
    server.clock.advance(Timespan::seconds(i % 2));
    ASSERT_EQ(server.post_json("/v1/jobs", body_of("j" + std::to_string(i))).status, 201);
  }
  std::vector<std::string> seen;
  std::string target = "/v1/jobs?pageSize=2&state=running,pending";
  while (!target.empty()) {
    const auto answer = server.ask("GET", target);
    const auto page = json::parse(answer.body);
    for (const auto& item : page["items"]) seen.push_back(item["id"]);
    const bool more = !page["nextLink"].is_null();
    EXPECT_EQ(more, !page["nextPageToken"].get<std::string>().empty());
    target = more ? page["nextLink"].get<std::string>() : "";
    if (more) {
      EXPECT_EQ(answer.header("link"), "<" + target + ">; rel=\"next\"");
    }
    if (more && seen.size() == 2)
      server.post_json("/v1/jobs", body_of("newer"));  // an insert moves nobody
  }
  EXPECT_THAT(seen, ElementsAre("j4", "j3", "j2", "j1", "j0"));
  EXPECT_THAT(json::parse(server.ask("GET", "/v1/jobs?pageSize=5000").body)["items"], SizeIs(6));
  EXPECT_THAT(json::parse(server.ask("GET", "/v1/jobs?pageSize=0&state=failed").body)["items"],
              IsEmpty());
  const auto token = json::parse(server.ask("GET", "/v1/jobs?pageSize=1").body)["nextPageToken"]
                         .get<std::string>();
  EXPECT_THAT(server.ask("GET", "/v1/jobs?state=failed&pageToken=" + token).body,
              HasSubstr("page_token.mismatch"));
  for (const char* bad :
       {"zz", "31", "3120312061", "00", "312039393939393939393939393939393939393939392061203132"}) {
    EXPECT_THAT(server.ask("GET", std::string("/v1/jobs?pageToken=") + bad).body,
                HasSubstr("page_token.invalid"))
        << bad;
  }
}

TEST(Contract, MakesIdsThatSortByTime) {
  ServerUnderTest server;
  std::string before;
  for (int i = 0; i < 3; ++i) {
    server.clock.advance(Timespan::seconds(1));
    const auto body = R"({"lake":"/l","source":"http://s","destination":"http://d","db":"S"})";
    const std::string id = json::parse(server.post_json("/v1/jobs", body).body)["id"];
    EXPECT_EQ(id.substr(0, 3), "cj-");
    EXPECT_TRUE(is_valid_job_id(id)) << id;
    EXPECT_LT(before, id);
    before = id;
  }
}

TEST(Contract, IdempotencyKey) {
  ServerUnderTest server;
  const Headers key{{"Idempotency-Key", "k-1"}};
  const auto first = server.post_json("/v1/jobs", kBody, key);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(first.header("idempotent-replayed"), "");
  server.service->on_progress(progress_of("a", 5));
  const auto again = server.post_json("/v1/jobs", kBody, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.header("idempotent-replayed"), "true");
  EXPECT_EQ(again.header("location"), first.header("location"));
  EXPECT_EQ(again.body, first.body);  // the first answer, not the newest state
  EXPECT_THAT(server.pipeline.started(), SizeIs(1));
  EXPECT_THAT(server.post_json("/v1/jobs", body_of("b"), key).body,
              HasSubstr("idempotency.key_reused"));
  EXPECT_EQ(server.post_json("/v1/jobs", kBody).status,
            409);  // without the key it is another request
  // A request that was refused has not used its key up.
  const Headers other{{"Idempotency-Key", "k-2"}};
  EXPECT_EQ(server.post_json("/v1/jobs", "{}", other).status, 400);
  EXPECT_EQ(server.post_json("/v1/jobs", body_of("c"), other).status, 201);
  server.clock.advance(store::kIdempotencyKept + Timespan::seconds(1));
  EXPECT_EQ(server.post_json("/v1/jobs", body_of("d"), key).status, 201);  // forgotten by now
}

TEST(Contract, IdempotencyKeyOutlivesTheProcess) {
  std::string file = (testing::TempDir() + "kc-contract-XXXXXX");
  ASSERT_NE(mkdtemp(file.data()), nullptr);
  const Headers key{{"Idempotency-Key", "k"}};
  std::string body;
  {
    ServerUnderTest server(file + "/kc.db");
    body = server.post_json("/v1/jobs", kBody, key).body;
  }
  ServerUnderTest server(file + "/kc.db");
  ASSERT_THAT(server.pipeline.started(), SizeIs(1));  // taken up again by itself
  EXPECT_EQ(server.pipeline.started()[0].spec.id, "a");
  EXPECT_EQ(server.post_json("/v1/jobs", kBody, key).body, body);
  EXPECT_THAT(server.pipeline.started(), SizeIs(1));
}

TEST(Contract, IdempotencyKeyInProgress) {
  ServerUnderTest server;
  std::promise<void> inside, release;
  auto released = release.get_future().share();
  server.pipeline.on_start([&](const service::JobStart&) -> Result<void> {
    inside.set_value();
    released.wait();
    return {};
  });
  std::string status;
  std::thread first([&] {
    api::RawClient client(server.http->port());
    status =
        std::to_string(client
                           .exchange("POST /v1/jobs HTTP/1.1\r\nHost: h\r\nContent-Type: "
                                     "application/json\r\nIdempotency-Key: k\r\nContent-Length: " +
                                     std::to_string(std::string(kBody).size()) + "\r\n\r\n" + kBody)
                           .status);
  });
  inside.get_future().wait();
  const auto second = server.post_json("/v1/jobs", kBody, {{"Idempotency-Key", "k"}});
  release.set_value();
  first.join();
  EXPECT_EQ(second.status, 409);
  EXPECT_THAT(second.body, HasSubstr("idempotency.in_progress"));
  EXPECT_EQ(second.header("retry-after"), "1");
  EXPECT_EQ(status, "201");
  server.pipeline.on_start(nullptr);
  EXPECT_EQ(
      server.post_json("/v1/jobs", kBody, {{"Idempotency-Key", "k"}}).header("idempotent-replayed"),
      "true");
}

TEST(Contract, AJobThatCannotStartSaysWhy) {
  ServerUnderTest server;
  server.pipeline.on_start([](const service::JobStart&) -> Result<void> {
    return fail(ErrorKind::denied, "lake.unwritable", "/lake cannot be written: sig=SECRETSECRET");
  });
  const auto job = json::parse(server.post_json("/v1/jobs", kBody).body);
  EXPECT_EQ(job["state"], "failed");
  EXPECT_EQ(job["problem"]["code"], "lake.unwritable");
  EXPECT_THAT(job.dump(), Not(HasSubstr("SECRETSECRET")));
}

TEST(Contract, NeverShowsASecret) {
  ServerUnderTest server;
  const std::string secret = "Sw0rdf1shSw0rdf1sh";
  const auto body = R"({"id":"a","lake":"https://x.blob.core.windows.net/c?sv=1&sig=)" + secret +
                    R"(","source":"https://h.kusto.windows.net;AppClientId=1;AppKey=)" + secret +
                    R"(","destination":"Data Source=https://d;Password=)" + secret +
                    R"(","db":"S"})";
  std::string all = server.post_json("/v1/jobs", body, {{"Idempotency-Key", "k"}}).body;
  all += server.post_json("/v1/jobs", body, {{"Idempotency-Key", "k"}}).body;
  all += server.ask("GET", "/v1/jobs").body + server.ask("GET", "/v1/jobs/a").body +
         server.ask("GET", "/v1/jobs/a/progress").body;
  all += server.ask("POST", "/v1/jobs/a/cancel").body;
  EXPECT_THAT(all, Not(HasSubstr(secret)));
  EXPECT_THAT(all, HasSubstr("***"));
  EXPECT_EQ(server.pipeline.started()[0].spec.source,
            "https://h.kusto.windows.net;AppClientId=1;AppKey=" + secret);
}

TEST(Contract, SeveralLakesComeBackAsAList) {
  ServerUnderTest server;
  const auto made = server.post_json(
      "/v1/jobs",
      R"({"id":"a","lake":["https://x.blob.core.windows.net/c?sig=Sw0rdf1sh","https://y.blob.core.windows.net/c?sig=Sw0rdf1sh"],"source":"http://s","destination":"http://d","db":"S"})");
  EXPECT_EQ(made.status, 201);
  const auto job = json::parse(server.ask("GET", "/v1/jobs/a").body);
  EXPECT_EQ(job["spec"]["lake"], json::array({"https://x.blob.core.windows.net/c?sig=***",
                                              "https://y.blob.core.windows.net/c?sig=***"}));
  EXPECT_EQ(server.pipeline.started()[0].spec.lake,
            "https://x.blob.core.windows.net/c?sig=Sw0rdf1sh\n"
            "https://y.blob.core.windows.net/c?sig=Sw0rdf1sh");
  for (const char* lakes : {"[]", R"(["/a",7])", R"(["/a",""])", R"(["/a\nb"])", "{}", "null"}) {
    const auto refused = server.post_json(
        "/v1/jobs",
        std::string(R"({"source":"http://s","destination":"http://d","db":"S","lake":)") + lakes +
            "}");
    EXPECT_EQ(refused.status, 400) << lakes;
  }
}

TEST(Contract, Probes) {
  ServerUnderTest server;
  EXPECT_EQ(server.ask("GET", "/livez").status, 200);
  EXPECT_EQ(server.ask("GET", "/readyz").status, 200);
  const auto document = server.ask("GET", "/openapi.yaml", "", {{"Accept", "application/*"}});
  EXPECT_EQ(document.status, 200);
  EXPECT_THAT(document.body, HasSubstr("operationId: createJob"));
  EXPECT_EQ(server.ask("HEAD", "/livez").status, 200);
  server.service->shutdown();
  EXPECT_EQ(server.ask("GET", "/livez").status, 200);
  EXPECT_EQ(server.ask("GET", "/readyz").status, 503);
  EXPECT_EQ(server.post_json("/v1/jobs", kBody).status, 503);
  EXPECT_EQ(server.pipeline.stopped(), 1);
}

TEST(Contract, Metrics) {
  ServerUnderTest server;
  // As Prometheus asks.
  const auto answer = server.ask(
      "GET", "/metrics", "",
      {{"Accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("\nkusto_copy_ready 1\n# of the process\n"));
  server.service->shutdown();
  EXPECT_THAT(server.ask("GET", "/metrics").body, HasSubstr("\nkusto_copy_ready 0\n"));
}

// Every metric has its line in the document, and the document names no other.
TEST(Contract, MetricsAreThoseOfTheDocument) {
  net::ExchangeMetrics metrics;
  metrics.saw({.origin = "https://a", .status = 200});
  const std::string described =
      the_contract().find("GET", "/metrics")->node["description"].as<std::string>();
  std::set<std::string> shown{"kusto_copy_ready"}, named;
  const std::string text = metrics.text();
  for (std::size_t at = 0; (at = text.find("# TYPE ", at)) != std::string::npos; ++at)
    shown.insert(text.substr(at + 7, text.find(' ', at + 7) - at - 7));
  for (std::size_t at = 0; (at = described.find("`kusto_copy_", at)) != std::string::npos; ++at)
    named.insert(described.substr(at + 1, described.find('`', at + 1) - at - 1));
  EXPECT_EQ(shown, named);
}

// An example that the document shows is a request that works.
TEST(Contract, EveryExampleIsAccepted) {
  for (const auto& operation : the_contract().operations()) {
    if (!operation.node["requestBody"]) continue;
    for (const auto& example :
         operation.node["requestBody"]["content"]["application/json"]["examples"]) {
      ServerUnderTest server;
      const std::function<json(const YAML::Node&)> to_json = [&](const YAML::Node& node) -> json {
        if (node.IsNull()) return nullptr;
        if (node.IsSequence()) {
          auto out = json::array();
          for (const auto& each : node) out.push_back(to_json(each));
          return out;
        }
        if (node.IsMap()) {
          auto out = json::object();
          for (const auto& each : node) out[each.first.as<std::string>()] = to_json(each.second);
          return out;
        }
        const auto text = node.as<std::string>();
        if (text == "true" || text == "false") return text == "true";
        const bool number = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
          return c >= '0' && c <= '9';
        });
        return number ? json(std::stoll(text)) : json(text);
      };
      const auto body = to_json(example.second["value"]).dump();
      auto path = operation.path;
      if (const auto at = path.find("{id}"); at != std::string::npos) {
        path.replace(at, 4, "a");
        server.post_json("/v1/jobs", kBody);
      }
      const auto answer = server.post_json(path, body);
      EXPECT_LT(answer.status, 300) << operation.id << " " << example.first << ": " << answer.body;
    }
  }
}

// --- the validator itself can fail ---

TEST(Contract, TheValidatorFindsWhatIsWrong) {
  auto& contract = the_contract();
  const auto& operation = *contract.find("GET", "/livez");
  EXPECT_THAT(contract.check(operation, 200, "application/json", R"({"status":"ok"})", true),
              IsEmpty());
  EXPECT_THAT(contract.check(operation, 200, "application/json", R"({"status":"no"})", true),
              Not(IsEmpty()));
  EXPECT_THAT(contract.check(operation, 200, "application/json", R"({"status":"ok","x":1})", true),
              Not(IsEmpty()));
  EXPECT_THAT(contract.check(operation, 200, "application/json", R"({})", true), Not(IsEmpty()));
  EXPECT_THAT(contract.check(operation, 200, "text/plain", R"({"status":"ok"})", true),
              Not(IsEmpty()));
  EXPECT_THAT(contract.check(operation, 299, "application/json", "{}", true), Not(IsEmpty()));
  EXPECT_THAT(contract.check_schema("Percent", "101"), Not(IsEmpty()));
  EXPECT_THAT(contract.check_schema("Time", "\"yesterday\""), Not(IsEmpty()));
  EXPECT_THAT(contract.check_schema("Slots", "\"x\""), Not(IsEmpty()));
  EXPECT_THAT(contract.check_schema("TableNames", "[1]"), Not(IsEmpty()));
}

// --- nothing untested ---

class NothingUntested : public testing::Environment {
  void TearDown() override {
    if (testing::GTEST_FLAG(filter) != "*") return;
    EXPECT_THAT(the_contract().unseen(), IsEmpty())
        << "declared in openapi.yaml, and no answer in this run had it";
  }
};
const auto* const kNothingUntested = testing::AddGlobalTestEnvironment(new NothingUntested);

}  // namespace
}  // namespace kc::contract
