// A stand-in for everything that gives tokens: the login endpoint of Microsoft Entra ID (https,
// with a certificate made on the spot) and the identity endpoints of machines (http; Service
// Fabric's by https). It remembers every request, answers as the real ones do, and refuses as they
// do what they would refuse. Used by tests of the credentials and by the comparison with
// Microsoft's own library. Thread promise: its methods are safe from any thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/azure/encoding.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"

namespace kc::fakes {

struct IdentityRequest {
  bool tls = false;
  std::string method, path;
  azure::Query query, form;                    // in their order
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string form_value(const std::string& name) const;  // empty where there is none
};

struct IdentityAnswer {
  int status = 200;
  std::string body;
  std::string headers = {};  // lines that end in CRLF
};

class IdentityServer {
 public:
  IdentityServer();

  std::string login_url() const;    // https://127.0.0.1:port
  std::string machine_url() const;  // http://127.0.0.1:port
  const TestCertificate& certificate() const { return certificate_; }

  // What the Arc agent's challenge names, and the proof that it then wants.
  void set_arc(std::string challenge_file, std::string secret);
  // Given instead of the usual answers, one per request, to requests whose path holds `path`.
  void answer_next(std::string path, IdentityAnswer answer);
  // Seconds that a token of the usual answers holds.
  void set_lifetime(long seconds);

  std::vector<IdentityRequest> seen() const;
  void forget();

 private:
  void serve(RawConnection& connection, bool tls);
  IdentityAnswer answer(const IdentityRequest& request);
  IdentityAnswer login(const IdentityRequest& request);
  IdentityAnswer machine(const IdentityRequest& request);
  std::string token(const std::string& audience);

  const TestCertificate certificate_;
  mutable std::mutex mutex_;  // guards the next six
  std::vector<IdentityRequest> seen_;
  std::deque<std::pair<std::string, IdentityAnswer>> next_;
  std::string arc_file_, arc_secret_;
  long lifetime_ = 3599;
  int tokens_ = 0;
  RawServer http_, https_;  // last: they end first
};

}  // namespace kc::fakes
