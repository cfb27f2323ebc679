#include "tests/fakes/raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace kc::fakes {
namespace {

int listen_on_free_port(int& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (listener < 0 || ::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener, 128) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no loopback port for a test server");
  }
  port = ntohs(address.sin_port);
  return listener;
}

std::size_t content_length(const std::string& head) {
  for (const char* name : {"Content-Length: ", "content-length: "}) {
    if (const auto at = head.find(name); at != std::string::npos) {
      return std::strtoul(head.c_str() + at + std::strlen(name), nullptr, 10);
    }
  }
  return 0;
}

// HTTP/2 is taken where it is offered, so that a client that offers it is seen to.
int prefer_http2(SSL*, const unsigned char** chosen, unsigned char* size,
                 const unsigned char* offered, unsigned offered_size, void*) {
  const std::string_view all(reinterpret_cast<const char*>(offered), offered_size);
  const auto at = all.find("\x02h2");
  if (at == std::string_view::npos) return SSL_TLSEXT_ERR_NOACK;
  *chosen = offered + at + 1;
  *size = 2;
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* tls_context(const std::string& certificate, const std::string& key, bool old) {
  auto* context = SSL_CTX_new(TLS_server_method());
  if (old) {
    SSL_CTX_set_security_level(context, 0);  // no other has ciphers that TLS 1.1 knows
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  }
  auto* in = BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size()));
  auto* own = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  auto* secret = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  const bool fine =
      SSL_CTX_use_certificate(context, own) == 1 && SSL_CTX_use_PrivateKey(context, secret) == 1;
  X509_free(own);
  EVP_PKEY_free(secret);
  if (!fine) throw std::runtime_error("a test server cannot use its certificate");
  SSL_CTX_set_alpn_select_cb(context, prefer_http2, nullptr);
  return context;
}

}  // namespace

RawConnection::~RawConnection() { SSL_free(tls_); }

bool RawConnection::begin_tls(ssl_ctx_st* context) {
  tls_ = SSL_new(context);
  return SSL_set_fd(tls_, socket_) == 1 && SSL_accept(tls_) == 1;
}

long RawConnection::receive(char* into, std::size_t size) {
  return tls_ != nullptr ? SSL_read(tls_, into, static_cast<int>(size))
                         : ::recv(socket_, into, size, 0);
}

std::optional<RawRequest> RawConnection::read_request() {
  char buffer[65536];
  while (true) {
    if (const auto end = read_.find("\r\n\r\n"); end != std::string::npos) {
      const std::string head = read_.substr(0, end);
      const std::size_t body = content_length(head);
      if (read_.size() >= end + 4 + body) {
        RawRequest request{head, read_.substr(end + 4, body)};
        read_.erase(0, end + 4 + body);
        return request;
      }
    }
    const long got = receive(buffer, sizeof(buffer));
    if (got <= 0) return std::nullopt;
    read_.append(buffer, static_cast<std::size_t>(got));
  }
}

bool RawConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long put = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                     : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool RawConnection::client_closed_within(std::chrono::milliseconds time) {
  pollfd wait{socket_, POLLIN, 0};
  char byte = 0;
  return ::poll(&wait, 1, static_cast<int>(time.count())) > 0 &&
         ::recv(socket_, &byte, 1, MSG_PEEK) <= 0;
}

void RawConnection::wait_until_client_closes() {
  char buffer[4096];
  while (::recv(socket_, buffer, sizeof(buffer), 0) > 0) {
  }
}

void RawConnection::reset() {
  // Connecting a TCP socket to "nothing" drops it with RST, and leaves the descriptor to its owner.
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  static_cast<void>(::connect(socket_, &none, sizeof(none)));
}

std::string raw_answer(int status, std::string_view body, std::string_view headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) +
                     " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  text += headers;
  text += "\r\n";
  text += body;
  return text;
}

RawServer::RawServer(Serve serve) : RawServer(std::move(serve), {}, {}) {}

RawServer::RawServer(Serve serve, const std::string& certificate, const std::string& key, bool old)
    : serve_(std::move(serve)) {
  if (!certificate.empty()) {
    tls_ = tls_context(certificate, key, old);
    // A client may close before it has read everything: that is an error, not a signal.
    ::signal(SIGPIPE, SIG_IGN);
  }
  listener_ = listen_on_free_port(port_);
  accepting_ = std::jthread([this] { accept_all(); });
}

RawServer::~RawServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& one : open_) ::shutdown(one->socket_, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  serving_.clear();
  for (const auto& one : open_) ::close(one->socket_);
  ::close(listener_);
  open_.clear();
  SSL_CTX_free(tls_);
}

void RawServer::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::lock_guard lock(mutex_);
    open_.push_back(std::make_unique<RawConnection>(socket, ++connections_));
    if (stopping_) return;
    serving_.emplace_back([this, one = open_.back().get()] {
      if (tls_ == nullptr || one->begin_tls(tls_)) serve_(*one);
      ::shutdown(one->socket_, SHUT_RDWR);
    });
  }
}

std::string RawServer::url(std::string_view path) const {
  return std::string(tls_ != nullptr ? "https" : "http") + "://127.0.0.1:" + std::to_string(port_) +
         std::string(path);
}

int refused_port() {
  int port = 0;
  ::close(listen_on_free_port(port));
  return port;
}

}  // namespace kc::fakes
