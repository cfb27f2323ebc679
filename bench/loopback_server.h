// The least server that an exchange can be measured against: one thread, one kept connection at a
// time, answers out of memory. Used by the benchmarks of what we send. Thread promise: one thread
// of its own, ended by the destructor.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace kc::bench {

// Writes everything; false where the other side is gone.
bool send_all(int socket, std::string_view bytes);
// One request with a Content-Length, or none; false where the other side is gone.
bool receive_request(int socket, std::string& buffer);
int connect_to(int port);

class LoopbackServer {
 public:
  // `answer` writes one whole answer; false ends the connection.
  explicit LoopbackServer(std::function<bool(int socket)> answer);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve(int socket);

  std::function<bool(int)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::jthread accepting_;
};

}  // namespace kc::bench
