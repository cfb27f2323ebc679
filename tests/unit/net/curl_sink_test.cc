#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "core/net/curl_transport.h"
#include "core/net/handover.h"
#include "tests/fakes/gzip_by_zlib.h"
#include "tests/fakes/raw_server.h"
#include "tests/unit/net/exchanges.h"

namespace kc::net {
namespace {

using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;
using testing::HasSubstr;

// Not the same anywhere, so that a lost or repeated piece shows.
std::string long_text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i * 7919) + ",";
  text.resize(size);
  return text;
}

HttpCall get(std::string url, BodySink sink) {
  HttpCall call;
  call.url = std::move(url);
  call.sink = std::move(sink);
  return call;
}

TEST(CurlSink, TakesTheBodyPieceByPieceAndLeavesTheAnswerWithout) {
  const std::string body = long_text(8 << 20);
  RawServer server([&](RawConnection& c) { answer_all(c, raw_answer(200, body, "X-Of: it\r\n")); });
  CurlTransport transport;
  std::string taken;
  std::size_t largest = 0;
  const auto answer = transport.exchange(get(server.url(), [&](std::string_view piece) {
    taken += piece;
    largest = std::max(largest, piece.size());
    return Result<void>();
  }));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "");
  EXPECT_NE(answer->header("x-of"), nullptr);
  EXPECT_EQ(taken, body);
  EXPECT_LE(largest, kSinkBytesHeldMax);
}

TEST(CurlSink, ABodyOfAnotherStatusIsCollected) {
  for (const int status : {201, 400, 503}) {
    RawServer server([&](RawConnection& c) { answer_all(c, raw_answer(status, "why")); });
    CurlTransport transport;
    int pieces = 0;
    const auto answer = transport.exchange(get(server.url(), [&](std::string_view) {
      ++pieces;
      return Result<void>();
    }));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->body, "why");
    EXPECT_EQ(pieces, 0);
  }
}

// The second exchange is made inside the sink of the first, whose body is far longer than what may
// be held: it would never be answered if the I/O thread waited for the sink.
TEST(CurlSink, ASlowSinkStopsItsConnectionAndNothingElse) {
  const std::string body = long_text(16 << 20);
  for (const bool compressed : {false, true}) {
    RawServer server([&](RawConnection& c) {
      while (const auto request = c.read_request()) {
        const bool small = request->head.starts_with("GET /small");
        c.send(small ? raw_answer(200, "small")
               : compressed
                   ? raw_answer(200, fakes::gzip_by_zlib(body, 1), "Content-Encoding: gzip\r\n")
                   : raw_answer(200, body));
      }
    });
    CurlTransport transport;
    std::string taken;
    int others = 0;
    const auto answer = transport.exchange(get(server.url("/large"), [&](std::string_view piece) {
      for (int i = 0; i < 3 && others < 30; ++i) {
        const auto other = transport.exchange({.url = server.url("/small")});
        if (other && other->body == "small") ++others;
      }
      taken += piece;
      return Result<void>();
    }));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(taken == body) << compressed;
    EXPECT_EQ(others, 30);
  }
}

TEST(CurlSink, AnErrorOfTheSinkEndsTheExchange) {
  std::promise<bool> cut;
  RawServer server([&](RawConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (c.send("4\r\nmore\r\n")) {
    }
    cut.set_value(true);
  });
  CurlTransport transport;
  const auto answer = transport.exchange(get(server.url(), [&](std::string_view) -> Result<void> {
    return fail(ErrorKind::corrupt, "test.nonsense", "nonsense");
  }));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "test.nonsense");
  EXPECT_TRUE(cut.get_future().get());
}

TEST(CurlSink, WhatBreaksAfterAPieceIsBrokenAndNotTheEnd) {
  RawServer server([&](RawConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  CurlTransport transport;
  const auto answer =
      transport.exchange(get(server.url(), [](std::string_view) { return Result<void>(); }));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "net.broken");
}

TEST(CurlSink, TheLimitCountsWhatWentToTheSink) {
  const std::string body = long_text(2 << 20);
  const std::string packed = fakes::gzip_by_zlib(std::string(4 << 20, 'x'));
  RawServer server([&](RawConnection& c) {
    while (const auto request = c.read_request()) {
      c.send(request->head.starts_with("GET /packed")
                 ? raw_answer(200, packed, "Content-Encoding: gzip\r\n")
                 : raw_answer(200, body));
    }
  });
  CurlTransport transport;
  for (const char* path : {"/plain", "/packed"}) {
    std::size_t taken = 0;
    auto call = get(server.url(path), [&](std::string_view piece) {
      taken += piece.size();
      return Result<void>();
    });
    call.answer_bytes_max = 1 << 20;
    const auto answer = transport.exchange(call);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, "net.answer_too_large");
    EXPECT_LE(taken, call.answer_bytes_max);
  }
}

TEST(CurlSink, ADeadlineOrACancellationReachesAnExchangeWhoseSinkIsBusy) {
  RawServer server([&](RawConnection& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n");
    c.wait_until_client_closes();
  });
  CurlTransport transport;
  std::stop_source stop;
  auto call = get(server.url(), [&](std::string_view) {
    stop.request_stop();
    return Result<void>();
  });
  call.cancel = stop.get_token();
  EXPECT_EQ(transport.exchange(call).error().code, "net.cancelled");
  auto late = get(server.url(), [](std::string_view) { return Result<void>(); });
  late.deadline = Timespan::milliseconds(60);
  EXPECT_EQ(transport.exchange(late).error().code, "net.timeout");
  // Ended from outside while the sink is at work.
  auto closed = get(server.url(), [&](std::string_view) {
    transport.close();
    return Result<void>();
  });
  EXPECT_EQ(transport.exchange(closed).error().code, "net.cancelled");
}

TEST(Handover, HoldsABoundedNumberOfBytes) {
  Handover handover;
  const std::string piece(16'384, 'x');
  std::size_t held = 0;
  while (handover.offer(piece)) held += piece.size();
  EXPECT_LE(held, kSinkBytesHeldMax);
  EXPECT_GT(held, kSinkBytesHeldMax / 2);
  std::string taken;
  bool room = false;
  ASSERT_TRUE(handover.next(taken, room));
  EXPECT_TRUE(room);
  EXPECT_EQ(taken.size(), held);
  EXPECT_TRUE(handover.offer(piece));
  handover.end(HttpAnswer{.status = 200, .headers = {}, .body = {}});
  ASSERT_TRUE(handover.next(taken, room));
  EXPECT_FALSE(room);
  EXPECT_EQ(taken, piece);
  EXPECT_FALSE(handover.next(taken, room));
  EXPECT_EQ(handover.result()->status, 200);
  // One piece beyond the limit is taken alone rather than never.
  Handover other;
  EXPECT_TRUE(other.offer(std::string(2 * kSinkBytesHeldMax, 'x')));
  EXPECT_FALSE(other.offer("y"));
}

TEST(HandOver, GivesAWholeBodyToTheSinkOfTheCall) {
  std::string taken;
  const auto call = get("http://127.0.0.1/", [&](std::string_view piece) -> Result<void> {
    taken += piece;
    if (piece == "bad") return fail(ErrorKind::invalid, "test.bad", "bad");
    return {};
  });
  const auto fine = hand_over(call, {.status = 200, .headers = {}, .body = "fine"});
  ASSERT_TRUE(fine);
  EXPECT_EQ(fine->body, "");
  EXPECT_EQ(hand_over(call, {.status = 200, .headers = {}, .body = "bad"}).error().code,
            "test.bad");
  EXPECT_EQ(hand_over(call, {.status = 500, .headers = {}, .body = "why"})->body, "why");
  EXPECT_EQ(hand_over({}, {.status = 200, .headers = {}, .body = "kept"})->body, "kept");
  EXPECT_EQ(taken, "finebad");
}

}  // namespace
}  // namespace kc::net
