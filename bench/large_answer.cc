// How fast an answer of a million rows is read, and how much memory that takes: beside a bare
// socket that only receives the same bytes, in the same run. Prints one line per way of reading:
// MB/s, the ratio to the bare socket, the peak of the resident set over what it was before.
//   large_answer [thousands of rows] [rounds]
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "bench/loopback_server.h"
#include "core/kusto/answer_reader.h"
#include "core/kusto/result_table.h"
#include "core/net/curl_transport.h"

namespace {

using kc::Result;
using kc::kusto::AnswerFormat;

constexpr int kRowsOfBlock = 1000;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

std::string block_of_rows() {
  std::string block;
  for (int i = 0; i < kRowsOfBlock; ++i) {
    char row[256];
    std::snprintf(
        row, sizeof row,
        ",[%lld,\"2024-03-%02dT%02d:%02d:%02d.%07dZ\",\"a name with some words %d\",%.15g,"
        "\"74be27de-1e4e-49d9-b579-%012d\",%s]",
        9007199254740993LL + 7919LL * i, 1 + i % 28, i % 24, i % 60, (7 * i) % 60, i * 9999, i * 31,
        1.0 / (i + 3), i, i % 2 == 0 ? "true" : "false");
    block += row;
  }
  return block;
}

struct LargeAnswer {
  std::string head =
      R"([{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"},{"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":[{"ColumnName":"Id","ColumnType":"long"},{"ColumnName":"At","ColumnType":"datetime"},{"ColumnName":"Name","ColumnType":"string"},{"ColumnName":"Share","ColumnType":"real"},{"ColumnName":"Key","ColumnType":"guid"},{"ColumnName":"Even","ColumnType":"bool"}],"Rows":[[0,null,"",null,null,null])";
  std::string block = block_of_rows();
  std::string tail = R"(]},{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}])";
  int blocks;

  std::size_t bytes() const {
    return head.size() + tail.size() + block.size() * static_cast<std::size_t>(blocks);
  }
  bool send(int socket) const {
    const std::string http =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(bytes()) + "\r\n\r\n";
    bool fine = kc::bench::send_all(socket, http + head);
    for (int i = 0; fine && i < blocks; ++i) fine = kc::bench::send_all(socket, block);
    return fine && kc::bench::send_all(socket, tail);
  }
};

struct CountRows : kc::kusto::RowSink {
  Result<void> columns(const std::vector<kc::kusto::AnswerColumn>&) override { return {}; }
  Result<void> row(std::span<const kc::kusto::AnswerValue> values) override {
    ++rows;
    sum += values[0].integer;
    return {};
  }
  void clear() override {}
  std::size_t rows = 0;
  std::int64_t sum = 0;
};

long status_kib(const char* name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::atol(line.c_str() + std::strlen(name) + 1);
  }
  return 0;
}

struct Measured {
  double seconds = 1e9;
  long peak_kib = 0;
};

// The best of several rounds: others use the machine too.
Measured measure(int rounds, const std::function<void()>& work) {
  Measured best;
  for (int i = 0; i < rounds; ++i) {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins again
    const long before = status_kib("VmRSS:");
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best.seconds = std::min(best.seconds, took.count());
    best.peak_kib = std::max(best.peak_kib, status_kib("VmHWM:") - before);
  }
  return best;
}

void receive_only(const kc::bench::LoopbackServer& server, std::size_t bytes) {
  const int socket = kc::bench::connect_to(server.port());
  kc::bench::send_all(socket, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n");
  static char buffer[64 << 10];
  std::size_t got = 0;
  while (got < bytes) {
    const auto one = ::recv(socket, buffer, sizeof buffer, 0);
    if (one <= 0) die("the connection ended too early");
    got += static_cast<std::size_t>(one);
  }
  ::close(socket);
}

template <class Reader>
void exchange_into(const kc::bench::LoopbackServer& server, Reader& reader) {
  // A transport of its own: the server serves one connection at a time.
  kc::net::CurlTransport transport;
  kc::net::HttpCall call{.url = server.url()};
  call.answer_bytes_max = std::size_t{4} << 30;
  call.sink = [&](std::string_view piece) { return reader.feed(piece); };
  const auto answer = transport.exchange(call);
  if (!answer) die(answer.error().message);
}

void print(const char* what, const Measured& one, const Measured& bare, std::size_t bytes) {
  std::printf("%-28s %6.0f MB/s  %5.2f  %8.1f MiB\n", what,
              static_cast<double>(bytes) / one.seconds / 1e6, bare.seconds / one.seconds,
              static_cast<double>(one.peak_kib) / 1024);
}

}  // namespace

int main(int count, char** words) {
  LargeAnswer answer{.blocks = count > 1 ? std::atoi(words[1]) : 1000};
  const int rounds = count > 2 ? std::atoi(words[2]) : 3;
  kc::bench::LoopbackServer server([&](int socket) { return answer.send(socket); });
  const auto rows = static_cast<std::size_t>(answer.blocks) * kRowsOfBlock + 1;
  std::printf("%zu rows, %.1f MB of v2 answer, best of %d rounds\n", rows,
              static_cast<double>(answer.bytes()) / 1e6, rounds);
  std::printf("%-28s %11s  %5s  %12s\n", "", "", "ratio", "peak, over");

  const auto bare = measure(rounds, [&] { receive_only(server, answer.bytes()); });
  print("a bare socket, unread", bare, bare, answer.bytes());
  print("rows, given away",
        measure(rounds,
                [&] {
                  CountRows sink;
                  kc::kusto::AnswerReader reader(AnswerFormat::v2, {}, sink);
                  exchange_into(server, reader);
                  if (!reader.finish() || sink.rows != rows) die("another number of rows");
                }),
        bare, answer.bytes());
  print("columns, kept",
        measure(rounds,
                [&] {
                  kc::kusto::ResultTable::Reader reader(AnswerFormat::v2, {});
                  exchange_into(server, reader);
                  const auto table = reader.finish();
                  if (!table || table->row_count() != rows) die("another number of rows");
                }),
        bare, answer.bytes());
}
