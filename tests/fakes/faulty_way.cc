#include "tests/fakes/faulty_way.h"

#include <algorithm>

namespace kc::fakes {
namespace {

// Who meets silence waits for his whole deadline: a short one, so that a test does not wait. A
// request that is carried out has the time to arrive.
constexpr Timespan kSilenceDeadline = Timespan::milliseconds(60);
constexpr Timespan kDripDeadline = Timespan::milliseconds(200);

}  // namespace

std::optional<Fault> FaultyWay::draw(const net::HttpCall& call, FaultyProxy*& proxy) {
  const std::lock_guard lock(mutex_);
  if (!rule_ || !call.url.starts_with(rule_->proxy->url())) return {};
  if (rule_->matches && !rule_->matches(call)) return {};
  ++matched_;
  if (!rule_->which.empty() && !rule_->which.contains(matched_)) return {};
  ++met_;
  changed_.notify_all();
  proxy = rule_->proxy;
  return rule_->fault;
}

Result<net::HttpAnswer> FaultyWay::exchange(const net::HttpCall& call) {
  FaultyProxy* proxy = nullptr;
  const auto fault = draw(call, proxy);
  if (!fault) return inner_.exchange(call);
  net::HttpCall sent = call;
  sent.url = proxy->url_of(*fault) + call.url.substr(net::origin_of(call.url).size());
  sent.headers.push_back({std::string(FaultyProxy::kOrder), std::string(to_string(*fault))});
  if (*fault == Fault::black_hole) sent.deadline = std::min(sent.deadline, kSilenceDeadline);
  if (*fault == Fault::slow_drip) sent.deadline = std::min(sent.deadline, kDripDeadline);
  return inner_.exchange(sent);
}

void FaultyWay::arm(FaultRule rule) {
  const std::lock_guard lock(mutex_);
  rule_ = std::move(rule);
  matched_ = met_ = 0;
}

void FaultyWay::disarm() {
  const std::lock_guard lock(mutex_);
  rule_.reset();
}

int FaultyWay::met() const {
  const std::lock_guard lock(mutex_);
  return met_;
}

bool FaultyWay::wait_until_met(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::minutes(5), [&] { return met_ >= count; });
}

}  // namespace kc::fakes
