// Capacity and asynchronous operations: an operation is durable before its id is given out, runs on
// the engine's own workers, and its end is written in the same transaction as its effect where it
// has one in the catalogue. Thread promise: safe from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/guarded.h"
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
      if (owner_ != nullptr) owner_->used_.with([](int& used) { --used; });
    }

   private:
    Capacity* owner_ = nullptr;
  };

  void set_total(int total) { total_ = total; }
  int total() const { return total_; }
  int used() const {
    return used_.with([](int used) { return used; });
  }
  // Kind throttled, Kusto's text for the command, if all are taken.
  Result<Slot> take(std::string_view command, std::string_view origin);

 private:
  int total_ = 1;
  Guarded<int> used_;
};
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

 private:
  friend class Operations;
  Host& host_;
  std::string kind_;
  Fate fate_;
  std::optional<OperationEntry> operation_;
  bool finished_ = false;
};

using Work = std::function<Result<ResultTable>(Execution&)>;

struct OperationRequest {
  std::string kind;
  std::string database;
  std::string request_id;
  Uuid activity;
  Fate fate;
};

class Operations {
 public:
  Operations(Host& host, int workers);
  ~Operations();

  // Runs now, on the caller's thread.
  Result<ResultTable> run(const OperationRequest& request, const Work& work);
  // Answers with the operation's id once it is durable. `slot` is kept until the work is over.
  Result<Uuid> start(const OperationRequest& request, Work work, Capacity::Slot slot);
  void stop();

 private:
  struct Queued {
    OperationEntry entry;
    Fate fate;
    Work work;
    Capacity::Slot slot;
  };
  void work_on(Queued queued);
  void loop(const std::stop_token& stop);
  bool pause(Timespan delay);  // false: stopped meanwhile

  Host& host_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> queue_;
  bool stopped_ = false;
  std::vector<std::jthread> workers_;
};

}  // namespace kc::engine
