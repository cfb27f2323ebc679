// The engine's time: a base clock, and what an operator or a test moved it by. Everything in the
// engine that reads or waits for time does it through this one, so that moving it makes what is due
// happen. Thread promise: safe from any thread.
#pragma once

#include <atomic>
#include <memory>

#include "core/base/clock.h"

namespace kc::engine {

class EngineClock final : public Clock {
 public:
  explicit EngineClock(std::shared_ptr<const Clock> base)
      : base_(std::move(base)), runs_(dynamic_cast<const SystemClock*>(base_.get()) != nullptr) {}

  Ticks now() const override { return base_->now() + Timespan{stepped_.load()}; }
  std::chrono::nanoseconds elapsed() const override {
    return base_->elapsed() + std::chrono::nanoseconds(passed_.load() * 100);
  }
  // As if so much time had passed; `by` is not negative.
  void advance(Timespan by) {
    stepped_ += by.ticks;
    passed_ += by.ticks;
  }
  // Moves the UTC side only, either way, as an operator or NTP would.
  void step(Timespan by) { stepped_ += by.ticks; }
  // Whether time passes by itself: a wait for a clock that stands still has no end of its own.
  bool runs() const { return runs_; }

 private:
  std::shared_ptr<const Clock> base_;
  bool runs_;
  std::atomic<std::int64_t> stepped_{0};
  std::atomic<std::int64_t> passed_{0};
};

}  // namespace kc::engine
