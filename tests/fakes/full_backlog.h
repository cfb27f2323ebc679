// An address on this machine that swallows what is sent to it: a listener whose queue of
// connections is full, so that the kernel answers no further one. Used by tests of what waits for
// nobody. Thread promise: one owner.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "core/base/check.h"

namespace kc::fakes {

class FullBacklog {
 public:
  FullBacklog() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    KC_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    KC_ASSERT(::listen(listener_, 0) == 0);
    KC_ASSERT(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    // The first that is not accepted at once found the queue full.
    for (bool full = false; !full;) {
      const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      clients_.push_back(client);
      // Whether it connected is what the poll says.
      (void)::connect(client, reinterpret_cast<sockaddr*>(&address), size);
      pollfd one{client, POLLOUT, 0};
      full = ::poll(&one, 1, 50) == 0;
    }
  }
  ~FullBacklog() {
    for (const int client : clients_) ::close(client);
    ::close(listener_);
  }
  FullBacklog(const FullBacklog&) = delete;
  FullBacklog& operator=(const FullBacklog&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_ = -1, port_ = 0;
  std::vector<int> clients_;
};

}  // namespace kc::fakes
