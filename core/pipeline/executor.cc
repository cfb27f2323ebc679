#include "core/pipeline/executor.h"

#include <utility>

namespace kc::pipeline {

Pool::Pool(int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stopped) { run(stopped); });
  }
}

bool Pool::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return false;
    queue_.push_back(std::move(work));
  }
  ready_.notify_one();
  return true;
}

void Pool::stop() {
  std::deque<std::function<void()>> dropped;  // what it holds is let go outside the lock
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  for (auto& thread : threads_) thread.request_stop();
  ready_.notify_all();
  threads_.clear();
}

void Pool::run(const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  while (ready_.wait(lock, stopped, [this] { return !queue_.empty(); })) {
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds is let go outside the lock
    lock.lock();
  }
}

// A turn that the pool never runs lets go of what waits for it: that may own the strand in turn,
// and neither would ever be freed.
struct Strand::Turn {
  std::shared_ptr<Strand> strand;
  explicit Turn(std::shared_ptr<Strand> of) : strand(std::move(of)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (strand) strand->drop();
  }
};

void Strand::take_turn() {
  pool_.post([turn = std::make_shared<Turn>(shared_from_this())] {
    std::exchange(turn->strand, nullptr)->next();
  });
}

void Strand::drop() {
  std::deque<std::function<void()>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(queue_);
  running_ = false;
}

void Strand::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (std::exchange(running_, true)) return;
  }
  take_turn();
}

void Strand::next() {
  std::function<void()> work;
  {
    const std::lock_guard lock(mutex_);
    work = std::move(queue_.front());
    queue_.pop_front();
  }
  work();
  work = nullptr;
  {
    const std::lock_guard lock(mutex_);
    running_ = !queue_.empty();
    if (!running_) return;
  }
  take_turn();
}

Loop::Loop() : thread_([this](const std::stop_token& stopped) { run(stopped); }) {}

bool Loop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return false;
    queue_.push_back(std::move(work));
  }
  ready_.notify_one();
  return true;
}

void Loop::post_after(std::chrono::nanoseconds delay, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
  }
  ready_.notify_one();
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    queue_.clear();
    timers_.clear();
  }
  thread_.request_stop();
  ready_.notify_all();
  if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
}

void Loop::run(const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  while (!stopped.stop_requested()) {
    const auto now = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      queue_.push_back(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
    }
    if (!queue_.empty()) {
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
      continue;
    }
    if (timers_.empty()) {
      ready_.wait(lock, stopped, [this] { return !queue_.empty() || !timers_.empty(); });
    } else {
      const Time due = timers_.begin()->first;
      ready_.wait_until(lock, stopped, due, [this, due] {
        return !queue_.empty() || (!timers_.empty() && timers_.begin()->first < due);
      });
    }
  }
}

}  // namespace kc::pipeline
