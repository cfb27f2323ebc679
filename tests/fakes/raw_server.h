// A TCP server on a free loopback port that does to each connection exactly what a test says, down
// to resets and single bytes: what no HTTP library would do. Used by tests of the transport and of
// the Kusto client, and by the fakes built on it. Thread promise: one thread per connection runs
// the test's function; the destructor ends all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace kc::fakes {

struct RawRequest {
  std::string head;  // request line and headers, without the empty line
  std::string body;
};

class RawConnection {
 public:
  explicit RawConnection(int socket, int number) : socket_(socket), number_(number) {}
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  // Waits for one whole request (by Content-Length); nullopt when the client closes or the server
  // stops.
  std::optional<RawRequest> read_request();
  bool send(std::string_view bytes);
  // Waits until the client closes, or so long; true if it closed.
  bool client_closed_within(std::chrono::milliseconds time);
  void wait_until_client_closes();
  void reset();                           // ends the connection with RST
  int number() const { return number_; }  // 1: the first connection

 private:
  friend class RawServer;
  bool begin_tls(ssl_ctx_st* context);
  long receive(char* into, std::size_t size);

  int socket_;
  ssl_st* tls_ = nullptr;  // of a server with a certificate
  int number_;
  std::string read_;
};

// A whole answer with Content-Length; `headers` are lines that end in CRLF.
std::string raw_answer(int status, std::string_view body, std::string_view headers = {});

class RawServer {
 public:
  using Serve = std::function<void(RawConnection&)>;
  explicit RawServer(Serve serve);
  // Speaks TLS with that certificate and key (PEM); `old`: 1.1 and nothing newer.
  RawServer(Serve serve, const std::string& certificate, const std::string& key, bool old = false);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::string url(std::string_view path = "/") const;
  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void accept_all();

  Serve serve_;
  ssl_ctx_st* tls_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;  // guards the next three
  bool stopping_ = false;
  std::vector<std::unique_ptr<RawConnection>> open_;
  std::vector<std::jthread> serving_;
  std::jthread accepting_;
};

// A loopback port on which nobody listens.
int refused_port();

}  // namespace kc::fakes
