// A Transport through which every cluster says that it is signed in to elsewhere than it does: at
// an issuer of tokens that a test has. Used by tests of the embedded engine, which names the public
// cloud's. Thread promise: as Transport.
#pragma once

#include <string>
#include <utility>

#include "core/base/json.h"
#include "core/net/transport.h"

namespace kc::fakes {

class SignInElsewhere final : public net::Transport {
 public:
  SignInElsewhere(net::Transport& inner, std::string login)
      : inner_(inner), login_(std::move(login)) {}

  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override {
    auto answer = inner_.exchange(call);
    if (!answer || !call.url.ends_with("/v1/rest/auth/metadata")) return answer;
    auto body = nlohmann::json::parse(answer->body);
    body["AzureAD"]["LoginEndpoint"] = login_;
    answer->body = body.dump();
    return answer;
  }
  void close() override { inner_.close(); }

 private:
  net::Transport& inner_;
  const std::string login_;
};

}  // namespace kc::fakes
