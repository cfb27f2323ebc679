#include "core/engine/operations.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "core/engine/commands/places.h"
#include "core/engine/host.h"

namespace kc::engine {

Failure throttled(std::string_view command, int capacity, std::string_view origin) {
  Error error{.kind = ErrorKind::throttled, .code = "engine.throttled", .message = {}};
  const bool query = command == "Query";
  error.message =
      query ? "The query was aborted due to throttling. Retrying after some backoff might succeed. "
            : "The management command was aborted due to throttling. Retrying after some backoff "
              "might "
              "succeed. CommandType: '" +
                  std::string(command) + "', ";
  error.message +=
      "Capacity: " + std::to_string(capacity) + ", Origin: '" + std::string(origin) + "'.";
  error.service_code = query ? "QueryThrottled" : "ControlCommandThrottled";
  return fail(std::move(error));
}

Capacity::Slot Capacity::try_take() {
  const bool taken = used_.with([this](int& used) {
    if (used >= total_) return false;
    ++used;
    return true;
  });
  return taken ? Slot(this) : Slot();
}

Result<Capacity::Slot> Capacity::take(std::string_view command, std::string_view origin) {
  auto slot = try_take();
  if (!slot) return throttled(command, total_, origin);
  return slot;
}

void Capacity::give_back() {
  used_.with([](int& used) { --used; });
  if (freed_) freed_();
}

namespace {

// What an export that fails on its way leaves behind: some of its blobs, the last one cut short.
// Those in storage accounts stay whole.
Failure leave_some_blobs(const ResultTable& made, std::string_view kind) {
  const auto rows = decode(made);
  std::error_code ignored;
  for (std::size_t i = 0; rows && i < rows->rows.size(); ++i) {
    const auto* address = std::get_if<std::string>(&rows->rows[i].front());
    if (address == nullptr) continue;
    const auto place = parse_place(*address);
    if (!place || place->path.empty()) continue;
    if (i % 2 == 1)
      std::filesystem::remove(place->path, ignored);
    else if (i + 2 >= rows->rows.size())
      std::filesystem::resize_file(place->path,
                                   std::filesystem::file_size(place->path, ignored) / 2, ignored);
  }
  return injected(kind);
}

Failure cancelled() {
  return fail(ErrorKind::cancelled, "engine.cancelled", "The operation was canceled by the user.");
}

Failure closing() { return fail(ErrorKind::cancelled, "engine.closed", "the engine is closing"); }

constexpr std::string_view kExport = "DataExport";

bool is_before(const Fate& fate) { return fate.fail_before || fate.abandon || fate.apply_late; }

}  // namespace

Failure injected(std::string_view kind) {
  return fail(ErrorKind::unavailable, "engine.fault",
              "An injected fault ended " + std::string(kind) + ".");
}

Result<void> Execution::finish(CatalogueView& view, const ResultTable& result) {
  if (is_asked(cancellation_)) return cancelled();
  finished_ = true;
  if (!operation_) return {};
  operation_->updated = host_.now();
  if (fate_.fail_after) {
    operation_->state = "Failed";
    operation_->status = injected(kind_).value().message;
    operation_->should_retry = true;
  } else {
    operation_->state = "Completed";
    operation_->status.clear();
    operation_->result = to_text(result);
  }
  return view.set_operation(*operation_);
}

Operations::Operations(Host& host, int workers) : host_(host) {
  for (int i = 0; i < workers; ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { loop(stop); });
  }
}

Operations::~Operations() { stop(); }

void Operations::stop() {
  std::deque<Queued> dropped;  // their slots are given back outside of the lock
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
  for (auto& worker : workers_) worker.request_stop();
  workers_.clear();
}

void Operations::look() {
  // Under the lock: whoever has just read the clock is either before its wait and seen here, or
  // woken.
  { std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

bool Operations::wait(Timespan delay) {
  const auto due = host_.clock->elapsed() + std::chrono::nanoseconds(delay.ticks * 100);
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto left = due - host_.clock->elapsed();
    if (left.count() <= 0) return true;
    if (host_.clock->runs())
      changed_.wait_for(lock, left);
    else
      changed_.wait(lock);
  }
  return false;
}

void Operations::settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    if (stopped_) return true;
    const auto now = host_.clock->elapsed();
    return timed_running_ == 0 && std::none_of(queue_.begin(), queue_.end(), [&](const Queued& q) {
             return q.timed && q.due <= now && (q.capacity == nullptr || q.slot);
           });
  });
}

Operations::Counts Operations::counts() {
  std::lock_guard lock(mutex_);
  Counts counts{.running = running_};
  for (const auto& queued : queue_) ++(queued.entry ? counts.queued : counts.late);
  return counts;
}

int Operations::scheduled(std::string_view kind) {
  std::lock_guard lock(mutex_);
  return static_cast<int>(std::count_if(queue_.begin(), queue_.end(), [&](const Queued& queued) {
    return queued.kind == kind && queued.capacity != nullptr && !queued.slot;
  }));
}

Result<ResultTable> Operations::run(const OperationRequest& request, const Work& work) {
  Execution execution(host_, request.kind, request.fate);
  const auto& fate = request.fate;
  if (fate.delay.ticks > 0 && !wait(fate.delay)) return closing();
  if (fate.apply_late) later(request.kind, fate.late_by, work);
  if (is_before(fate)) return injected(request.kind);
  auto result = work(execution);
  if (result && fate.leave_blobs && request.kind == kExport)
    return leave_some_blobs(*result, request.kind);
  if (result && fate.fail_after) return injected(request.kind);
  return result;
}

Result<Uuid> Operations::start(const OperationRequest& request, Work work, Capacity::Slot slot) {
  OperationEntry entry;
  entry.id = host_.new_id();
  entry.kind = request.kind;
  entry.state = request.capacity != nullptr && !slot ? "Scheduled" : "InProgress";
  entry.started = entry.updated = host_.now();
  entry.database = request.database;
  entry.activity = request.activity;
  entry.request_id = request.request_id;
  KC_CHECK_OK(
      host_.catalogue->change([&](CatalogueView& view) { return view.add_operation(entry); }));
  host_.at("operation.started");
  const auto delay = std::chrono::nanoseconds(request.fate.delay.ticks * 100);
  const auto id = entry.id;
  push({std::move(entry), request.kind, request.fate, std::move(work), std::move(slot),
        request.capacity, host_.clock->elapsed() + delay, delay.count() > 0, new_cancellation()});
  return id;
}

bool Operations::cancel(const Uuid& id) {
  bool found = false;
  {
    std::lock_guard lock(mutex_);
    for (auto& [operation, cancellation] : cancellable_) {
      if (operation != id) continue;
      *cancellation = found = true;
      for (auto& queued : queue_) {
        // It need not wait for its time nor for its place.
        if (queued.cancellation != cancellation) continue;
        queued.due = {};
        queued.capacity = nullptr;
      }
    }
  }
  if (found) {
    changed_.notify_all();
    host_.deadlines.look();
  }
  return found;
}

void Operations::later(std::string kind, Timespan delay, Work work) {
  const auto due = host_.clock->elapsed() + std::chrono::nanoseconds(delay.ticks * 100);
  push({std::nullopt, std::move(kind), {}, std::move(work), {}, nullptr, due, true});
}

void Operations::push(Queued queued) {
  {
    std::lock_guard lock(mutex_);
    // Too late to begin: the next opening of the folder finds it abandoned.
    if (!stopped_) {
      if (queued.cancellation) cancellable_.emplace_back(queued.entry->id, queued.cancellation);
      queue_.push_back(std::move(queued));
    }
  }
  changed_.notify_all();
}

// The first that is due and has its place.
std::optional<Operations::Queued> Operations::take_ready() {
  const auto now = host_.clock->elapsed();
  for (auto at = queue_.begin(); at != queue_.end(); ++at) {
    if (at->due > now) continue;
    if (at->capacity != nullptr && !at->slot) {
      at->slot = at->capacity->try_take();
      if (!at->slot) continue;
      if (at->entry) at->entry->state = "Scheduled";
    }
    auto ready = std::move(*at);
    queue_.erase(at);
    ++running_;
    if (ready.timed) ++timed_running_;
    return ready;
  }
  return std::nullopt;
}

void Operations::wait_for_due(std::unique_lock<std::mutex>& lock) {
  std::optional<std::chrono::nanoseconds> first;
  const auto now = host_.clock->elapsed();
  for (const auto& queued : queue_) {
    if (queued.due > now && (!first || queued.due < *first)) first = queued.due;
  }
  if (first && host_.clock->runs())
    changed_.wait_for(lock, *first - now);
  else
    changed_.wait(lock);
}

void Operations::loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !stopped_) {
    auto ready = take_ready();
    if (!ready) {
      wait_for_due(lock);
      continue;
    }
    const bool timed = ready->timed;
    const auto cancellation = ready->cancellation;
    lock.unlock();
    work_on(std::move(*ready));
    ready.reset();
    lock.lock();
    std::erase_if(cancellable_, [&](const auto& entry) { return entry.second == cancellation; });
    --running_;
    if (timed) --timed_running_;
    changed_.notify_all();
  }
}

// The operation leaves the queue: others see it running. False: it cannot be told.
bool Operations::begin(Queued& queued) {
  if (!queued.entry || queued.entry->state != "Scheduled") return true;
  queued.entry->state = "InProgress";
  queued.entry->updated = host_.now();
  return host_.catalogue
      ->change([&](CatalogueView& view) { return view.set_operation(*queued.entry); })
      .has_value();
}

void Operations::work_on(Queued queued) {
  if (!begin(queued)) return;
  Execution execution(host_, queued.kind, queued.fate);
  execution.operation_ = queued.entry;
  execution.cancellation_ = queued.cancellation;
  const auto& fate = queued.fate;
  const bool stopped = is_asked(queued.cancellation);
  if (fate.apply_late && !stopped) later(queued.kind, fate.late_by, queued.work);
  Result<ResultTable> result = stopped           ? cancelled()
                               : is_before(fate) ? injected(queued.kind)
                                                 : queued.work(execution);
  if (result && fate.leave_blobs && queued.kind == kExport)
    result = leave_some_blobs(*result, queued.kind);
  // Closed meanwhile: what was interrupted is abandoned at the next opening.
  if (!queued.entry || (execution.finished() && result) || host_.closed) return;
  host_.at("operation.before_end");
  end(execution, queued, result);
  host_.at("operation.ended");
}

// No effect in the catalogue: the end of the operation is its only trace there. One that cannot be
// written leaves the operation running; the next opening of the folder abandons it.
void Operations::end(Execution& execution, const Queued& queued,
                     const Result<ResultTable>& result) {
  (void)host_.catalogue->change([&](CatalogueView& view) {
    if (result) return execution.finish(view, *result);
    auto entry = *queued.entry;
    const auto kind = result.error().kind;
    const bool stopped = is_asked(queued.cancellation);
    entry.state = stopped                                           ? "Canceled"
                  : queued.fate.abandon && !queued.fate.fail_before ? "Abandoned"
                  : kind == ErrorKind::throttled                    ? "Throttled"
                                                                    : "Failed";
    entry.status = stopped ? cancelled().value().message : result.error().message;
    entry.should_retry =
        !stopped && (kind == ErrorKind::throttled || kind == ErrorKind::unavailable ||
                     kind == ErrorKind::conflict);
    entry.updated = host_.now();
    return view.set_operation(entry);
  });
}

}  // namespace kc::engine
