// A transport that answers from a list and remembers what it was asked. Used by the storage
// clients' tests. Thread promise: one test.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "core/net/transport.h"

namespace kc::azure {

class ScriptedTransport final : public net::Transport {
 public:
  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override {
    calls.push_back(call);
    if (answers.empty()) return fail(ErrorKind::unavailable, "net.unreachable", "nothing is left");
    auto answer = std::move(answers.front());
    answers.pop_front();
    if (!answer) return answer;
    return net::hand_over(call, std::move(*answer));
  }
  void close() override {}

  void answer(int status, std::string body = {}, std::vector<net::Header> headers = {}) {
    headers.push_back({"x-ms-request-id", "request-1"});
    answers.emplace_back(net::HttpAnswer{status, std::move(headers), std::move(body)});
  }
  // Without what every storage service sends.
  void stranger(int status, std::string body) {
    answers.emplace_back(net::HttpAnswer{status, {}, std::move(body)});
  }
  void broken(const char* code) {
    answers.emplace_back(fail(ErrorKind::unavailable, code, "broken"));
  }

  std::deque<Result<net::HttpAnswer>> answers;
  std::vector<net::HttpCall> calls;
};

}  // namespace kc::azure
