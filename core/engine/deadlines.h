// Ends what runs too long: calls back once a length of time is over, unless the watch is gone by
// then. One thread for all watches, asleep until the nearest deadline. Used by queries, whose time
// the caller limits. Thread promise: safe from any thread; a Watch has one owner.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/ticks.h"

namespace kc::engine {

class Deadlines {
 public:
  class Watch {
   public:
    Watch(Deadlines* owner, std::uint64_t id) : owner_(owner), id_(id) {}
    Watch(Watch&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}
    Watch& operator=(Watch&&) = delete;
    // Once this returns `act` is not running and will not be called.
    ~Watch() {
      if (owner_ != nullptr) owner_->remove(id_);
    }
    bool passed() const { return owner_->passed(id_); }

   private:
    Deadlines* owner_;
    std::uint64_t id_;
  };

  Deadlines();
  ~Deadlines();
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  // `act` is short, does not throw, and may be called more than once: an interruption that comes
  // between two statements is lost, so it is repeated until the watch goes.
  Watch watch(Timespan after, std::function<void()> act);

 private:
  struct Entry {
    std::chrono::nanoseconds at;
    std::function<void()> act;
    bool passed = false;
  };
  void remove(std::uint64_t id);
  bool passed(std::uint64_t id);
  void loop(const std::stop_token& stop);
  void fire(std::chrono::nanoseconds now);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::uint64_t, Entry> entries_;
  std::uint64_t next_ = 1;
  std::jthread thread_;  // last: it uses all the rest
};

}  // namespace kc::engine
