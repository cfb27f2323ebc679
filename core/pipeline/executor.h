// Queues with threads behind them: a pool for blocking calls, and a single thread with timers for
// the cores. Used by the runner only. Thread promise: safe from any thread; `stop` may be called
// twice.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace kc::pipeline {

class Pool {
 public:
  explicit Pool(int threads);
  ~Pool() { stop(); }
  // False once stopped: the work will not run.
  bool post(std::function<void()> work);
  // Work that has begun is finished, the rest is dropped; joins.
  void stop();

 private:
  void run(const std::stop_token& stopped);
  std::mutex mutex_;
  std::condition_variable_any ready_;
  std::deque<std::function<void()>> queue_;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

// Work on a pool, in the order it was posted and one piece at a time: for what has one owner at a
// time. Once the pool is stopped, work is let go of without being run.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  explicit Strand(Pool& pool) : pool_(pool) {}
  void post(std::function<void()> work);

 private:
  struct Turn;
  void next();
  void take_turn();
  void drop();
  Pool& pool_;
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  bool running_ = false;
};

// One thread; work in the order it was posted, timers when they are due (monotonic time).
class Loop {
 public:
  Loop();
  ~Loop() { stop(); }
  bool post(std::function<void()> work);
  void post_after(std::chrono::nanoseconds delay, std::function<void()> work);
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  void run(const std::stop_token& stopped);
  std::mutex mutex_;
  std::condition_variable_any ready_;
  std::deque<std::function<void()>> queue_;
  std::multimap<Time, std::function<void()>> timers_;
  bool stopped_ = false;
  std::jthread thread_;
};

}  // namespace kc::pipeline
