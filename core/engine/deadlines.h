// Ends what runs too long or is not wanted any more: calls back once a length of time is over or a
// cancellation is asked for, unless the watch is gone by then. One thread for all watches, asleep
// until the nearest deadline. Used by queries, whose time the caller limits, and by what can be
// cancelled. Thread promise: safe from any thread; a Watch has one owner.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/ticks.h"

namespace kc::engine {

// Asked for once, and for good. Whoever asks calls Deadlines::look() afterwards.
using Cancellation = std::shared_ptr<std::atomic<bool>>;
inline Cancellation new_cancellation() { return std::make_shared<std::atomic<bool>>(false); }
inline bool is_asked(const Cancellation& cancellation) { return cancellation && *cancellation; }

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
  Watch watch(Timespan after, std::function<void()> act, Cancellation cancellation = nullptr);
  void look();  // a cancellation was asked for

 private:
  struct Entry {
    std::chrono::nanoseconds at;
    std::function<void()> act;
    Cancellation cancellation;
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
  std::uint64_t changes_ = 0;
  std::jthread thread_;  // last: it uses all the rest
};

}  // namespace kc::engine
