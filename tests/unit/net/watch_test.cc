#include "core/net/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "core/base/clock.h"
#include "core/net/curl_transport.h"
#include "core/net/exchange_log.h"
#include "core/net/exchange_metrics.h"
#include "tests/fakes/gzip_by_zlib.h"
#include "tests/fakes/raw_server.h"
#include "tests/unit/net/exchanges.h"

namespace kc::net {
namespace {

using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

struct Kept : ExchangeWatcher {
  struct One {
    ExchangeSeen seen;
    std::string origin, path, request_id, error;
  };
  void saw(const ExchangeSeen& seen) override {
    all.push_back({seen, std::string(seen.origin), std::string(seen.path),
                   std::string(seen.request_id), std::string(seen.error)});
  }
  std::vector<One> all;
};

HttpCall post(std::string url, std::string body = "{}") {
  return {.method = Method::post, .url = std::move(url), .body = std::move(body)};
}

TEST(Watch, TellsWhatAnExchangeWasLike) {
  const std::string packed = fakes::gzip_by_zlib(std::string(100'000, 'x'));
  RawServer server([&](RawConnection& c) {
    answer_all(c, raw_answer(201, packed, "Content-Encoding: gzip\r\n"));
  });
  Kept kept;
  CurlTransport transport({.watchers = {&kept}});
  auto call = post(server.url("/a/b?sig=secret#x"), "12345");
  call.headers = {{"X-MS-Client-Request-Id", "id-1"}, {"Authorization", "Bearer secret"}};
  call.attempt = 3;
  ASSERT_TRUE(transport.exchange(call));
  ASSERT_TRUE(transport.exchange(call));
  ASSERT_THAT(kept.all, SizeIs(2));
  const auto& first = kept.all[0];
  EXPECT_EQ(first.seen.method, Method::post);
  EXPECT_EQ(first.origin + "/", server.url());
  EXPECT_EQ(first.path, "/a/b");
  EXPECT_EQ(first.request_id, "id-1");
  EXPECT_EQ(first.seen.attempt, 3);
  EXPECT_EQ(first.seen.status, 201);
  EXPECT_EQ(first.error, "");
  EXPECT_EQ(first.seen.bytes_out, 5U);
  EXPECT_EQ(first.seen.bytes_in, packed.size());
  EXPECT_TRUE(first.seen.sent && first.seen.connected);
  EXPECT_GT(first.seen.took.ticks, 0);
  EXPECT_TRUE(kept.all[1].seen.sent);
  EXPECT_FALSE(kept.all[1].seen.connected);  // kept from the first
}

TEST(Watch, TellsFailuresByTheirCode) {
  RawServer server([](RawConnection& c) {
    c.read_request();
    c.reset();
  });
  Kept kept;
  CurlTransport transport({.watchers = {&kept}});
  EXPECT_FALSE(transport.exchange(post(server.url())));
  EXPECT_FALSE(transport.exchange(
      post("http://127.0.0.1:" + std::to_string(fakes::refused_port()) + "?sig=secret")));
  ASSERT_THAT(kept.all, SizeIs(2));
  EXPECT_EQ(kept.all[0].error, "net.broken");
  EXPECT_EQ(kept.all[0].seen.status, 0);
  EXPECT_EQ(kept.all[0].seen.bytes_out, 2U);
  EXPECT_EQ(kept.all[1].error, "net.unreachable");
  EXPECT_EQ(kept.all[1].path, "/");
  EXPECT_FALSE(kept.all[1].seen.sent);
  EXPECT_EQ(kept.all[1].seen.bytes_out, 0U);
}

TEST(ExchangeLog, WritesOneLineWithoutSecretsAtDebugOnly) {
  RawServer server([](RawConnection& c) { answer_all(c, raw_answer(200, "ok")); });
  for (const Level level : {Level::info, Level::debug}) {
    const SystemClock clock;
    std::mutex mutex;
    std::string lines;
    Log log = Log::to(clock, {.level = level}, [&](std::string_view line) {
      std::lock_guard lock(mutex);
      lines += std::string(line) + "\n";
    });
    ExchangeLog watcher(log);
    CurlTransport transport({.watchers = {&watcher}});
    auto call = post(server.url("/container/blob?sv=1&sig=Sw0rdf1sh"), "AppKey=Sw0rdf1sh");
    call.headers = {{"Authorization", "Bearer Sw0rdf1sh"}, {"x-ms-client-request-id", "id-7"}};
    ASSERT_TRUE(transport.exchange(call));
    EXPECT_THAT(lines, Not(HasSubstr("Sw0rdf1sh")));
    if (level == Level::info) {
      EXPECT_EQ(lines, "");
    } else {
      EXPECT_THAT(lines, AllOf(HasSubstr("net.exchange"), HasSubstr("POST"),
                               HasSubstr("/container/blob"), HasSubstr("200"), HasSubstr("id-7")));
    }
  }
}

ExchangeSeen seen(std::string_view origin, int status, std::string_view error = {}) {
  return {.origin = origin, .status = status, .error = error, .took = Timespan::milliseconds(250)};
}

TEST(ExchangeMetrics, CountsByOriginAndOutcome) {
  ExchangeMetrics metrics;
  auto one = seen("https://a", 200);
  one.bytes_out = 10;
  one.bytes_in = 20;
  one.sent = one.connected = true;
  metrics.saw(one);
  one.connected = false;
  one.attempt = 2;
  metrics.saw(one);
  metrics.saw(seen("https://a", 0, "net.timeout"));
  metrics.saw(seen("https://b", 429));
  const auto text = metrics.text();
  for (const char* line :
       {R"(kusto_copy_exchanges_total{origin="https://a",outcome="200"} 2)",
        R"(kusto_copy_exchanges_total{origin="https://a",outcome="net.timeout"} 1)",
        R"(kusto_copy_exchanges_total{origin="https://b",outcome="429"} 1)",
        R"(kusto_copy_exchange_seconds_total{origin="https://a",outcome="200"} 0.500000)",
        R"(kusto_copy_exchange_retries_total{origin="https://a"} 1)",
        R"(kusto_copy_exchange_sent_bytes_total{origin="https://a"} 20)",
        R"(kusto_copy_exchange_received_bytes_total{origin="https://a"} 40)",
        R"(kusto_copy_exchange_connections_total{connection="made",origin="https://a"} 1)",
        R"(kusto_copy_exchange_connections_total{connection="kept",origin="https://a"} 1)",
        R"(kusto_copy_exchange_connections_total{connection="made",origin="https://b"} 0)"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("# TYPE kusto_copy_exchanges_total counter\n"));
}

TEST(ExchangeMetrics, StaysBoundedWhateverIsCounted) {
  ExchangeMetrics metrics;
  for (int i = 0; i < 1000; ++i) {
    metrics.saw(seen("https://h" + std::to_string(i), 200));
    metrics.saw(seen("https://h0", 0, "code" + std::to_string(i)));
  }
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr(R"(kusto_copy_exchanges_total{origin="other",outcome="200"} 800)"));
  EXPECT_THAT(text, HasSubstr(R"({origin="https://h0",outcome="other"} 961)"));
  EXPECT_LT(text.size(), 200'000U);
}

TEST(ExchangeMetrics, ALabelCannotEndItsLine) {
  ExchangeMetrics metrics;
  metrics.saw(seen("https://a\"\n\\", 200));
  EXPECT_THAT(metrics.text(), HasSubstr(R"({origin="https://a\" \\",outcome="200"} 1)"));
}

}  // namespace
}  // namespace kc::net
