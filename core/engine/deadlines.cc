#include "core/engine/deadlines.h"

#include <algorithm>

#include "core/base/clock.h"

namespace kc::engine {
namespace {

constexpr std::chrono::milliseconds kAgain{50};

}  // namespace

Deadlines::Deadlines() : thread_([this](const std::stop_token& stop) { loop(stop); }) {}
Deadlines::~Deadlines() = default;

Deadlines::Watch Deadlines::watch(Timespan after, std::function<void()> act,
                                  Cancellation cancellation) {
  const auto at = SystemClock().elapsed() + after.to_milliseconds();
  std::uint64_t id = 0;
  {
    std::lock_guard lock(mutex_);
    id = next_++;
    entries_.emplace(id, Entry{at, std::move(act), std::move(cancellation)});
    ++changes_;
  }
  changed_.notify_all();
  return {this, id};
}

void Deadlines::look() {
  {
    std::lock_guard lock(mutex_);
    ++changes_;
  }
  changed_.notify_all();
}

void Deadlines::remove(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  entries_.erase(id);
}

bool Deadlines::passed(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.passed;
}

void Deadlines::fire(std::chrono::nanoseconds now) {
  for (auto& [id, entry] : entries_) {
    const bool cancelled = is_asked(entry.cancellation) && !entry.passed;
    if (entry.at > now && !cancelled) continue;
    entry.passed = true;
    entry.at = now + kAgain;
    entry.act();
  }
}

void Deadlines::loop(const std::stop_token& stop) {
  const SystemClock clock;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (entries_.empty()) {
      changed_.wait(lock, stop, [&] { return !entries_.empty(); });
      continue;
    }
    fire(clock.elapsed());
    const auto nearest =
        std::min_element(entries_.begin(), entries_.end(),
                         [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
    const auto left = nearest->second.at - clock.elapsed();
    const auto seen = changes_;
    // A watch that goes needs no wake: at worst the thread looks once for nothing.
    if (left > std::chrono::nanoseconds(0))
      changed_.wait_for(lock, stop, left, [&] { return changes_ != seen; });
  }
}

}  // namespace kc::engine
