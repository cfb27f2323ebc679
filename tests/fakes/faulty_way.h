// A Transport that sends chosen calls into a fault of a FaultyProxy, and all others on as they are.
// Used by the fault matrix, round the transport that ships. Thread promise: as Transport; `arm` and
// the counters are safe from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "core/net/transport.h"
#include "tests/fakes/faulty_proxy.h"

namespace kc::fakes {

struct FaultRule {
  Fault fault = Fault::refuse;
  FaultyProxy* proxy = nullptr;  // calls to its URL are meant
  std::function<bool(const net::HttpCall&)> matches = {};
  std::set<int> which = {};  // of the matching calls, counted from 1; empty: all
};

class FaultyWay final : public net::Transport {
 public:
  explicit FaultyWay(net::Transport& inner) : inner_(inner) {}

  Result<net::HttpAnswer> exchange(const net::HttpCall& call) override;
  void close() override { inner_.close(); }

  void arm(FaultRule rule);  // instead of the rule before
  void disarm();
  int met() const;  // calls that met the fault since `arm`
  // Waits until so many have; false after five minutes.
  bool wait_until_met(int count);

 private:
  std::optional<Fault> draw(const net::HttpCall& call, FaultyProxy*& proxy);

  net::Transport& inner_;
  mutable std::mutex mutex_;  // guards the next three
  std::condition_variable changed_;
  std::optional<FaultRule> rule_;
  int matched_ = 0, met_ = 0;
};

}  // namespace kc::fakes
