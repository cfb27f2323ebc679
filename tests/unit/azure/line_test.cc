#include "core/azure/line.h"

#include <gtest/gtest.h>

#include "core/azure/blobs.h"
#include "tests/unit/azure/scripted_transport.h"

namespace kc::azure {
namespace {

class LineTest : public testing::Test {
 protected:
  LineOptions options() {
    LineOptions options;
    options.wait = [this](Timespan span) {
      waits.push_back(span);
      return go_on;
    };
    return options;
  }
  Line line(Credential credential = {Credential::Kind::shared_key, "acct", "SmVmZQ=="}) {
    return {transport,
            clock,
            "http://127.0.0.1:1/acct",
            std::move(credential),
            Line::Service::blob_or_queue,
            options()};
  }
  static StorageCall call(bool repeatable) {
    return {.method = net::Method::put, .path = "/c/b", .body = "x", .repeatable = repeatable};
  }

  ScriptedTransport transport;
  ManualClock clock{*parse_datetime("2026-01-02T03:04:05Z")};
  std::vector<Timespan> waits;
  bool go_on = true;
};

TEST_F(LineTest, SignsEachTryAfresh) {
  transport.answer(500);
  transport.answer(201);
  ASSERT_TRUE(line().send(call(true), {201}, "writing"));
  ASSERT_EQ(transport.calls.size(), 2u);
  std::vector<std::string> ids;
  for (const auto& sent : transport.calls) {
    EXPECT_EQ(sent.url, "http://127.0.0.1:1/acct/c/b");
    EXPECT_FALSE(sent.decompress);
    for (const auto& header : sent.headers) {
      if (header.name == "x-ms-client-request-id") ids.push_back(header.value);
      if (header.name == "x-ms-date") {
        EXPECT_EQ(header.value, "Fri, 02 Jan 2026 03:04:05 GMT");
      }
    }
    EXPECT_TRUE(sent.headers.back().value.starts_with("SharedKey acct:"));
  }
  EXPECT_NE(ids.at(0), ids.at(1));
}

TEST_F(LineTest, SendsASasAsItCameBehindItsOwnQuery) {
  transport.answer(200);
  auto one = line({Credential::Kind::sas, {}, "sv=1&sig=a%2Fb%3D"});
  ASSERT_TRUE(one.send({.path = "/c", .query = {{"comp", "list"}}}, {200}, "listing"));
  EXPECT_EQ(transport.calls[0].url, "http://127.0.0.1:1/acct/c?comp=list&sv=1&sig=a%2Fb%3D");
  for (const auto& header : transport.calls[0].headers) EXPECT_NE(header.name, "Authorization");
}

TEST_F(LineTest, DoublesItsWaitsAndStopsAfterItsTries) {
  for (int i = 0; i < 10; ++i) transport.answer(503);
  const auto result = line().send(call(true), {201}, "writing");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::throttled);
  ASSERT_EQ(transport.calls.size(), 4u);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(transport.calls[static_cast<std::size_t>(i)].attempt, i + 1);
  ASSERT_EQ(waits.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const double base = 0.8 * static_cast<double>(1 << i);
    EXPECT_GE(waits[i].to_seconds(), base * 0.8);
    EXPECT_LE(waits[i].to_seconds(), base * 1.3);
  }
}

// Every line on one transport shares what an account may still be asked again.
TEST_F(LineTest, ADeadAccountIsNotHammered) {
  constexpr int kCalls = 200;
  for (int i = 0; i < 4 * kCalls; ++i) transport.broken("net.unreachable");
  for (int i = 0; i < kCalls; ++i) EXPECT_FALSE(line().send(call(true), {201}, "writing"));
  EXPECT_EQ(transport.calls.size(), kCalls + static_cast<std::size_t>(net::RetryBudget::kKept));
}

TEST_F(LineTest, WaitsAsLongAsTheServiceSays) {
  transport.answer(503, {}, {{"retry-after-ms", "70"}, {"retry-after", "9"}});
  transport.answer(503, {}, {{"x-ms-retry-after-ms", "80"}});
  transport.answer(429, {}, {{"retry-after", "900"}});
  transport.answer(201);
  ASSERT_TRUE(line().send(call(true), {201}, "writing"));
  ASSERT_EQ(waits.size(), 3u);
  EXPECT_EQ(waits[0], Timespan::milliseconds(70));
  EXPECT_EQ(waits[1], Timespan::milliseconds(80));
  EXPECT_EQ(waits[2], Timespan::seconds(60));  // its own limit
}

TEST_F(LineTest, DoesNotRepeatWhatMayHaveHappened) {
  transport.broken("net.broken");
  const auto lost = line().send(call(false), {201}, "writing");
  EXPECT_EQ(lost.error().kind, ErrorKind::unavailable);
  transport.answer(500);
  EXPECT_FALSE(line().send(call(false), {201}, "writing"));
  EXPECT_EQ(transport.calls.size(), 2u);
  // Refused unread, or never sent: again.
  transport.answer(503);
  transport.broken("net.unreachable");
  transport.answer(201);
  EXPECT_TRUE(line().send(call(false), {201}, "writing"));
}

// What is answered with 401 was not executed, whatever it was.
TEST_F(LineTest, ATokenThatIsNotTakenIsRenewedOnce) {
  for (const bool renews : {true, false}) {
    transport.calls.clear();
    std::vector<std::string> refused;
    auto with = options();
    with.token = [&](const std::string& old) -> Result<std::string> {
      refused.push_back(old);
      return old.empty() || !renews ? "first" : "second";
    };
    Line tokens(transport, clock, "https://a.blob.core.windows.net",
                {Credential::Kind::token, {}, {}}, Line::Service::blob_or_queue, with);
    transport.answer(401);
    if (renews) transport.answer(201);
    const auto answer = tokens.send(call(false), {201}, "writing");
    EXPECT_EQ(refused, (std::vector<std::string>{"", "first"}));
    EXPECT_EQ(answer.has_value(), renews);
    ASSERT_EQ(transport.calls.size(), renews ? 2U : 1U);
    EXPECT_EQ(transport.calls.back().headers.back().value,
              renews ? "Bearer second" : "Bearer first");
    EXPECT_TRUE(waits.empty());
  }
}

TEST_F(LineTest, StopsWaiting) {
  go_on = false;
  transport.answer(503);
  EXPECT_EQ(line().send(call(true), {201}, "writing").error().kind, ErrorKind::cancelled);
}

struct Refusal {
  int status;
  ErrorKind kind;
};

TEST_F(LineTest, JudgesByStatusAndCode) {
  for (const auto& [status, kind] :
       {Refusal{404, ErrorKind::not_found}, Refusal{409, ErrorKind::conflict},
        Refusal{412, ErrorKind::conflict}, Refusal{401, ErrorKind::denied},
        Refusal{403, ErrorKind::denied}, Refusal{400, ErrorKind::invalid},
        Refusal{413, ErrorKind::invalid}}) {
    transport.answer(status, {}, {{"x-ms-error-code", "SomeCode"}, {"x-ms-request-id", "r-1"}});
    const auto result = line().send(call(true), {201}, "writing it");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kind);
    EXPECT_EQ(result.error().service_code, "SomeCode");
    EXPECT_EQ(result.error().request_id, "r-1");
    EXPECT_EQ(result.error().message,
              "writing it: http://127.0.0.1:1 answered " + std::to_string(status) + " SomeCode");
  }
}

TEST_F(LineTest, FindsTheCodeInTheBody) {
  EXPECT_EQ(error_code_of({403,
                           {},
                           "<?xml version=\"1.0\"?><Error><Code>AuthorizationFailure</"
                           "Code><Message>m</Message></Error>"}),
            "AuthorizationFailure");
  EXPECT_EQ(error_code_of({409, {}, R"({"odata.error":{"code":"EntityAlreadyExists"}})"}),
            "EntityAlreadyExists");
  EXPECT_EQ(error_code_of({409, {}, "<Error><Code>sig=secret&amp;</Code></Error>"}), "");
  EXPECT_EQ(error_code_of({500, {}, "<<<"}), "");
  EXPECT_EQ(error_code_of({500, {}, "{"}), "");
}

}  // namespace
}  // namespace kc::azure
