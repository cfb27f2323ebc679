// An HTTP proxy on a free loopback port, as a company has one: it makes tunnels for CONNECT and
// passes on requests in absolute form, to the local ports that a test gives for names, and
// remembers what it was asked. Used by the tests of the transport. Thread promise: one thread for
// each connection; the destructor ends all of them.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace kc::fakes {

class ProxyServer {
 public:
  // `places`: "name:port" -> the local port that stands for it. Anything else is answered with 502,
  // and everything with `refusal`, where that is a status.
  explicit ProxyServer(std::map<std::string, int> places, int refusal = 0);
  ~ProxyServer();
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  // `http://[user@]127.0.0.1:port`
  std::string url(const std::string& user = {}) const;
  // The heads of the requests so far.
  std::vector<std::string> heads() const;

 private:
  void accept_all();
  void serve(int client);
  void answer(int client, const std::string& head, const std::string& rest);
  bool remember(int socket);

  const std::map<std::string, int> places_;
  const int refusal_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;  // guards the next four
  std::vector<std::string> heads_;
  std::vector<int> sockets_;
  std::vector<std::jthread> serving_;
  bool stopping_ = false;
  std::jthread accepting_;
};

}  // namespace kc::fakes
