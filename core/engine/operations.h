// Capacity and asynchronous operations: an operation is durable before its id is given out, runs on
// the engine's own workers, and its end is written in the same transaction as its effect where it
// has one in the catalogue. An operation that can be cancelled has either its effect or the state
// Canceled, never both. Delays and late effects wait for the engine's clock, without keeping a
// worker. Thread promise: safe from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/guarded.h"
#include "core/engine/deadlines.h"
#include "core/engine/faults.h"
#include "core/engine/results/table.h"
#include "core/engine/storage/catalogue.h"

namespace kc::engine {

struct Host;

// A number of equal places, each taken by a Slot for as long as it lives.
class Capacity {
 public:
  class Slot {
   public:
    Slot() = default;
    explicit Slot(Capacity* owner) : owner_(owner) {}
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Slot() {
      if (owner_ != nullptr) owner_->give_back();
    }
    explicit operator bool() const { return owner_ != nullptr; }

   private:
    Capacity* owner_ = nullptr;
  };

  void set_total(int total) { total_ = total; }
  // Called after a place was given back, from the thread that did it.
  void set_freed(std::function<void()> freed) { freed_ = std::move(freed); }
  int total() const { return total_; }
  int used() const {
    return used_.with([](int used) { return used; });
  }
  // Kind throttled, Kusto's text for the command, if all are taken.
  Result<Slot> take(std::string_view command, std::string_view origin);
  Slot try_take();  // empty if all are taken

 private:
  void give_back();

  std::atomic<int> total_{1};
  Guarded<int> used_;
  std::function<void()> freed_;
};
// The error of a fault that was asked for.
Failure injected(std::string_view kind);
Failure throttled(std::string_view command, int capacity, std::string_view origin);

// One execution of a command, sync or async: writes its end together with its effect, and plays its
// fate.
class Execution {
 public:
  Execution(Host& host, std::string kind, Fate fate)
      : host_(host), kind_(std::move(kind)), fate_(fate) {}

  const std::string& kind() const { return kind_; }
  const Fate& fate() const { return fate_; }
  // Inside the transaction of the effect: the operation, if there is one, is over with this result.
  Result<void> finish(CatalogueView& view, const ResultTable& result);
  bool finished() const { return finished_; }
  Uuid operation_id() const { return operation_ ? operation_->id : Uuid{}; }
  const Cancellation& cancellation() const { return cancellation_; }

 private:
  friend class Operations;
  Host& host_;
  std::string kind_;
  Fate fate_;
  std::optional<OperationEntry> operation_;
  Cancellation cancellation_;
  bool finished_ = false;
};

using Work = std::function<Result<ResultTable>(Execution&)>;

struct OperationRequest {
  std::string kind;
  std::string database;
  std::string request_id;
  Uuid activity;
  Fate fate;
  Capacity* capacity = nullptr;  // where an operation without a slot waits for one
};

class Operations {
 public:
  Operations(Host& host, int workers);
  ~Operations();

  // Runs now, on the caller's thread.
  Result<ResultTable> run(const OperationRequest& request, const Work& work);
  // Answers with the operation's id once it is durable. `slot` is kept until the work is over; with
  // an empty one the operation is Scheduled until the capacity has a place.
  Result<Uuid> start(const OperationRequest& request, Work work, Capacity::Slot slot);
  // Inside a transaction of the catalogue, in which the operation is not over: from now on it
  // cannot finish, and it ends as Canceled. False: it is not here, and will never end.
  bool cancel(const Uuid& id);
  // How many operations of this kind are Scheduled.
  int scheduled(std::string_view kind);
  // `work` once the clock has moved on by `delay`, as nobody's operation.
  void later(std::string kind, Timespan delay, Work work);
  // Waits for the engine's clock. False: the engine was stopped meanwhile.
  bool wait(Timespan delay);
  // The clock may have moved: those who wait for it look again.
  void look();
  // Returns when all that was due by the clock is done, and does not wait for anything else.
  void settle();
  void stop();

  struct Counts {
    std::int64_t queued = 0, running = 0, late = 0;
  };
  Counts counts();

 private:
  struct Queued {
    std::optional<OperationEntry> entry;  // none: a late effect
    std::string kind;
    Fate fate;
    Work work;
    Capacity::Slot slot;
    Capacity* capacity = nullptr;
    std::chrono::nanoseconds due{0};
    bool timed = false;  // waits, or has waited, for the clock
    Cancellation cancellation = nullptr;
  };
  void work_on(Queued queued);
  void end(Execution& execution, const Queued& queued, const Result<ResultTable>& result);
  bool begin(Queued& queued);
  void push(Queued queued);
  std::optional<Queued> take_ready();
  void wait_for_due(std::unique_lock<std::mutex>& lock);
  void loop(const std::stop_token& stop);

  Host& host_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  std::vector<std::pair<Uuid, Cancellation>> cancellable_;  // queued and running operations
  std::int64_t running_ = 0, timed_running_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> workers_;
};

}  // namespace kc::engine
