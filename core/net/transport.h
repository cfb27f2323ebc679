// The Transport door: one HTTP exchange, whole request to whole answer. Used by everything that
// speaks to the outside; CurlTransport ships. Thread promise: `exchange` is safe from any thread
// and blocks until the answer is complete, the deadline passes, the call is cancelled or the
// transport is closed.
//
// Errors: invalid (net.invalid_call: the URL or a header cannot be sent; net.tls_untrusted: the
// server's certificate does not hold; net.proxy_refused: the proxy of the environment makes no way
// there), unavailable (net.unreachable: nothing was sent; net.timeout, net.broken: it may have been
// executed; net.answer_too_large), cancelled (net.cancelled). An answer with an HTTP error status
// is an answer, not an error. No message holds more of the URL than its scheme, host and port.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/net/retry_budget.h"

namespace kc::net {

enum class Method { get, head, put, post, patch, delete_ };
std::string_view to_string(Method method);  // "GET", …

struct Header {
  std::string name, value;
};

inline constexpr int kStatusOk = 200;
inline constexpr std::size_t kAnswerBytesMax = std::size_t{256} << 20;  // after decompression
inline constexpr std::size_t kAnswerHeaderBytesMax = std::size_t{64} << 10;
// Of a body that goes to a sink: what may wait between the connection and the sink.
inline constexpr std::size_t kSinkBytesHeldMax = std::size_t{256} << 10;

// Takes the next piece of a body. An error ends the exchange, and becomes its result.
using BodySink = std::function<Result<void>(std::string_view piece)>;

struct HttpCall {
  Method method = Method::get;
  std::string url;  // http or https
  std::vector<Header> headers = {};
  std::string body = {};
  Timespan deadline = Timespan::seconds(60);  // total, from the call to the last byte of the answer
  std::stop_token cancel = {};
  // True where a second execution does no harm. Only then is the request sent again when a reused
  // connection turns out to have been closed by the server; otherwise that is net.broken.
  bool repeatable = false;
  std::size_t answer_bytes_max = kAnswerBytesMax;
  // False: no compression is offered and the body stays as it came, whatever its Content-Encoding
  // says: a stored object may have one of its own.
  bool decompress = true;
  // Not empty: https is spoken to the one server whose certificate has this SHA-1 (hex), whoever
  // signed it, on a connection of its own. Service Fabric names its identity endpoint so.
  std::string certificate_sha1 = {};
  // Not empty: the body of an answer with status 200 goes there as it comes, decompressed, on the
  // thread that called `exchange`, and HttpAnswer::body stays empty. While the sink is busy the
  // server waits. A body of any other status is collected as ever. After an error of the exchange
  // the sink may have had a part.
  BodySink sink = {};
  int attempt = 1;  // which try this is of the same call; for those who watch
};

struct HttpAnswer {
  int status = 0;
  std::vector<Header> headers;  // names in lower case
  std::string body;             // decompressed, where the call says so
  // The first header of that lower-case name; nullptr where there is none.
  const std::string* header(std::string_view name) const;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<HttpAnswer> exchange(const HttpCall& call) = 0;
  // Ends every exchange in flight with kind cancelled and refuses later ones. Idempotent.
  virtual void close() = 0;
  // Shared by everybody who repeats calls over this transport.
  RetryBudget& retry_budget() { return retry_budget_; }

 private:
  RetryBudget retry_budget_;
};

// For a Transport that has its answers whole: gives the body to the call's sink, where it has one.
Result<HttpAnswer> hand_over(const HttpCall& call, HttpAnswer answer);

// `https://host:port` of a URL: what a message may show of it.
std::string origin_of(std::string_view url);
// localhost, 127.x.y.z or ::1.
bool is_loopback_host(std::string_view host);
// 169.254.x.y: this machine's own link, where a cloud has its metadata.
bool is_link_local_host(std::string_view host);
// The host of a URL, without port, brackets or user; empty where there is none.
std::string_view host_of(std::string_view url);

}  // namespace kc::net
