// One storage account's service and the credential for it: signs a call, sends it, repeats what may
// be repeated, and turns a refusal into an Error. Blobs, Queues and Tables stand on it. Thread
// promise: safe from any thread; the Transport and the Clock outlive it.
//
// Errors: not_found, conflict (409, 412), denied (401, 403), throttled (429, 503), invalid (other
// 4xx), unavailable (5xx, and whatever the Transport says), corrupt (an answer that is none),
// cancelled. code is `storage.<kind>`, service_code is the service's own (`BlobNotFound`, …).
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/azure/address.h"
#include "core/azure/encoding.h"
#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/rng.h"
#include "core/net/transport.h"

namespace kc::azure {

struct LineOptions {
  int tries_max = 4;
  Timespan first_wait = Timespan::milliseconds(800);
  Timespan wait_max = Timespan::seconds(60);
  Timespan deadline = Timespan::seconds(60);  // of one try
  std::uint64_t seed = 1;                     // of the jitter
  std::stop_token stop = {};
  // Waits between two tries; false: stopped meanwhile. Absent: waits for the time or the stop.
  std::function<bool(Timespan)> wait = {};
  // Where a Credential of kind token has no secret of its own: the bearer token of the moment, and
  // a newer one than `refused`, which the service did not take.
  std::function<Result<std::string>(const std::string& refused)> token = {};
};

// Waits as the options say; false: stopped meanwhile.
bool pause(const LineOptions& options, Timespan span);

struct StorageCall {
  net::Method method = net::Method::get;
  std::string path;  // behind the endpoint, encoded, with its slash; may be empty
  Query query = {};
  std::vector<net::Header> headers = {};
  std::string body = {};
  bool repeatable = true;  // a second execution does no harm
  std::size_t answer_bytes_max = std::size_t{64} << 20;
  bool has_request_id = true;  // its answers; else whoever asks must know them by what they say
  // Of what is repeatable: an answer that this does not take for a whole one is asked for again,
  // and given out where it comes every time. The last one that it has seen is the one that is given
  // out.
  std::function<bool(const net::HttpAnswer&)> whole = {};
};

class Line {
 public:
  enum class Service { blob_or_queue, table };

  Line(net::Transport& transport, const Clock& clock, std::string endpoint, Credential credential,
       Service service, LineOptions options = {});

  // The answer, where its status is one of `expected` and it has what every answer of a storage
  // service has, its request id: another one is a page of something on the way, and an unknown
  // outcome. `what` opens the message of an error.
  Result<net::HttpAnswer> send(const StorageCall& call, std::initializer_list<int> expected,
                               const std::string& what);

  const std::string& endpoint() const { return endpoint_; }
  const Credential& credential() const { return credential_; }

 private:
  struct Signed {
    net::HttpCall http;
    std::string token;  // the bearer token in it, if there is one
  };
  Result<Signed> signed_call(const StorageCall& call, const std::string& refused = {});
  Result<net::HttpAnswer> exchange(Signed first, const StorageCall& call, int attempt);

  net::Transport& transport_;
  const Clock& clock_;
  std::string endpoint_;
  Credential credential_;
  Service service_;
  LineOptions options_;
  Guarded<Rng> rng_;
};

// The code that the service gives: of the header, else of an XML or a JSON body.
std::string error_code_of(const net::HttpAnswer& answer);

}  // namespace kc::azure
