// The library accepts connections and frames bodies and answers. The head is read and judged by our
// own code (http_head), then handed over in one canonical spelling; the socket is ours too, so that
// time limits are for a whole head, body or answer and not for each read. One file because the HTTP
// library may be included by no other, and its stream, its queue and its server are what the three
// classes here are made from.
#include "api/http_server.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "api/http_head.h"
#include "core/base/guarded.h"
#include "core/base/text.h"

namespace kc::api {

namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

HttpResponse plain_refusal(int status, const Error& error) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = error.code + ": " + error.message + "\n";
  return response;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Error internal_error() {
  return Error{.kind = ErrorKind::unavailable,
               .code = "internal",
               .message = "this request met a fault of the server"};
}

// One accepted socket as the library's Stream. Reads the head whole; what the client sent beyond it
// stays for the body and for the next request.
class Connection final : public httplib::Stream {
 public:
  Connection(socket_t socket, const HttpServerOptions& options)
      : socket_(socket), options_(options) {}

  enum class Head { complete, ended, late, too_large };

  // Waits for a request's first byte for as long as an idle connection may live, then for its whole
  // head.
  Head read_head(std::string& head) {
    sent_any_ = false;
    deadline_ = Steady::now() + options_.keep_alive;
    bool begun = !pending_.empty();
    if (begun) deadline_ = Steady::now() + options_.head_timeout;
    while (true) {
      strip_leading_blank_lines();
      if (const auto end = pending_.find("\r\n\r\n"); end != std::string::npos) {
        if (end + 4 > options_.head_bytes_max) return Head::too_large;
        head = pending_.substr(0, end + 4);
        pending_.erase(0, end + 4);
        return Head::complete;
      }
      if (pending_.size() > options_.head_bytes_max) return Head::too_large;
      if (!receive()) return begun && timed_out_ ? Head::late : Head::ended;
      if (!begun) deadline_ = Steady::now() + options_.head_timeout;
      begun = true;
    }
  }

  // From here on `read` serves the canonical head, then at most the declared body.
  void begin_request(std::string canonical, std::optional<std::uint64_t> content_length) {
    fed_ = std::move(canonical);
    fed_at_ = 0;
    body_left_ = content_length;
    deadline_ = Steady::now() + options_.body_timeout;
  }
  // True if the whole declared body was taken off the wire, so that the next byte begins a request.
  bool body_taken() const { return body_left_.value_or(0) == 0; }

  bool flush() {
    const bool ok = out_.empty() || send_all(out_);
    out_.clear();
    return ok;
  }
  bool sent_any() const { return sent_any_; }

  bool is_readable() const override {
    return !pending_.empty() || fed_at_ < fed_.size() || wait(POLLIN, milliseconds(0));
  }
  bool is_writable() const override { return wait(POLLOUT, options_.write_timeout); }
  ssize_t read(char* to, size_t size) override {
    if (fed_at_ < fed_.size()) return take(fed_, fed_at_, to, size);
    if (!flush()) return -1;  // `100 Continue` must leave before the body can come
    if (body_left_) size = std::min<size_t>(size, static_cast<size_t>(*body_left_));
    if (size == 0) return 0;
    if (pending_.empty() && !receive()) return timed_out_ ? -1 : 0;
    const auto taken = std::min(size, pending_.size());
    std::memcpy(to, pending_.data(), taken);
    pending_.erase(0, taken);
    if (body_left_) *body_left_ -= taken;
    return static_cast<ssize_t>(taken);
  }
  ssize_t write(const char* from, size_t size) override {
    constexpr size_t kCoalesceMax = size_t{16} << 10;
    if (out_.size() + size <= kCoalesceMax) {
      out_.append(from, size);
      return static_cast<ssize_t>(size);
    }
    if (!flush() || !send_all({from, size})) return -1;
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    name(::getpeername, ip, port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    name(::getsockname, ip, port);
  }
  socket_t socket() const override { return socket_; }

 private:
  static ssize_t take(const std::string& from, size_t& at, char* to, size_t size) {
    const auto taken = std::min(size, from.size() - at);
    std::memcpy(to, from.data() + at, taken);
    at += taken;
    return static_cast<ssize_t>(taken);
  }

  // Some clients send a blank line after a body; RFC 9112 lets a server ignore it.
  void strip_leading_blank_lines() {
    while (pending_.compare(0, 2, "\r\n") == 0) pending_.erase(0, 2);
  }

  bool wait(short what, milliseconds limit) const {
    pollfd entry{.fd = socket_, .events = what, .revents = 0};
    int ready = 0;
    do {
      ready = ::poll(&entry, 1, static_cast<int>(limit.count()));
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
  }
  static milliseconds until(Steady::time_point at) {
    return std::max(milliseconds(0),
                    std::chrono::duration_cast<milliseconds>(at - Steady::now()) + milliseconds(1));
  }

  // Appends what has arrived to pending_; false at the end, on an error or when the deadline has
  // passed.
  bool receive() {
    timed_out_ = false;
    if (Steady::now() >= deadline_ || !wait(POLLIN, until(deadline_))) {
      timed_out_ = true;
      return false;
    }
    char piece[16384];
    ssize_t n = 0;
    do {
      n = ::recv(socket_, piece, sizeof piece, 0);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) return false;
    pending_.append(piece, static_cast<size_t>(n));
    return true;
  }

  bool send_all(std::string_view bytes) {
    if (!sent_any_) write_deadline_ = Steady::now() + options_.write_timeout;
    sent_any_ = true;
    while (!bytes.empty()) {
      const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      if (Steady::now() >= write_deadline_ || !wait(POLLOUT, until(write_deadline_))) return false;
    }
    return true;
  }

  template <class Call>
  void name(Call call, std::string& ip, int& port) const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    char host[NI_MAXHOST];
    char service[NI_MAXSERV];
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (call(socket_, generic, &length) != 0) return;
    if (::getnameinfo(generic, length, host, sizeof host, service, sizeof service,
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
      return;
    }
    ip = host;
    port = std::atoi(service);
  }

  socket_t socket_;
  const HttpServerOptions& options_;
  std::string pending_;  // received, not yet read
  std::string fed_;      // the canonical head
  size_t fed_at_ = 0;
  std::optional<std::uint64_t> body_left_;
  std::string out_;  // written, not yet sent: head and body leave in one packet
  bool sent_any_ = false;
  bool timed_out_ = false;
  Steady::time_point deadline_, write_deadline_;
};

// At most `threads` workers, started as they are needed, and at most `queue` connections waiting
// for one.
class Workers final : public httplib::TaskQueue {
 public:
  Workers(int threads, int queue, std::atomic<bool>& shed)
      : threads_max_(threads), queue_max_(queue), shed_(shed) {}

  bool enqueue(std::function<void()> work) override {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      const auto waiting = static_cast<int>(queue_.size());
      if (waiting < idle_ || static_cast<int>(threads_.size()) < threads_max_ ||
          waiting < idle_ + queue_max_) {
        queue_.push_back(std::move(work));
        if (waiting >= idle_ && static_cast<int>(threads_.size()) < threads_max_)
          threads_.emplace_back([this] { serve(); });
        ready_.notify_one();
        return true;
      }
    }
    shed_ = true;  // the accepting thread itself tells this client to come later
    work();
    shed_ = false;
    return true;
  }

  void shutdown() override {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      ready_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      --idle_;
      if (queue_.empty()) return;
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }

  const int threads_max_;
  const int queue_max_;
  std::atomic<bool>& shed_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;  // grown by the accepting thread only
  int idle_ = 0;
  bool closed_ = false;
};

class Server final : public HttpServer, private httplib::Server {
 public:
  Server(HttpServerOptions options, HttpHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {
    if (!options_.refusal) options_.refusal = plain_refusal;
    set_up();
  }
  ~Server() override { stop(); }

  Result<void> listen_now();
  int port() const override { return port_; }
  void stop() override;

 private:
  void set_up();
  // The library's hook for one accepted connection.
  bool process_and_close_socket(socket_t socket) override;
  void serve(socket_t socket);
  bool serve_one(Connection& connection);
  void refuse(Connection& connection, int status, const Error& error) const;
  void shed(socket_t socket) const;

  void answer(const httplib::Request& from, httplib::Response& to, std::string body) const;
  void answer_with_body(const httplib::Request& from, httplib::Response& to,
                        const httplib::ContentReader& reader) const;
  void put(HttpResponse from, httplib::Response& to) const;

  struct Open {
    bool stopping = false;
    std::set<socket_t> sockets;
  };

  HttpServerOptions options_;
  HttpHandler handler_;
  int port_ = 0;
  std::atomic<bool> shedding_{false};  // set and read by the accepting thread
  Guarded<Open> open_;
  std::thread accepting_;
};

void Server::set_up() {
  set_tcp_nodelay(true);
  // Only REUSEADDR: with the library's REUSEPORT a second server would share the port in silence.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  set_payload_max_length(options_.body_bytes_max);
  set_default_headers({{"Accept-Ranges", "none"}, {"X-Content-Type-Options", "nosniff"}});
  new_task_queue = [this] { return new Workers(options_.threads, options_.queue, shedding_); };
  set_exception_handler(
      [this](const httplib::Request&, httplib::Response& to, const std::exception_ptr&) {
        put(options_.refusal(500, internal_error()), to);
      });
  // What the library itself answers has no body of ours yet.
  set_error_handler([this](const httplib::Request&, httplib::Response& to) {
    if (!to.body.empty() || to.content_length_ > 0) return;
    const auto code = to.status == 413 ? "request.too_large" : "request.malformed";
    put(options_.refusal(
            to.status,
            {.kind = ErrorKind::invalid, .code = code, .message = "the request cannot be read"}),
        to);
  });
  set_post_routing_handler([](const httplib::Request&, httplib::Response& to) {
    if (to.status == 304 || to.status == 204) to.headers.erase("Content-Length");
  });
  const auto with_body = [this](const httplib::Request& from, httplib::Response& to,
                                const httplib::ContentReader& reader) {
    answer_with_body(from, to, reader);
  };
  Post("[^]*", with_body);
  Put("[^]*", with_body);
  Patch("[^]*", with_body);
  Delete("[^]*", with_body);
  set_pre_routing_handler([this](const httplib::Request& from, httplib::Response& to) {
    if (from.method == "POST" || from.method == "PUT" || from.method == "PATCH" ||
        from.method == "DELETE") {
      return HandlerResponse::Unhandled;
    }
    answer(from, to, {});
    return HandlerResponse::Handled;
  });
}

// The library says only that it failed: ask the system why.
int bind_errno(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return EADDRNOTAVAIL;
  int error = 0;
  for (auto* at = found; at != nullptr; at = at->ai_next) {
    const int probe = ::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    const int on = 1;
    if (probe < 0 || ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(probe, at->ai_addr, at->ai_addrlen) != 0 || ::listen(probe, 1) != 0) {
      error = errno;
    }
    if (probe >= 0) ::close(probe);
    if (error != 0) break;
  }
  ::freeaddrinfo(found);
  return error;
}

Result<void> Server::listen_now() {
  port_ = options_.port == 0 ? bind_to_any_port(options_.host)
                             : (bind_to_port(options_.host, options_.port) ? options_.port : -1);
  if (port_ < 0) {
    const int error = bind_errno(options_.host, options_.port);
    const auto where = options_.host + ":" + std::to_string(options_.port);
    if (error == EADDRINUSE || error == 0) {
      Error busy{.kind = ErrorKind::conflict,
                 .code = "server.port_in_use",
                 .message = where + " is in use by another program"};
      busy.fix =
          "choose another port, or stop the program that listens there: ss -ltnp 'sport = :" +
          std::to_string(options_.port) + "'";
      return fail(std::move(busy));
    }
    return fail(ErrorKind::invalid, "server.bind_failed",
                where + " cannot be listened on: " + std::strerror(error));
  }
  accepting_ = std::thread([this] { listen_after_bind(); });
  wait_until_ready();
  return {};
}

void Server::stop() {
  if (!accepting_.joinable()) return;
  open_.with([](Open& open) {
    open.stopping = true;
    // An idle connection sees the end of its input; one at work still sends its answer.
    for (auto socket : open.sockets) ::shutdown(socket, SHUT_RD);
  });
  httplib::Server::stop();
  accepting_.join();
}

bool Server::process_and_close_socket(socket_t socket) {
  if (shedding_ && std::this_thread::get_id() == accepting_.get_id()) {
    shed(socket);
  } else {
    const bool serving = open_.with(
        [&](Open& open) { return !open.stopping && open.sockets.insert(socket).second; });
    if (serving) {
      serve(socket);
      open_.with([&](Open& open) { open.sockets.erase(socket); });
    }
  }
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
  return true;
}

void Server::serve(socket_t socket) {
  Connection connection(socket, options_);
  for (int left = options_.keep_alive_requests; left > 0; --left) {
    if (!serve_one(connection)) return;
  }
}

// The true method and the headers as they were sent, in place of the canonical ones. With this the
// library's own additions (REMOTE_ADDR and three more, which a client can send as well) are gone.
void restore(const HttpHead& head, httplib::Request& request) {
  request.method = head.method;
  request.headers.clear();
  for (const auto& [name, value] : head.headers) {
    if (name == "range" || name == "if-range") continue;
    const bool keyword =
        name == "content-encoding" || name == "transfer-encoding" || name == "expect";
    const auto word = keyword ? lower(value) : value;
    if (name != "content-encoding" || word != "identity") request.headers.emplace(name, word);
  }
}

// True if another request may follow on this connection.
bool Server::serve_one(Connection& connection) {
  std::string text;
  switch (connection.read_head(text)) {
    case Connection::Head::ended:
      return false;
    case Connection::Head::late:
      refuse(connection, 408,
             {.kind = ErrorKind::invalid,
              .code = "request.timeout",
              .message = "the head came too slowly"});
      return false;
    case Connection::Head::too_large:
      refuse(connection, 431,
             {.kind = ErrorKind::invalid,
              .code = "request.headers_too_large",
              .message = "the head of the request is too large"});
      return false;
    case Connection::Head::complete:
      break;
  }
  auto head = parse_head(text, {.line_bytes_max = options_.line_bytes_max,
                                .headers_max = options_.headers_max,
                                .body_bytes_max = options_.body_bytes_max});
  if (!head) {
    refuse(connection, head.error().status, head.error().error);
    return false;
  }
  connection.begin_request(
      canonical_head(*head),
      head->chunked ? std::nullopt : std::optional(head->content_length.value_or(0)));
  std::string remote, local;
  int remote_port = 0, local_port = 0;
  connection.get_remote_ip_and_port(remote, remote_port);
  connection.get_local_ip_and_port(local, local_port);
  const bool stopping = open_.with([](Open& open) { return open.stopping; });
  bool closed = false;
  const bool ok =
      process_request(connection, remote, remote_port, local, local_port, head->close || stopping,
                      closed, [&](httplib::Request& request) { restore(*head, request); });
  return connection.flush() && ok && !closed && !head->close && !stopping &&
         connection.body_taken();
}

// Before the library has seen the request: written by hand, and the connection ends.
void Server::refuse(Connection& connection, int status, const Error& error) const {
  const auto response = options_.refusal(status, error);
  const auto body = response.text();
  std::string out =
      "HTTP/1.1 " + std::to_string(status) + " " + httplib::status_message(status) + "\r\n";
  for (const auto& [name, value] : response.headers) {
    if (is_clean(name) && is_clean(value)) out += name + ": " + value + "\r\n";
  }
  out += "Content-Type: " + response.content_type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
  connection.write(out.data(), out.size());
  connection.write(body.data(), body.size());
  connection.flush();
  // Closing with bytes unread would reset the connection and take the answer with it: say that no
  // more will be sent, and take what is already there.
  ::shutdown(connection.socket(), SHUT_WR);
  char scrap[16384];
  for (int pieces = 0; pieces < 64; ++pieces) {
    pollfd entry{.fd = connection.socket(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 100) <= 0 ||
        ::recv(connection.socket(), scrap, sizeof scrap, MSG_DONTWAIT) <= 0)
      break;
  }
}

// On the accepting thread: never waits.
void Server::shed(socket_t socket) const {
  const auto response =
      options_.refusal(503, {.kind = ErrorKind::unavailable,
                             .code = "server.overloaded",
                             .message = "every worker is busy; try again in a second"});
  const auto body = response.text();
  const auto out = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: " +
                   response.content_type + "\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\nConnection: close\r\n\r\n" + std::string(body);
  char scrap[16384];
  while (::recv(socket, scrap, sizeof scrap, MSG_DONTWAIT) > 0) {
  }
  (void)::send(socket, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Server::answer(const httplib::Request& from, httplib::Response& to, std::string body) const {
  HttpRequest request;
  request.method = from.method;
  const std::string_view path = std::string_view(from.target).substr(0, from.target.find('?'));
  request.path = decode_path(path).value_or("/");
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    request.segments.push_back(decode_path(path.substr(at, end - at)).value_or(""));
    at = end + 1;
  }
  request.query.insert(from.params.begin(), from.params.end());
  for (const auto& [name, value] : from.headers) {
    request.headers.emplace(lower(name), value);
  }
  request.remote_address = from.remote_addr;
  request.body = std::move(body);
  put(handler_(request), to);
}

void Server::answer_with_body(const httplib::Request& from, httplib::Response& to,
                              const httplib::ContentReader& reader) const {
  std::string body;
  bool too_large = false;
  // Neither header means an empty body; the library would read until the client hangs up.
  if (from.has_header("Content-Length") || from.has_header("Transfer-Encoding")) {
    const bool whole = reader([&](const char* piece, size_t size) {
      too_large = body.size() + size > options_.body_bytes_max;  // counted after decompression
      if (!too_large) body.append(piece, size);
      return !too_large;
    });
    if (!whole) {
      const bool large = too_large || to.status == 413;
      put(options_.refusal(
              large ? 413 : 400,
              {.kind = ErrorKind::invalid,
               .code = large ? "request.too_large" : "request.malformed",
               .message = large ? "the body is larger than " +
                                      std::to_string(options_.body_bytes_max) + " bytes"
                                : "the body ended early or is not what its headers say"}),
          to);
      to.set_header("Connection", "close");
      return;
    }
  }
  answer(from, to, std::move(body));
}

void Server::put(HttpResponse from, httplib::Response& to) const {
  to.status = from.status;
  for (const auto& [name, value] : from.headers) {
    if (is_clean(name) && is_clean(value)) to.set_header(name, value);
  }
  if (from.shared_body) {
    if (from.shared_body->empty()) return;
    const auto size = from.shared_body->size();
    to.set_content_provider(size, from.content_type,
                            [bytes = std::move(from.shared_body)](size_t offset, size_t length,
                                                                  httplib::DataSink& sink) {
                              return sink.write(bytes->data() + offset, length);
                            });
  } else if (!from.body.empty()) {
    to.set_content(std::move(from.body), from.content_type);
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler handler) {
  auto server = std::make_unique<Server>(std::move(options), std::move(handler));
  KC_CHECK_OK(server->listen_now());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace kc::api
