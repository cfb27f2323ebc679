// The Clock door: the only place that time comes from. SystemClock ships; ManualClock is its plain
// twin. Thread promise: safe from any thread.
#pragma once

#include <atomic>
#include <chrono>

#include "core/base/ticks.h"

namespace kc {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Ticks now() const = 0;                         // UTC; may step either way
  virtual std::chrono::nanoseconds elapsed() const = 0;  // monotonic, from an arbitrary start
};

class SystemClock final : public Clock {
 public:
  Ticks now() const override;
  std::chrono::nanoseconds elapsed() const override;
};

// Stands still until moved; `step` moves only the UTC side, as an operator or NTP would.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Ticks start) : now_(start.value) {}
  Ticks now() const override { return {now_.load()}; }
  std::chrono::nanoseconds elapsed() const override {
    return std::chrono::nanoseconds(elapsed_ticks_.load() * 100);
  }
  void advance(Timespan by) {
    now_ += by.ticks;
    elapsed_ticks_ += by.ticks;
  }
  void step(Timespan by) { now_ += by.ticks; }

 private:
  std::atomic<std::int64_t> now_;
  std::atomic<std::int64_t> elapsed_ticks_{0};
};

}  // namespace kc
