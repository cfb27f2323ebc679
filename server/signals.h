// SIGINT and SIGTERM as a descriptor to wait on beside others: nothing happens inside a handler.
// Made once by main, before any thread, so that every thread inherits the mask. Thread promise: one
// owner; `Wake::set` is safe from any thread.
#pragma once

#include <chrono>
#include <optional>

namespace kc::server {

// Wakes whoever waits for it.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  void set();
  void clear();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

class Signals {
 public:
  // Blocks both signals for this thread and those it starts; SIGPIPE is ignored.
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  struct Event {
    int signal = 0;  // 0: none came
    bool woken = false;
  };
  // Until a signal, a wake (which is cleared), or the timeout.
  Event wait(Wake& wake, std::optional<std::chrono::milliseconds> timeout);
  // From here on a signal ends the process at once.
  void release();

 private:
  int descriptor_;
};

}  // namespace kc::server
