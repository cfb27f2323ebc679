// What a user or a stranger may send by mistake or on purpose: each has its own code, pointer and
// sentence, and none is a 500.
#include "tests/contract/server_under_test.h"

namespace kc::contract {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRest =
    R"("lake":"/l","source":"http://s","destination":"http://d","db":"S")";

struct Complaint {
  std::string code, pointer;
  friend bool operator==(const Complaint&, const Complaint&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Complaint& c) {
    return out << c.code << " at " << c.pointer;
  }
};

std::vector<Complaint> complaints(const api::RawAnswer& answer) {
  std::vector<Complaint> out;
  const auto body = json::parse(answer.body);
  for (const auto& each : body["errors"]) {
    out.push_back({each["code"], each.contains("pointer") ? each["pointer"].get<std::string>()
                                                          : each["parameter"].get<std::string>()});
  }
  return out;
}

TEST(BadInput, EachFieldHasItsOwnCodeAndPointer) {
  ServerUnderTest server;
  const std::string long_name(1025, 'x');
  const struct {
    std::string extra;  // beside the required fields
    int status;
    Complaint complaint;
  } cases[] = {
      {R"("tables_include":["T"])", 400, {"request.unknown_field", "/tables_include"}},
      {R"("a/b~c":1)", 400, {"request.unknown_field", "/a~1b~0c"}},
      {R"("id":"UPPER")", 400, {"request.invalid_field", "/id"}},
      {R"("id":"../etc")", 400, {"request.invalid_field", "/id"}},
      {R"("id":7)", 400, {"request.invalid_field", "/id"}},
      {R"("id":")" + std::string(64, 'a') + "\"", 400, {"request.invalid_field", "/id"}},
      {R"("destinationDb":"")", 400, {"request.invalid_field", "/destinationDb"}},
      {R"("destinationDb":null)", 400, {"request.invalid_field", "/destinationDb"}},
      {R"("destinationDb":")" + long_name + "\"", 400, {"request.invalid_field", "/destinationDb"}},
      {R"("destinationDb":"a\u0000b")", 400, {"request.invalid_field", "/destinationDb"}},
      {R"("tablesInclude":"T")", 400, {"request.invalid_field", "/tablesInclude"}},
      {R"("tablesInclude":["T",3])", 400, {"request.invalid_field", "/tablesInclude/1"}},
      {R"("tablesExclude":[""])", 400, {"request.invalid_field", "/tablesExclude/0"}},
      {R"("querySlots":0)", 400, {"slots.invalid", "/querySlots"}},
      {R"("querySlots":"0%")", 400, {"slots.invalid", "/querySlots"}},
      {R"("exportSlots":"101%")", 400, {"slots.invalid", "/exportSlots"}},
      {R"("exportSlots":"many")", 400, {"slots.invalid", "/exportSlots"}},
      {R"("ingestionSlots":1.5)", 400, {"slots.invalid", "/ingestionSlots"}},
      {R"("ingestionSlots":99999999999999999999)", 400, {"slots.invalid", "/ingestionSlots"}},
      {R"("continuous":"yes")", 400, {"request.invalid_field", "/continuous"}},
      {R"("continuous":true)", 422, {"job.unsupported", "/continuous"}},
      {R"("backfillHorizon":"7d")", 422, {"job.unsupported", "/backfillHorizon"}},
      {R"("rpo":5)", 400, {"duration.invalid", "/rpo"}},
      {R"("rpo":"5")", 400, {"duration.invalid", "/rpo"}},
      {R"("rpo":"soon")", 400, {"duration.invalid", "/rpo"}},
      {R"("rpo":"-5m")", 400, {"duration.invalid", "/rpo"}},
      {R"("rpo":["5m"])", 400, {"request.invalid_field", "/rpo"}},
      {R"("verbose":1)", 400, {"request.invalid_field", "/verbose"}},
      {R"("format":"avro")", 400, {"request.invalid_field", "/format"}},
      {R"("onError":null)", 400, {"request.invalid_field", "/onError"}},
      {R"("blockRowsMax":0)", 400, {"request.invalid_field", "/blockRowsMax"}},
      {R"("blockRowsMax":1e300)", 400, {"request.invalid_field", "/blockRowsMax"}},
      {R"("blockBytesMax":"2GB")", 400, {"request.invalid_field", "/blockBytesMax"}},
      {R"("maxFailures":-1)", 400, {"request.invalid_field", "/maxFailures"}},
      {R"("setNewIngestionTime":0)", 400, {"request.invalid_field", "/setNewIngestionTime"}},
      {R"("db":"T")", 400, {"request.duplicate_field", "/db"}},
  };
  for (const auto& each : cases) {
    const auto answer =
        server.post_json("/v1/jobs", std::string("{") + kRest + "," + each.extra + "}");
    EXPECT_EQ(answer.status, each.status) << each.extra;
    EXPECT_THAT(complaints(answer), ElementsAre(each.complaint)) << each.extra;
    EXPECT_EQ(json::parse(answer.body)["code"], each.complaint.code);
  }
  EXPECT_THAT(server.pipeline.started(), IsEmpty());
}

TEST(BadInput, TakesEverySpelling) {
  ServerUnderTest server;
  for (const char* extra :
       {R"("rpo":"5m")", R"("rpo":"00:05:00")", R"("rpo":"PT5M")", R"("rpo":"1.02:03:04")",
        R"("querySlots":4)", R"("querySlots":"4")", R"("querySlots":"7%")", R"("blockRowsMax":5.0)",
        R"("backfillHorizon":null)", R"("format":"parquet")"}) {
    EXPECT_EQ(server.post_json("/v1/jobs", std::string("{") + kRest + "," + extra + "}").status,
              201)
        << extra;
  }
  EXPECT_EQ(server.pipeline.started()[0].spec.rpo, Timespan::seconds(300));
  EXPECT_EQ(server.pipeline.started()[5].spec.query_slots,
            (SlotShare{.percent = false, .amount = 4}));
}

TEST(BadInput, TellsEverythingAtOnce) {
  ServerUnderTest server;
  const auto answer = server.post_json(
      "/v1/jobs", R"({"db":3,"continuous":true,"querySlots":"x","tablesIncludes":[]})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(complaints(answer),
              testing::UnorderedElementsAre(Complaint{"request.missing_field", "/lake"},
                                            Complaint{"request.missing_field", "/source"},
                                            Complaint{"request.missing_field", "/destination"},
                                            Complaint{"request.invalid_field", "/db"},
                                            Complaint{"job.unsupported", "/continuous"},
                                            Complaint{"slots.invalid", "/querySlots"},
                                            Complaint{"request.unknown_field", "/tablesIncludes"}));
  EXPECT_THAT(answer.body, HasSubstr("did you mean 'tablesInclude'?"));
}

TEST(BadInput, SuggestsTheNearestName) {
  ServerUnderTest server;
  const auto ask = [&](const std::string& name) {
    return server.post_json("/v1/jobs", "{\"" + name + "\":1}").body;
  };
  EXPECT_THAT(ask("tables_include"), HasSubstr("did you mean 'tablesInclude'?"));
  EXPECT_THAT(ask("--tables-exclude"), HasSubstr("did you mean 'tablesExclude'?"));
  EXPECT_THAT(ask("Lake"), HasSubstr("did you mean 'lake'?"));
  EXPECT_THAT(ask("somethingElse"), testing::Not(HasSubstr("did you mean")));
}

TEST(BadInput, MalformedJson) {
  ServerUnderTest server;
  for (const char* body : {"{", "{\"a\":}", "nul", "{\"lake\":\"\xff\"}", "{} {}", "{\"a\":1e999}",
                           "\xef\xbb\xbf{", "[1,2", "{'a':1}"}) {
    const auto answer = server.post_json("/v1/jobs", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(json::parse(answer.body)["code"], "request.malformed_json") << body;
  }
  EXPECT_THAT(server.post_json("/v1/jobs", "{\n  \"lake\": oops}").body,
              HasSubstr("line 2, column 11"));
  for (const char* body : {"[]", "3", "\"x\"", "null"}) {
    EXPECT_THAT(complaints(server.post_json("/v1/jobs", body)),
                ElementsAre(Complaint{"request.invalid_field", ""}))
        << body;
  }
}

TEST(BadInput, ContentTypeAndAccept) {
  ServerUnderTest server;
  const auto curl = server.ask("POST", "/v1/jobs", std::string("{") + kRest + "}",
                               {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(curl.status, 415);
  EXPECT_THAT(curl.body, HasSubstr("--json"));
  EXPECT_EQ(server.ask("POST", "/v1/jobs", "{}").status, 415);
  EXPECT_EQ(server.ask("POST", "/v1/jobs").status, 415);
  EXPECT_EQ(server
                .ask("POST", "/v1/jobs", std::string("{") + kRest + ",\"id\":\"a\"}",
                     {{"Content-Type", "Application/JSON; charset=utf-8"}})
                .status,
            201);
  EXPECT_EQ(server.ask("POST", "/v1/jobs/a/cancel", "x=y", {{"Content-Type", "text/plain"}}).status,
            415);
  EXPECT_THAT(complaints(server.post_json("/v1/jobs/a/cancel", R"({"now":1})")),
              ElementsAre(Complaint{"request.unknown_field", "/now"}));
  EXPECT_EQ(server.ask("POST", "/v1/jobs/none/cancel").status, 404);
  for (const auto& operation : the_contract().operations()) {
    auto path = operation.path;
    if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "a");
    const bool post = operation.method == "POST";
    const Headers type{{"Content-Type", "application/json"}};
    const auto with = [&](Headers more) {
      if (post) more.insert(more.end(), type.begin(), type.end());
      return server.ask(operation.method, path, post ? "{}" : "", more).status;
    };
    EXPECT_EQ(with({{"Accept", "text/html"}}), 406) << operation.id;
    EXPECT_EQ(with({{"Accept", "application/json;q=0, application/yaml;q=0"}}), 406)
        << operation.id;
    if (post) {
      EXPECT_EQ(with({{"Origin", "http://evil.example"}}), 403) << operation.id;
      EXPECT_NE(with({{"Origin", "http://127.0.0.1"}}), 403) << operation.id;
    }
    const auto unknown = server.ask(operation.method, path + "?frob=1&api-version=1999-01-01",
                                    post ? "{}" : "", post ? type : Headers{});
    EXPECT_EQ(unknown.status, 400) << operation.id;
    EXPECT_THAT(complaints(unknown),
                testing::UnorderedElementsAre(Complaint{"request.unknown_parameter", "frob"},
                                              Complaint{"api_version.unsupported", "api-version"}));
  }
}

TEST(BadInput, PathsMethodsAndParameters) {
  ServerUnderTest server;
  for (const char* path : {"/", "/v1", "/v1/jobs/", "/v1/jobs/a/b", "/v1/jobs/a%2Fprogress/x",
                           "//v1/jobs", "/v1/jobs/../jobs", "/favicon.ico"}) {
    const auto answer = server.ask("GET", path);
    EXPECT_EQ(answer.status, 404) << path;
  }
  for (const char* id :
       {"none", "a%2Fb", "%F0%9F%98%80", "UPPER", "..", "a'b;drop%20table%20job"}) {
    EXPECT_EQ(json::parse(server.ask("GET", std::string("/v1/jobs/") + id).body)["code"],
              "job.not_found")
        << id;
    EXPECT_EQ(server.ask("GET", std::string("/v1/jobs/") + id + "/progress").status, 404) << id;
  }
  const auto deleted = server.ask("DELETE", "/v1/jobs");
  EXPECT_EQ(deleted.status, 405);
  EXPECT_EQ(deleted.header("allow"), "OPTIONS, POST, GET, HEAD");
  EXPECT_EQ(server.ask("FROB", "/v1/jobs/a/cancel").header("allow"), "OPTIONS, POST");
  EXPECT_EQ(server.ask("TRACE", "/livez").status, 405);
  EXPECT_EQ(server.ask("OPTIONS", "/livez").status, 204);
  EXPECT_EQ(server.ask("OPTIONS", "/livez").header("allow"), "OPTIONS, GET, HEAD");
  for (const char* query :
       {"state=dreaming", "state=", "state=running,", "pageSize=-1", "pageSize=x",
        "pageSize=1&pageSize=2", "pageSize=99999999999999999999"}) {
    const auto answer = server.ask("GET", std::string("/v1/jobs?") + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_THAT(answer.body, HasSubstr("request.invalid_parameter")) << query;
  }
  EXPECT_EQ(server.ask("GET", "/v1/jobs?api-version=2026-10-01").status, 200);
}

TEST(BadInput, RequestIdsAndKeys) {
  ServerUnderTest server;
  EXPECT_EQ(server.ask("GET", "/livez", "", {{"X-Request-Id", "ci-42_a.b"}}).header("x-request-id"),
            "ci-42_a.b");
  for (const auto& bad : {std::string("a b"), std::string("<script>"), std::string(129, 'a'),
                          std::string("a%0d%0ab")}) {
    const auto given =
        server.ask("GET", "/livez", "", {{"X-Request-Id", bad}}).header("x-request-id");
    EXPECT_EQ(given.size(), 36U) << bad;
  }
  EXPECT_EQ(
      json::parse(server.ask("GET", "/v1/jobs/x", "", {{"X-Request-Id", "r1"}}).body)["requestId"],
      "r1");
  for (const auto& bad : {std::string(), std::string("a b"), std::string(256, 'k')}) {
    const auto answer =
        server.post_json("/v1/jobs", std::string("{") + kRest + "}", {{"Idempotency-Key", bad}});
    EXPECT_THAT(complaints(answer),
                ElementsAre(Complaint{"idempotency.key_invalid", "Idempotency-Key"}))
        << bad;
  }
}

TEST(BadInput, TooLarge) {
  ServerUnderTest server;
  api::RawClient client(server.http->port());
  const auto answer = client.exchange(
      "POST /v1/jobs HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: "
      "99999999\r\n\r\n");
  const auto wrong = the_contract().check(*the_contract().find("POST", "/v1/jobs"), answer.status,
                                          answer.header("content-type"), answer.body, true);
  EXPECT_THAT(wrong, IsEmpty());
  EXPECT_EQ(answer.status, 413);
}

// A small corpus: whatever comes, the answer is the client's fault, is well-formed, and the server
// lives.
TEST(BadInput, NothingMakesA500) {
  ServerUnderTest server;
  const std::string deep(200'000, '[');
  const std::vector<std::string> bodies{
      deep,
      std::string(100'000, '{'),
      "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}",
      "{\"\":1}",
      "{\"\\u0000\":1}",
      "{\"\\ud800\":1}",
      "{\"lake\":\"\\udfff\"}",
      "-",
      "-0",
      "1e",
      "\"\\x\"",
      std::string("\0\0\0", 3),
      "{\"id\":{}}",
      "{\"tablesInclude\":[[[[]]]]}",
      "{\"rpo\":\"" + std::string(10'000, '9') + "m\"}",
      "{\"rpo\":\"P99999999999999999999Y\"}",
      "{\"querySlots\":\"" + std::string(50, '9') + "%\"}",
      "{\"blockRowsMax\":9223372036854775808}",
      "{\"blockRowsMax\":-9223372036854775809}",
      "{\"" + std::string(60'000, 'x') + "\":1}"};
  for (const auto& body : bodies) {
    const auto answer = server.post_json("/v1/jobs", body);
    EXPECT_EQ(answer.status, 400) << body.substr(0, 60);
  }
  const std::string post = "POST /v1/jobs HTTP/1.1\r\nHost: h\r\nContent-Type: ";
  const std::string multipart = post + "multipart/form-data; ";
  const std::vector<std::string> raw{
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET /v1/jobs?%ZZ=%00 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /v1/jobs?state=%ff%fe HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /v1/jobs?%ff HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /v1/jobs?pageToken=%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /v1/jobs?" + std::string(4000, '&') + " HTTP/1.1\r\nHost: h\r\n\r\n",
      multipart + "boundary=\r\nContent-Length: 2\r\n\r\n--",
      multipart + "boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\nabcd",
      post + "application/json\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
      "GET /livez HTTP/1.1\r\nHost: h\r\nAccept: ,;,;q=,*;q=x\r\n\r\n",
      "GET /livez HTTP/1.1\r\nHost: \r\nOrigin: ://\r\n\r\n",
      "\x16\x03\x01\x02",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
  for (const auto& bytes : raw) {
    api::RawClient client(server.http->port());
    client.send(bytes);
    ::shutdown(client.socket(), SHUT_WR);
    const auto answer = client.receive();
    EXPECT_NE(answer.status, 500) << bytes.substr(0, 60);
    if (answer.status >= 400) {
      EXPECT_THAT(the_contract().check_schema("ProblemDocument", answer.body), IsEmpty())
          << bytes.substr(0, 60);
    }
  }
  EXPECT_EQ(server.ask("GET", "/livez").status, 200);
}

}  // namespace
}  // namespace kc::contract
