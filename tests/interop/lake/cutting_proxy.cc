#include "tests/interop/lake/cutting_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

namespace kc {
namespace {

struct Upstream {
  explicit Upstream(int port) : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) end();
  }
  ~Upstream() { end(); }
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  void end() {
    if (socket >= 0) ::close(socket);
    socket = -1;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  std::string read_all() {
    std::string all;
    std::array<char, 65536> piece{};
    for (;;) {
      const auto got = ::recv(socket, piece.data(), piece.size(), 0);
      if (got <= 0) return all;
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

  int socket;
};

// One exchange per connection: then the end of the answer is the end of the stream.
std::string closing(const std::string& head) {
  std::string out;
  for (std::size_t at = 0; at < head.size();) {
    const auto end = std::min(head.find("\r\n", at), head.size());
    const auto line = head.substr(at, end - at);
    if (!line.starts_with("Connection:") && !line.starts_with("connection:")) out += line + "\r\n";
    at = end + 2;
  }
  return out + "Connection: close\r\n\r\n";
}

void refuse(fakes::RawConnection& client, int status, const std::string& code) {
  client.send(
      fakes::raw_answer(status, {}, "Connection: close\r\nx-ms-error-code: " + code + "\r\n"));
}

}  // namespace

CuttingProxy::CuttingProxy(int port, Plan plan)
    : port_(port),
      plan_(std::move(plan)),
      server_([this](fakes::RawConnection& client) { serve(client); }) {}

void CuttingProxy::serve(fakes::RawConnection& client) {
  const auto request = client.read_request();
  if (!request) return;
  const Cut cut = plan_(*request);
  if (cut == Cut::request) return client.reset();
  if (cut == Cut::busy) return refuse(client, 503, "ServerBusy");
  if (cut == Cut::throttled) return refuse(client, 429, "TooManyRequests");
  if (cut == Cut::stranger) {
    client.send(fakes::raw_answer(200, "<html>Please sign in</html>", "Connection: close\r\n"));
    return;
  }
  Upstream upstream(port_);
  upstream.send(closing(request->head));
  if (cut == Cut::body) {
    upstream.send(std::string_view(request->body).substr(0, request->body.size() / 2));
    upstream.end();
    return client.reset();
  }
  upstream.send(request->body);
  const auto answer = upstream.read_all();
  if (cut == Cut::answer) return client.reset();
  if (cut == Cut::failed) return refuse(client, 500, "OperationTimedOut");
  if (cut == Cut::silence) return client.wait_until_client_closes();
  client.send(cut == Cut::half_answer ? answer.substr(0, answer.size() / 2) : answer);
  if (cut == Cut::half_answer) client.reset();
}

}  // namespace kc
