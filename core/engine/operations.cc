#include "core/engine/operations.h"

#include <chrono>

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

Result<Capacity::Slot> Capacity::take(std::string_view command, std::string_view origin) {
  const bool taken = used_.with([this](int& used) {
    if (used >= total_) return false;
    ++used;
    return true;
  });
  if (!taken) return throttled(command, total_, origin);
  return Slot(this);
}

namespace {

Failure injected(const std::string& kind) {
  return fail(ErrorKind::unavailable, "engine.fault", "An injected fault ended " + kind + ".");
}

}  // namespace

Result<void> Execution::finish(CatalogueView& view, const ResultTable& result) {
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
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (auto& worker : workers_) worker.request_stop();
  workers_.clear();
  queue_.clear();
}

bool Operations::pause(Timespan delay) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::nanoseconds(delay.ticks * 100),
                            [this] { return stopped_; });
}

Result<ResultTable> Operations::run(const OperationRequest& request, const Work& work) {
  Execution execution(host_, request.kind, request.fate);
  if (request.fate.delay.ticks > 0 && !pause(request.fate.delay)) {
    return fail(ErrorKind::cancelled, "engine.closed", "the engine is closing");
  }
  if (request.fate.fail_before) return injected(request.kind);
  auto result = work(execution);
  if (result && request.fate.fail_after) return injected(request.kind);
  return result;
}

Result<Uuid> Operations::start(const OperationRequest& request, Work work, Capacity::Slot slot) {
  OperationEntry entry;
  entry.id = host_.new_id();
  entry.kind = request.kind;
  entry.state = "InProgress";
  entry.started = entry.updated = host_.now();
  entry.database = request.database;
  entry.activity = request.activity;
  entry.request_id = request.request_id;
  KC_CHECK_OK(
      host_.catalogue->change([&](CatalogueView& view) { return view.add_operation(entry); }));
  host_.at("operation.started");
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return fail(ErrorKind::cancelled, "engine.closed", "the engine is closing");
    queue_.push_back({entry, request.fate, std::move(work), std::move(slot)});
  }
  changed_.notify_all();
  return entry.id;
}

void Operations::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) return;
    auto queued = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work_on(std::move(queued));
  }
}

void Operations::work_on(Queued queued) {
  Execution execution(host_, queued.entry.kind, queued.fate);
  execution.operation_ = queued.entry;
  if (queued.fate.delay.ticks > 0 && !pause(queued.fate.delay)) return;
  Result<ResultTable> result =
      queued.fate.fail_before ? injected(queued.entry.kind) : queued.work(execution);
  if ((execution.finished() && result) || host_.closed) return;
  // No effect in the catalogue: the end of the operation is its only trace there.
  const auto written = host_.catalogue->change([&](CatalogueView& view) {
    if (result) return execution.finish(view, *result);
    auto entry = queued.entry;
    const auto kind = result.error().kind;
    entry.state = kind == ErrorKind::throttled ? "Throttled" : "Failed";
    entry.status = result.error().message;
    entry.should_retry = kind == ErrorKind::throttled || kind == ErrorKind::unavailable ||
                         kind == ErrorKind::conflict;
    entry.updated = host_.now();
    return view.set_operation(entry);
  });
  // A catalogue that cannot be written leaves the operation running; the next opening of the folder
  // fails it.
  (void)written;
}

}  // namespace kc::engine
