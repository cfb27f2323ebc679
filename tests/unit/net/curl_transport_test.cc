#include "core/net/curl_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/fakes/gzip_by_zlib.h"
#include "tests/fakes/raw_server.h"
#include "tests/unit/net/exchanges.h"

namespace kc::net {
namespace {

using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;
using testing::HasSubstr;
using testing::Not;

HttpCall post(std::string url, std::string body = "{}") {
  return {.method = Method::post, .url = std::move(url), .body = std::move(body)};
}

TEST(CurlTransport, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  std::promise<fakes::RawRequest> seen;
  RawServer server([&](RawConnection& c) {
    seen.set_value(*c.read_request());
    c.send(raw_answer(418, "tea", "X-Ms-Activity-Id:  abc \r\nEmpty:\r\n"));
    c.wait_until_client_closes();
  });
  CurlTransport transport;
  auto call = post(server.url("/v1/rest/mgmt?a=%2F%2B"), "body");
  call.headers = {{"x-ms-app", "kusto-copy"}, {"x-empty", ""}};
  const auto answer = transport.exchange(call);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 418);
  EXPECT_EQ(answer->body, "tea");
  ASSERT_NE(answer->header("x-ms-activity-id"), nullptr);
  EXPECT_EQ(*answer->header("x-ms-activity-id"), "abc");
  ASSERT_NE(answer->header("empty"), nullptr);
  EXPECT_EQ(answer->header("absent"), nullptr);
  const auto request = seen.get_future().get();
  EXPECT_THAT(request.head, testing::StartsWith("POST /v1/rest/mgmt?a=%2F%2B HTTP/1.1\r\n"));
  EXPECT_THAT(request.head, HasSubstr("x-ms-app: kusto-copy"));
  EXPECT_THAT(request.head, HasSubstr("x-empty:"));
  EXPECT_THAT(request.head, Not(HasSubstr("Expect")));
  EXPECT_EQ(request.body, "body");
}

TEST(CurlTransport, SendsEveryMethod) {
  std::mutex mutex;
  std::vector<std::string> lines;
  RawServer server([&](RawConnection& c) {
    while (auto request = c.read_request()) {
      {
        std::lock_guard lock(mutex);
        lines.push_back(request->head.substr(0, request->head.find("\r\n")) + "|" + request->body);
      }
      c.send(request->head.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
                                               : raw_answer(200, "abc"));
    }
  });
  CurlTransport transport;
  for (const Method method :
       {Method::get, Method::head, Method::put, Method::post, Method::delete_}) {
    HttpCall call{.method = method, .url = server.url("/x")};
    if (method == Method::put) call.body = "content";
    const auto answer = transport.exchange(call);
    ASSERT_TRUE(answer) << to_string(method) << answer.error().message;
    EXPECT_EQ(answer->body, method == Method::head ? "" : "abc");
  }
  std::lock_guard lock(mutex);
  EXPECT_THAT(lines, testing::ElementsAre("GET /x HTTP/1.1|", "HEAD /x HTTP/1.1|",
                                          "PUT /x HTTP/1.1|content", "POST /x HTTP/1.1|",
                                          "DELETE /x HTTP/1.1|"));
}

TEST(CurlTransport, KeepsTheConnection) {
  RawServer server([](RawConnection& c) { answer_all(c, raw_answer(200, "ok")); });
  CurlTransport transport;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(transport.exchange(post(server.url())));
  EXPECT_EQ(server.connections(), 1);
}

// What is beyond the limit waits for a connection, and only what goes to the same place.
TEST(CurlTransport, HoldsNoMoreConnectionsToOneOriginThanAllowed) {
  std::promise<void> go;
  const auto released = go.get_future().share();
  std::atomic<int> inside = 0, most = 0;
  std::promise<void> two;
  RawServer slow([&](RawConnection& c) {
    while (c.read_request()) {
      const int now = ++inside;
      if (now > most) most = now;
      if (now == 2 && released.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
        two.set_value();
      released.wait();
      --inside;
      c.send(raw_answer(200, "slow"));
    }
  });
  RawServer other([](RawConnection& c) { answer_all(c, raw_answer(200, "other")); });
  CurlTransport transport({.connections_per_origin_max = 2});
  std::vector<std::future<Result<HttpAnswer>>> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.push_back(
        std::async(std::launch::async, [&] { return transport.exchange(post(slow.url())); }));
  }
  two.get_future().wait();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(transport.exchange(post(other.url())));
  EXPECT_EQ(inside, 2);
  go.set_value();
  for (auto& one : waiting) EXPECT_TRUE(one.get());
  EXPECT_LE(most, 2);
  EXPECT_LE(slow.connections(), 2);
}

TEST(CurlTransport, RefusedConnectionIsUnreachableAndSaysThatNothingWasSent) {
  CurlTransport transport;
  const auto answer = transport.exchange(
      post("http://127.0.0.1:" + std::to_string(fakes::refused_port()) + "/path?sig=secret"));
  expect_unavailable(answer, "net.unreachable", "nothing was sent");
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_THAT(answer.error().message, Not(HasSubstr("secret")));
}

TEST(CurlTransport, ResetAtAnyPointOfTheAnswerIsBrokenAndMayHaveHappened) {
  const std::string whole = raw_answer(200, "0123456789");
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{5}, std::size_t{20}, whole.size() - 1}) {
    RawServer server([&](RawConnection& c) {
      c.read_request();
      c.send(whole.substr(0, bytes));
      c.reset();
    });
    CurlTransport transport;
    const auto answer = transport.exchange(post(server.url()));
    ASSERT_FALSE(answer) << bytes;
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable) << bytes;
    EXPECT_EQ(answer.error().code, "net.broken") << bytes;
    EXPECT_THAT(answer.error().message, HasSubstr("may have executed"));
  }
}

TEST(CurlTransport, ClosedInsideTheBodyIsBroken) {
  RawServer server([](RawConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  CurlTransport transport;
  const auto answer = transport.exchange(post(server.url()));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "net.broken");
}

// The server takes a second request on a kept connection and closes without a word: it may have
// executed it.
TEST(CurlTransport, ClosedInsideTheHeadIsBroken) {
  const std::string head = "HTTP/1.1 201 Created\r\nx-ms-version: 1\r\nContent-Length: 0\r\n\r\n";
  CurlTransport transport;
  for (std::size_t bytes = 0; bytes <= head.size(); ++bytes) {
    RawServer server([&](RawConnection& c) {
      if (c.read_request()) c.send(head.substr(0, bytes));
    });
    const auto answer = transport.exchange(post(server.url()));
    if (bytes == head.size()) {
      EXPECT_TRUE(answer) << answer.error().message;
      continue;
    }
    ASSERT_FALSE(answer) << bytes << " bytes of " << head.size();
    EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(answer.error().code, "net.broken") << answer.error().message;
  }
}

TEST(CurlTransport, NeverSendsTwiceWhatIsNotRepeatable) {
  for (const bool repeatable : {false, true}) {
    std::atomic<int> requests = 0;
    RawServer server([&](RawConnection& c) {
      for (int on_this = 1; c.read_request(); ++on_this) {
        ++requests;
        if (c.number() == 1 && on_this == 2) return;
        c.send(raw_answer(200, "ok"));
      }
    });
    CurlTransport transport;
    ASSERT_TRUE(transport.exchange(post(server.url())));
    auto call = post(server.url());
    call.repeatable = repeatable;
    const auto second = transport.exchange(call);
    EXPECT_EQ(second.has_value(), repeatable);
    if (!repeatable) {
      EXPECT_EQ(second.error().code, "net.broken");
    }
    EXPECT_EQ(requests, repeatable ? 3 : 2);
  }
}

TEST(CurlTransport, BlackHoleEndsAtTheDeadline) {
  RawServer server([](RawConnection& c) { c.wait_until_client_closes(); });
  CurlTransport transport;
  auto call = post(server.url());
  call.deadline = Timespan::milliseconds(60);
  const auto answer = transport.exchange(call);
  expect_unavailable(answer, "net.timeout", "may have executed");
}

TEST(CurlTransport, SlowDripDoesNotOutliveTheTotalDeadline) {
  std::promise<bool> cut;
  RawServer server([&](RawConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 100000; ++i) {
      if (!c.send(".") || c.client_closed_within(std::chrono::milliseconds(10)))
        return cut.set_value(true);
    }
    cut.set_value(false);
  });
  CurlTransport transport;
  auto call = post(server.url());
  call.deadline = Timespan::milliseconds(150);
  const auto answer = transport.exchange(call);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "net.timeout");
  EXPECT_TRUE(cut.get_future().get());
}

TEST(CurlTransport, CarriesLargeBodiesBothWays) {
  const std::string large(8 << 20, 'x');
  RawServer server([](RawConnection& c) {
    while (auto request = c.read_request()) c.send(raw_answer(200, request->body));
  });
  CurlTransport transport;
  const auto answer = transport.exchange(post(server.url(), large));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, large);
}

TEST(CurlTransport, RefusesAnAnswerBeyondTheLimit) {
  RawServer server([](RawConnection& c) {
    while (auto request = c.read_request()) c.send(raw_answer(200, request->body));
  });
  CurlTransport transport;
  auto call = post(server.url(), std::string(1001, 'x'));
  call.answer_bytes_max = 1000;
  const auto over = transport.exchange(call);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, "net.answer_too_large");
  call.body.resize(1000);
  EXPECT_TRUE(transport.exchange(call));
}

TEST(CurlTransport, CountsTheLimitOnDecompressedBytes) {
  const std::string bomb = fakes::gzip_by_zlib(std::string(1 << 20, 'x'));
  RawServer server([&](RawConnection& c) {
    answer_all(c, raw_answer(200, bomb, "Content-Encoding: gzip\r\n"));
  });
  CurlTransport transport;
  auto call = post(server.url());
  call.answer_bytes_max = 100'000;
  EXPECT_EQ(transport.exchange(call).error().code, "net.answer_too_large");
  call.answer_bytes_max = 2 << 20;
  const auto whole = transport.exchange(call);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->body, std::string(1 << 20, 'x'));
}

TEST(CurlTransport, BoundsTheHeadersOfAnAnswer) {
  RawServer server([](RawConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\n");
    while (c.send("X-Filler: " + std::string(900, 'f') + "\r\n")) {
    }
  });
  CurlTransport transport;
  EXPECT_EQ(transport.exchange(post(server.url())).error().code, "net.answer_too_large");
}

TEST(CurlTransport, NeverFollowsARedirect) {
  std::atomic<int> elsewhere = 0;
  RawServer target([&](RawConnection& c) {
    ++elsewhere;
    answer_all(c, raw_answer(200, "stolen"));
  });
  RawServer server([&](RawConnection& c) {
    answer_all(c, raw_answer(307, "", "Location: " + target.url() + "\r\n"));
  });
  CurlTransport transport;
  auto call = post(server.url());
  call.headers = {{"Authorization", "Bearer token"}};
  const auto answer = transport.exchange(call);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(elsewhere, 0);
}

TEST(CurlTransport, RefusesHeadersThatWouldEndTheLine) {
  RawServer server([](RawConnection& c) { answer_all(c, raw_answer(200, "")); });
  CurlTransport transport;
  for (const Header& bad :
       {Header{"x-a", "b\r\nX-Evil: 1"}, Header{"x-a\r\nX-Evil", "1"}, Header{"", "x"},
        Header{"x a", "b"}, Header{"x-a", std::string("b\0c", 3)}}) {
    auto call = post(server.url());
    call.headers = {bad};
    const auto answer = transport.exchange(call);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::invalid);
    EXPECT_EQ(answer.error().code, "net.invalid_call");
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(CurlTransport, RefusesAddressesThatAreNotHttp) {
  CurlTransport transport;
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "",
                          "http://", "http://u:p@127.0.0.1/"}) {
    const auto answer = transport.exchange(post(url));
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().kind, ErrorKind::invalid) << url;
  }
}

TEST(CurlTransport, CancellationEndsOneExchangeAndLeavesOthers) {
  std::promise<void> stuck, go;
  auto released = go.get_future();
  RawServer server([&](RawConnection& c) {
    const auto request = c.read_request();
    if (request->body == "stuck") {
      stuck.set_value();
      c.wait_until_client_closes();
    } else {
      released.wait();
      c.send(raw_answer(200, "fine"));
    }
  });
  CurlTransport transport;
  std::stop_source stop;
  auto other = std::async(std::launch::async,
                          [&] { return transport.exchange(post(server.url(), "other")); });
  auto call = post(server.url(), "stuck");
  call.cancel = stop.get_token();
  auto cancelled = std::async(std::launch::async, [&] { return transport.exchange(call); });
  stuck.get_future().wait();
  stop.request_stop();
  const auto answer = cancelled.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::cancelled);
  go.set_value();
  EXPECT_TRUE(other.get());
  EXPECT_EQ(transport.exchange(call).error().kind,
            ErrorKind::cancelled);  // cancelled before it began
}

TEST(CurlTransport, CancellationIsNeverLostHoweverEarly) {
  RawServer server([](RawConnection& c) { c.wait_until_client_closes(); });
  CurlTransport transport;
  for (int i = 0; i < 200; ++i) {
    std::stop_source stop;
    auto call = post(server.url());
    call.cancel = stop.get_token();
    std::jthread stopper([&] { stop.request_stop(); });
    EXPECT_EQ(transport.exchange(call).error().kind, ErrorKind::cancelled);
  }
}

TEST(CurlTransport, CloseEndsAllInFlightAndRefusesLaterOnes) {
  std::atomic<int> arrived = 0;
  std::promise<void> all;
  RawServer server([&](RawConnection& c) {
    c.read_request();
    if (++arrived == 4) all.set_value();
    c.wait_until_client_closes();
  });
  CurlTransport transport;
  std::vector<std::future<Result<HttpAnswer>>> calls;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(
        std::async(std::launch::async, [&] { return transport.exchange(post(server.url())); }));
  }
  all.get_future().wait();
  transport.close();
  for (auto& call : calls) EXPECT_EQ(call.get().error().kind, ErrorKind::cancelled);
  EXPECT_EQ(transport.exchange(post(server.url())).error().kind, ErrorKind::cancelled);
  transport.close();
}

TEST(CurlTransport, ServesManyCallersAtOnce) {
  RawServer server([](RawConnection& c) {
    while (auto request = c.read_request()) c.send(raw_answer(200, request->body));
  });
  CurlTransport transport({.connections_per_origin_max = 3});
  std::vector<std::jthread> callers;
  std::atomic<int> right = 0;
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&, i] {
      for (int k = 0; k < 25; ++k) {
        const std::string body = std::to_string(i * 100 + k);
        const auto answer = transport.exchange(post(server.url(), body));
        if (answer && answer->body == body) ++right;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(right, 300);
  EXPECT_LE(server.connections(), 3);
}

}  // namespace
}  // namespace kc::net
