// A server on loopback in front of a real service (a cluster, a storage account, an issuer of
// tokens) that forwards what it is sent, and does to requests that ask for it what networks and
// services do on bad days: with real sockets and real TLS. FaultyWay (faulty_way.h) chooses the
// requests. Used by the fault matrix. Thread promise: safe from any thread; the destructor ends
// what is under way.
#pragma once

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/net/curl_transport.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"

namespace kc::fakes {

enum class Fault {
  refuse,              // nobody listens there
  reset_before,        // read and dropped with RST: nothing was done
  reset_after,         // done, and RST in the middle of the answer
  black_hole,          // read, and never a word
  slow_drip,           // done, and answered byte by byte
  truncated,           // done, and half of the answer, which ends as if it were whole
  wrong_content_type,  // 200 with a page of HTML, and nothing was done
  throttled,           // 429 with Retry-After, and nothing was done
  busy,                // 503, and nothing was done
  failed_after,        // 500, and it was done
  error_in_200,        // a success by its status, and an error, or no such answer, by the rest
  expired_token,       // 401 or 403, and nothing was done
  tls_stranger,        // a certificate that nobody vouches for
  tls_wrong_name,      // a good certificate of another host
  tls_old,             // TLS 1.1 and nothing newer
};
inline constexpr std::size_t kFaults = 15;
std::string_view to_string(Fault fault);
std::optional<Fault> parse_fault(std::string_view word);

// What the service behind it speaks, and so how its failures look.
enum class Face { cluster, storage, issuer };

// Whether the service carries out a request that meets the fault.
bool is_carried_out(Fault fault, Face face);

struct FaultyProxyOptions {
  Face face = Face::cluster;
  std::string upstream;          // its origin, without a slash at the end
  std::string upstream_ca = {};  // the file with its certificate, where it has its own
  // The proxy's own, where it is to be asked by https.
  std::optional<TestCertificate> certificate = {};
};

class FaultyProxy {
 public:
  // What a request has in its headers to meet a fault.
  static constexpr std::string_view kOrder = "x-fault";

  explicit FaultyProxy(FaultyProxyOptions options);
  ~FaultyProxy();
  FaultyProxy(const FaultyProxy&) = delete;
  FaultyProxy& operator=(const FaultyProxy&) = delete;

  Face face() const { return options_.face; }
  std::string url() const { return server_.url(""); }
  // Where to go to meet it.
  std::string url_of(Fault fault) const;
  // The certificates that a client has to trust for a fault to be the one that is meant.
  const std::string& certificates() const { return trusted_; }

  // Of the requests that asked for a fault: how many came, and how many of these the service was
  // given; the second waits for those that are with the service.
  int received() const;
  int carried_out();
  void forget();

 private:
  void serve(RawConnection& client);
  bool answer(RawConnection& client, const RawRequest& request);
  std::optional<std::string> forward(const RawRequest& request, bool counted);

  const FaultyProxyOptions options_;
  const TestCertificate wrong_name_;
  const std::string trusted_;
  const int refused_;
  net::CurlTransport upstream_;
  mutable std::mutex mutex_;  // guards the next three
  std::condition_variable settled_;
  int received_ = 0, carried_out_ = 0, under_way_ = 0;
  std::stop_source stop_;
  std::unique_ptr<RawServer> stranger_, named_otherwise_, old_;
  RawServer server_;  // last: its threads use what is above
};

}  // namespace kc::fakes
