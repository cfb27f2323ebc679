// What a small command to a cluster costs over a kept connection: the whole way through RestKusto
// and CurlTransport, the transport alone, and a bare blocking socket with the same bytes in the
// same run. Prints p50 and p99 of each, and the ratio of the medians.
//   keep_alive [exchanges]
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "bench/loopback_server.h"
#include "core/base/clock.h"
#include "core/kusto/rest_kusto.h"
#include "core/net/curl_transport.h"

namespace {

constexpr double kLimitMilliseconds = 0.2;
constexpr int kWarmUp = 200;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

struct Spread {
  double p50, p99;  // milliseconds
};

Spread measure(int exchanges, const std::function<void()>& one) {
  for (int i = 0; i < kWarmUp; ++i) one();
  std::vector<double> took;
  for (int i = 0; i < exchanges; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    one();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    took.push_back(time.count());
  }
  std::sort(took.begin(), took.end());
  return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

void print(const char* what, const Spread& one, const Spread& bare) {
  std::printf("%-28s p50 %.3f ms  p99 %.3f ms  ratio %.2f\n", what, one.p50, one.p99,
              one.p50 / bare.p50);
}

Spread bare_socket(int exchanges, const kc::bench::LoopbackServer& server, std::size_t answer) {
  const int socket = kc::bench::connect_to(server.port());
  const std::string request =
      "POST /v1/rest/mgmt HTTP/1.1\r\nHost: bench\r\nContent-Length: 300\r\n\r\n" +
      std::string(300, ' ');
  char buffer[4096];
  const auto spread = measure(exchanges, [&] {
    kc::bench::send_all(socket, request);
    for (std::size_t got = 0; got < answer;) {
      const auto more = ::read(socket, buffer, sizeof buffer);
      if (more <= 0) die("the connection ended");
      got += static_cast<std::size_t>(more);
    }
  });
  ::close(socket);
  return spread;
}

Spread transport_alone(int exchanges, const kc::bench::LoopbackServer& server) {
  kc::net::CurlTransport transport;
  const kc::net::HttpCall call{.method = kc::net::Method::post,
                               .url = server.url() + "/v1/rest/mgmt",
                               .body = std::string(300, ' ')};
  return measure(exchanges, [&] {
    if (const auto answer = transport.exchange(call); !answer) die(answer.error().message);
  });
}

Spread whole_way(int exchanges, const kc::bench::LoopbackServer& server) {
  kc::net::CurlTransport transport;
  const kc::SystemClock clock;
  const auto where = kc::kusto::ConnectionString{.url = server.url(), .database = "Samples"};
  const auto cluster = kc::kusto::connect(where, transport, clock);
  if (!cluster) die(cluster.error().message);
  const kc::kusto::Command command = kc::kusto::Read{kc::kusto::ReadCapacity{}};
  return measure(exchanges, [&] {
    const auto answer = (*cluster)->run(command, {});
    if (!answer) die(answer.error().message);
  });
}

}  // namespace

int main(int count, char** words) {
  const int exchanges = count > 1 ? std::atoi(words[1]) : 20'000;
  const std::string body =
      R"({"Tables":[{"TableName":"Table_0","Columns":[{"ColumnName":"Resource","DataType":"String","ColumnType":"string"},{"ColumnName":"Total","DataType":"Int64","ColumnType":"long"},{"ColumnName":"Consumed","DataType":"Int64","ColumnType":"long"},{"ColumnName":"Remaining","DataType":"Int64","ColumnType":"long"}],"Rows":[["DataExport",4,1,3],["Ingestions",8,0,8]]}]})";
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  kc::bench::LoopbackServer server([&](int socket) { return kc::bench::send_all(socket, answer); });
  std::printf("%d exchanges each\n", exchanges);
  const auto bare = bare_socket(exchanges, server, answer.size());
  print("a bare blocking socket", bare, bare);
  print("CurlTransport", transport_alone(exchanges, server), bare);
  const auto whole = whole_way(exchanges, server);
  print("RestKusto, CurlTransport", whole, bare);
  std::printf("limit: p50 %.1f ms: %s\n", kLimitMilliseconds,
              whole.p50 <= kLimitMilliseconds ? "kept" : "MISSED");
}
