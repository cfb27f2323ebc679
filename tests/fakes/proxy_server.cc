#include "tests/fakes/proxy_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace kc::fakes {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string status_line(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " Proxy\r\nContent-Length: 0\r\n\r\n";
}

// One direction at a time, as bytes come, until either side ends.
void carry(int one, int other) {
  pollfd ends[2] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
  char buffer[16384];
  while (::poll(ends, 2, -1) > 0) {
    for (int i = 0; i < 2; ++i) {
      if (ends[i].revents == 0) continue;
      const auto got = ::recv(ends[i].fd, buffer, sizeof buffer, 0);
      if (got <= 0 || !send_all(ends[1 - i].fd, {buffer, static_cast<std::size_t>(got)})) return;
    }
  }
}

}  // namespace

ProxyServer::ProxyServer(std::map<std::string, int> places, int refusal)
    : places_(std::move(places)), refusal_(refusal) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no loopback port for a test proxy");
  port_ = ntohs(address.sin_port);
  accepting_ = std::jthread([this] { accept_all(); });
}

ProxyServer::~ProxyServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  serving_.clear();
  for (const int socket : sockets_) ::close(socket);
  ::close(listener_);
}

std::string ProxyServer::url(const std::string& user) const {
  return "http://" + (user.empty() ? "" : user + "@") + "127.0.0.1:" + std::to_string(port_);
}

std::vector<std::string> ProxyServer::heads() const {
  std::lock_guard lock(mutex_);
  return heads_;
}

void ProxyServer::accept_all() {
  while (true) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0 || !remember(client)) return;
    std::lock_guard lock(mutex_);
    serving_.emplace_back([this, client] { serve(client); });
  }
}

// Sockets are closed at the end only, so that no number is used twice meanwhile.
bool ProxyServer::remember(int socket) {
  std::lock_guard lock(mutex_);
  sockets_.push_back(socket);
  if (stopping_) ::shutdown(socket, SHUT_RDWR);
  return !stopping_;
}

void ProxyServer::serve(int client) {
  std::string read;
  char buffer[4096];
  while (read.find("\r\n\r\n") == std::string::npos) {
    const auto got = ::recv(client, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    read.append(buffer, static_cast<std::size_t>(got));
  }
  const auto end = read.find("\r\n\r\n") + 4;
  {
    std::lock_guard lock(mutex_);
    heads_.push_back(read.substr(0, end - 2));
  }
  answer(client, read.substr(0, end), read.substr(end));
  ::shutdown(client, SHUT_RDWR);
}

void ProxyServer::answer(int client, const std::string& head, const std::string& rest) {
  const auto word = head.find(' ') + 1;
  const std::string target = head.substr(word, head.find(' ', word) - word);
  const bool tunnel = head.starts_with("CONNECT ");
  constexpr std::string_view kScheme = "http://";
  const auto path = target.find('/', kScheme.size());
  std::string place = tunnel ? target : target.substr(kScheme.size(), path - kScheme.size());
  if (place.find(':') == std::string::npos) place += ":80";
  const auto found = places_.find(place);
  if (refusal_ != 0 || found == places_.end()) {
    send_all(client, status_line(refusal_ != 0 ? refusal_ : 502));
    return;
  }
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!remember(server)) return;
  const sockaddr_in address = loopback(found->second);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    send_all(client, status_line(502));
    return;
  }
  const bool fine = tunnel ? send_all(client, "HTTP/1.1 200 Connection established\r\n\r\n")
                           : send_all(server, head.substr(0, word) + target.substr(path) +
                                                  head.substr(head.find(' ', word)) + rest);
  if (fine) carry(client, server);
  ::shutdown(server, SHUT_RDWR);
}

}  // namespace kc::fakes
