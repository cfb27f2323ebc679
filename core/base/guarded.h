// Guarded<T>: data that cannot be reached without its lock. `with` is the only way in; keep the
// work inside short, and never call out to a cluster, a lake or a callback from it. Thread promise:
// safe from any thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace kc {

template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class Work>
  decltype(auto) with(Work&& work) {
    std::lock_guard lock(mutex_);
    return std::forward<Work>(work)(value_);
  }
  template <class Work>
  decltype(auto) with(Work&& work) const {
    std::lock_guard lock(mutex_);
    return std::forward<Work>(work)(value_);
  }

  // Changes the value and wakes everybody who waits for it.
  template <class Work>
  void change(Work&& work) {
    {
      std::lock_guard lock(mutex_);
      std::forward<Work>(work)(value_);
    }
    changed_.notify_all();
  }
  // Waits until `ready(value)`, then runs `work(value)` under the same lock.
  template <class Ready, class Work>
  decltype(auto) when(Ready&& ready, Work&& work) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready(value_); });
    return std::forward<Work>(work)(value_);
  }
  // As `when`, but gives up after `timeout`; true if it became ready.
  template <class Duration, class Ready>
  bool wait_for(Duration timeout, Ready&& ready) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return ready(value_); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

}  // namespace kc
