// A client of bare bytes for the tests of the HTTP server: it sends what no library would, and
// reads one answer after the other. Thread promise: one owner.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace kc::api {

struct RawAnswer {
  int status = 0;  // 0: the connection ended without an answer
  std::multimap<std::string, std::string> headers;
  std::string body;
  std::string head;  // as received

  std::string header(const std::string& name) const {
    auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
  }
};

class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // Reads one answer; `has_body` false for the answer to a HEAD.
  RawAnswer receive(bool has_body = true) {
    RawAnswer answer;
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!more()) return answer;
    }
    const auto end = buffer_.find("\r\n\r\n");
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    answer.status = std::atoi(answer.head.c_str() + 9);
    for (auto at = answer.head.find("\r\n") + 2; at < answer.head.size();) {
      const auto stop = answer.head.find("\r\n", at);
      const auto line = answer.head.substr(at, stop - at);
      auto name = line.substr(0, line.find(':'));
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer.headers.emplace(name, line.substr(std::min(line.size(), name.size() + 2)));
      at = stop + 2;
    }
    const auto length = answer.header("content-length");
    if (!has_body || answer.status == 304 || length.empty()) return answer;
    const auto size = static_cast<std::size_t>(std::atoll(length.c_str()));
    while (buffer_.size() < size && more()) {
    }
    answer.body = buffer_.substr(0, size);
    buffer_.erase(0, answer.body.size());
    return answer;
  }

  RawAnswer exchange(std::string_view bytes, bool has_body = true) {
    send(bytes);
    return receive(has_body);
  }

  // True once the other side has closed; false if it sends bytes first or stays open for `limit`.
  bool closed_within(std::chrono::milliseconds limit) {
    pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
    if (!buffer_.empty() || ::poll(&entry, 1, static_cast<int>(limit.count())) <= 0) return false;
    char byte = 0;
    return ::recv(socket_, &byte, 1, 0) <= 0;
  }
  bool readable_within(std::chrono::milliseconds limit) {
    pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
    return !buffer_.empty() || ::poll(&entry, 1, static_cast<int>(limit.count())) > 0;
  }
  int socket() const { return socket_; }

 private:
  bool more() {
    pollfd entry{.fd = socket_, .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 20'000) <= 0) return false;
    char piece[65536];
    const auto n = ::recv(socket_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    buffer_.append(piece, static_cast<std::size_t>(n));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace kc::api
