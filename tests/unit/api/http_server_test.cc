#include "api/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include "tests/fakes/gzip_by_zlib.h"
#include "tests/unit/api/raw_client.h"

namespace kc::api {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Answers with what it was given, so that a test can see what came through.
HttpResponse echo(const HttpRequest& request) {
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.path + "\n";
  for (const auto& [name, value] : request.query) response.body += "? " + name + "=" + value + "\n";
  for (const auto& [name, value] : request.headers) response.body += name + ": " + value + "\n";
  response.body += "from " + request.remote_address + "\n" + request.body;
  return response;
}

std::unique_ptr<HttpServer> serve(HttpServerOptions options = {}, HttpHandler handler = echo) {
  auto server = HttpServer::start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message;
  return std::move(*server);
}

RawAnswer ask(const HttpServer& server, std::string_view bytes) {
  return RawClient(server.port()).exchange(bytes);
}

TEST(HttpServer, GivesTheHandlerTheDecodedRequest) {
  auto server = serve();
  const auto answer = ask(*server,
                          "POST /a%20b/c?x=1%2B1&y=z HTTP/1.1\r\nHost: h\r\nX-Thing:  50%25 "
                          "off\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("POST /a b/c\n? x=1+1\n? y=z\n"));
  EXPECT_THAT(answer.body, HasSubstr("x-thing: 50%25 off\n"));
  EXPECT_THAT(answer.body, HasSubstr("from 127.0.0.1\nhello"));
}

TEST(HttpServer, KeepsAnEscapedSlashInsideItsSegment) {
  auto server = serve({}, [](const HttpRequest& request) {
    HttpResponse response;
    for (const auto& segment : request.segments) response.body += "[" + segment + "]";
    return response;
  });
  EXPECT_EQ(ask(*server, "GET /v1/a%2Fb/ HTTP/1.1\r\nHost: h\r\n\r\n").body, "[v1][a/b][]");
}

TEST(HttpServer, TakesTheCallersAddressFromTheConnectionOnly) {
  auto server = serve();
  const auto answer =
      ask(*server,
          "GET / HTTP/1.1\r\nHost: h\r\nREMOTE_ADDR: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\n\r\n");
  EXPECT_THAT(answer.body, HasSubstr("from 127.0.0.1\n"));
}

TEST(HttpServer, NeverLetsALineBreakIntoAHeaderValue) {
  auto server = serve({}, [](const HttpRequest& request) {
    HttpResponse response;
    response.body = "ok";
    for (const auto* name : {"x-echo"}) {
      if (const auto* value = request.header(name)) {
        response.body = *value;
        response.headers.emplace_back("X-Echo", *value);
      }
    }
    response.headers.emplace_back("X-Bad", "a\r\nSet-Cookie: b=c");
    response.headers.emplace_back("X-Bad\r\nSet-Cookie", "d=e");
    return response;
  });
  const auto answer =
      ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nX-Echo: a%0d%0aSet-Cookie:%20f=g\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("set-cookie"), "");
  EXPECT_EQ(answer.body, "a%0d%0aSet-Cookie:%20f=g");  // as sent, not decoded
  EXPECT_EQ(answer.header("x-echo"), "a%0d%0aSet-Cookie:%20f=g");
}

TEST(HttpServer, RefusesAHeadThatTwoServersCouldReadDifferently) {
  auto server = serve();
  const struct {
    const char* bytes;
    int status;
  } cases[] = {
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nnocolon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", 400},
      {"GET /a\x7f HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /%u0041 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET /%ff HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET noslash HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"GET / FTP\r\nHost: h\r\n\r\n", 505},
      {"POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na", 417},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na", 415},
  };
  for (const auto& each : cases) {
    RawClient client(server->port());
    const auto answer = client.exchange(each.bytes);
    EXPECT_EQ(answer.status, each.status) << each.bytes;
    EXPECT_EQ(answer.header("connection"), "close") << each.bytes;
    EXPECT_TRUE(client.closed_within(milliseconds(5000))) << each.bytes;
  }
}

TEST(HttpServer, LimitsTheHead) {
  auto server = serve({.head_bytes_max = 4096, .line_bytes_max = 1024, .headers_max = 10});
  EXPECT_EQ(ask(*server, "GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n").status,
            414);
  EXPECT_EQ(
      ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'a') + "\r\n\r\n").status,
      431);
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 10; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(ask(*server, many + "\r\n").status, 431);
  EXPECT_EQ(ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'a')).status,
            431);  // never ends
}

TEST(HttpServer, LimitsTheBodyByItsDeclaredLength) {
  auto server = serve({.body_bytes_max = 100});
  EXPECT_EQ(ask(*server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n").status, 413);
  EXPECT_EQ(ask(*server,
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'a'))
                .status,
            200);
}

TEST(HttpServer, LimitsAChunkedBody) {
  auto server = serve({.body_bytes_max = 100});
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto good = ask(*server, head + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
  EXPECT_EQ(good.status, 200);
  EXPECT_THAT(good.body, HasSubstr("\nhello world"));
  EXPECT_EQ(ask(*server, head + "40\r\n" + std::string(64, 'a') + "\r\n40\r\n" +
                             std::string(64, 'a') + "\r\n0\r\n\r\n")
                .status,
            413);
  EXPECT_EQ(ask(*server, head + "fffffffffffffff0\r\n").status, 413);
  EXPECT_EQ(ask(*server, head + "zz\r\n").status, 400);
}

TEST(HttpServer, CountsTheBodyAfterDecompression) {
  auto server = serve({.body_bytes_max = 10'000});
  const auto post = [](const std::string& bytes) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: " +
           std::to_string(bytes.size()) + "\r\n\r\n" + bytes;
  };
  const auto good = ask(*server, post(fakes::gzip_by_zlib(std::string(9'000, 'a'))));
  EXPECT_EQ(good.status, 200);
  EXPECT_THAT(good.body, HasSubstr(std::string(9'000, 'a')));
  const auto bomb = fakes::gzip_by_zlib(std::string(5'000'000, 'a'));
  ASSERT_LT(bomb.size(), 10'000U);
  const auto answer = ask(*server, post(bomb));
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(ask(*server, post("not gzip at all")).status, 400);
}

TEST(HttpServer, TakesAPostWithoutABodyAtOnce) {
  auto server = serve({.body_timeout = milliseconds(60'000)});
  RawClient client(server->port());
  EXPECT_EQ(client.exchange("POST /cancel HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
  EXPECT_EQ(client.exchange("POST /cancel HTTP/1.1\r\nHost: h\r\n\r\n").status,
            200);  // and the connection lives on
}

TEST(HttpServer, ServesPipelinedRequestsInOrder) {
  auto server = serve();
  RawClient client(server->port());
  client.send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: "
      "2\r\n\r\nabGET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.receive().body, HasSubstr("GET /1\n"));
  EXPECT_THAT(client.receive().body, HasSubstr("POST /2\n"));
  EXPECT_THAT(client.receive().body, HasSubstr("GET /3\n"));
}

TEST(HttpServer, ServesMoreThanAHundredRequestsOnOneConnection) {
  auto server = serve();
  RawClient client(server->port());
  for (int i = 0; i < 250; ++i)
    ASSERT_EQ(client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200) << i;
}

TEST(HttpServer, GivesUnknownMethodsToTheHandler) {
  auto server = serve();
  EXPECT_THAT(ask(*server, "FROB /x HTTP/1.1\r\nHost: h\r\n\r\n").body, HasSubstr("FROB /x\n"));
  EXPECT_THAT(ask(*server, "TRACE /x HTTP/1.1\r\nHost: h\r\n\r\n").body, HasSubstr("TRACE /x\n"));
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  auto server = serve({}, [](const HttpRequest&) { return HttpResponse{.body = "0123456789"}; });
  RawClient client(server->port());
  const auto answer = client.exchange("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", false);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-length"), "10");
  EXPECT_THAT(client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body, HasSubstr("0123456789"));
}

TEST(HttpServer, SendsASharedBodyAsItIs) {
  auto bytes = std::make_shared<const std::string>(std::string(300'000, 'x'));
  auto server = serve({}, [&](const HttpRequest&) {
    return HttpResponse{.shared_body = bytes, .headers = {{"ETag", "\"7\""}}};
  });
  const auto answer = ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n");
  EXPECT_EQ(answer.header("etag"), "\"7\"");
  EXPECT_EQ(answer.header("content-encoding"), "");
  EXPECT_EQ(answer.body, *bytes);
}

TEST(HttpServer, SendsNoLengthWith304) {
  auto server = serve({}, [](const HttpRequest&) { return HttpResponse{.status = 304}; });
  RawClient client(server->port());
  const auto answer = client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(answer.headers.count("content-length"), 0U);
  EXPECT_EQ(client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 304);
}

TEST(HttpServer, IgnoresRange) {
  auto server = serve();
  EXPECT_EQ(ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n").status, 200);
  EXPECT_EQ(ask(*server, "GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=9-1,x\r\n\r\n").status, 200);
}

TEST(HttpServer, TellsNobodyWhatAHandlerThrew) {
  auto server = serve({}, [](const HttpRequest& request) -> HttpResponse {
    if (request.path == "/int") throw 7;
    throw std::runtime_error("the secret is swordfish");
  });
  for (const char* path : {"/", "/int"}) {
    const auto answer = ask(*server, std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.head + answer.body, Not(HasSubstr("swordfish")));
    EXPECT_THAT(answer.head, Not(HasSubstr("EXCEPTION")));
    EXPECT_THAT(answer.body, HasSubstr("internal"));
  }
}

// Sends one byte each time `pause` passes without an answer: a read never takes long, the head
// does.
bool drips_until_answered(RawClient& client, milliseconds pause, int bytes_max) {
  for (int i = 0; i < bytes_max; ++i) {
    if (client.readable_within(pause)) return true;
    client.send("a");
  }
  return false;
}

TEST(HttpServer, EndsAHeadThatDripsIn) {
  auto server = serve({.head_timeout = milliseconds(300)});
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nX: ");
  EXPECT_TRUE(drips_until_answered(client, milliseconds(20), 500));
  EXPECT_EQ(client.receive().status, 408);
}

TEST(HttpServer, EndsABodyThatDripsIn) {
  auto server = serve({.body_timeout = milliseconds(300)});
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_TRUE(drips_until_answered(client, milliseconds(20), 500));
  EXPECT_EQ(client.receive().status, 400);
}

TEST(HttpServer, ClosesAnIdleConnection) {
  auto server = serve({.keep_alive = milliseconds(50)});
  RawClient client(server->port());
  EXPECT_EQ(client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
  EXPECT_TRUE(client.closed_within(milliseconds(10'000)));
}

TEST(HttpServer, AsksForTheBodyWhenTheClientWaitsForIt) {
  auto server = serve();
  RawClient client(server->port());
  const auto go = client.exchange(
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(go.status, 100);
  EXPECT_THAT(client.exchange("ok").body, HasSubstr("\nok"));
}

TEST(HttpServer, ShedsWhatItCannotServe) {
  std::promise<void> release;
  auto released = release.get_future().share();
  std::promise<void> inside;
  auto server = serve({.threads = 1, .queue = 1}, [&](const HttpRequest&) {
    inside.set_value();
    released.wait();
    return HttpResponse{.body = "done"};
  });
  RawClient served(server->port());
  served.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  inside.get_future().wait();
  RawClient waiting(server->port());
  RawClient shed(server->port());
  const auto answer = shed.receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("retry-after"), "1");
  EXPECT_THAT(answer.body, HasSubstr("server.overloaded"));
  release.set_value();
  EXPECT_EQ(served.receive().body, "done");
}

TEST(HttpServer, HoldsManyIdleConnectionsAndServesANewcomer) {
  auto server = serve({.threads = 80, .keep_alive = milliseconds(60'000)});
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 64; ++i) {
    idle.push_back(std::make_unique<RawClient>(server->port()));
    ASSERT_EQ(idle.back()->exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
  }
  EXPECT_EQ(ask(*server, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
  server->stop();  // at once, though every connection might be idle for a minute
  for (auto& client : idle) EXPECT_TRUE(client->closed_within(milliseconds(5000)));
}

TEST(HttpServer, SendsTheAnswerUnderWayBeforeItStops) {
  std::promise<void> release;
  std::promise<void> inside;
  auto server = serve({}, [&](const HttpRequest&) {
    inside.set_value();
    release.get_future().wait();
    return HttpResponse{.body = "done"};
  });
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  inside.get_future().wait();
  std::thread stopper([&] { server->stop(); });
  release.set_value();
  EXPECT_EQ(client.receive().body, "done");
  stopper.join();
  EXPECT_FALSE(RawClient(server->port()).connected());
}

TEST(HttpServer, SaysThatThePortIsTaken) {
  auto first = serve();
  auto second = HttpServer::start({.port = first->port()}, echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_EQ(second.error().code, "server.port_in_use");
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(first->port())));
  EXPECT_EQ(HttpServer::start({.host = "203.0.113.7"}, echo).error().code, "server.bind_failed");
}

TEST(HttpServer, FreesItsPortWhenItStops) {
  auto first = serve();
  const int port = first->port();
  ask(*first, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  first.reset();
  auto second = serve({.port = port});
  EXPECT_EQ(ask(*second, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").status, 200);
}

}  // namespace
}  // namespace kc::api
