// The HTTP/1.1 face of this process: one listening socket, a bounded set of workers, one handler.
// Used by api/ and by the embedded engine's endpoint; routing belongs to the handler. Thread
// promise: the handler is called from many threads at once; start, port and stop belong to one
// owner.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace kc::api {

// A whole request. Header names are lower-case; values are as sent, without control characters, and
// are still a stranger's: never put one into a response header or a log line without escaping it.
struct HttpRequest {
  std::string method;  // any token, also one that nobody knows
  std::string path;    // decoded, without the query, starts with `/`
  std::vector<std::string>
      segments;  // of the path, split before decoding: `%2F` stays inside its segment
  std::multimap<std::string, std::string> query;  // decoded
  std::multimap<std::string, std::string> headers;
  std::string body;            // decompressed; at most body_bytes_max
  std::string remote_address;  // of the connection, never out of a header

  // The first value of that name (lower-case), or nullptr.
  const std::string* header(const std::string& name) const {
    auto at = headers.find(name);
    return at == headers.end() ? nullptr : &at->second;
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // sent only with a body
  std::string body = {};                          // may be sent compressed, if the client asks
  // Instead of `body`: sent as it is, without a copy.
  std::shared_ptr<const std::string> shared_body = {};
  // One with a control character in it is not sent.
  std::vector<std::pair<std::string, std::string>> headers = {};

  std::string_view text() const {
    return shared_body ? std::string_view(*shared_body) : std::string_view(body);
  }
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Renders what the server itself refuses (a malformed head, a body too large, no free worker, a
// handler that threw).
using HttpRefusal = std::function<HttpResponse(int status, const Error& error)>;

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int port = 0;       // 0: any free one
  int threads = 256;  // connections served at once; started as they are needed
  int queue = 256;    // connections that may wait for a worker; past it: 503
  std::size_t body_bytes_max = std::size_t{1} << 20;  // after decompression
  std::size_t head_bytes_max = std::size_t{32} << 10;
  std::size_t line_bytes_max = 8192;
  std::size_t headers_max = 64;
  int keep_alive_requests = 100'000;
  std::chrono::milliseconds keep_alive{2'000};  // an idle connection holds a worker for this long
  std::chrono::milliseconds head_timeout{10'000};   // for the whole head, not for one read
  std::chrono::milliseconds body_timeout{30'000};   // for the whole body
  std::chrono::milliseconds write_timeout{30'000};  // for the whole answer
  HttpRefusal refusal = {};                         // absent: plain text
};

class HttpServer {
 public:
  // Listening once this returns. Kind conflict, code server.port_in_use, where another socket has
  // the port; kind invalid, code server.bind_failed, for any other reason.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler handler);

  virtual ~HttpServer() = default;  // stops
  virtual int port() const = 0;
  // Takes no more connections, lets the answers under way be sent, closes the idle ones, joins.
  // Idempotent.
  virtual void stop() = 0;
};

}  // namespace kc::api
