// Takes messages off the queues, gathers them, ingests them and tells what became of them. Used by
// DataManagement. Thread promise: `work_once` from one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/azure/queues.h"
#include "core/azure/tables.h"
#include "core/engine/dm/batching.h"
#include "core/engine/dm/outcome.h"
#include "core/engine/engine.h"
#include "core/engine/files/blob_store.h"

namespace kc::engine {

struct WorkerParts {
  Engine& engine;
  const azure::StorageAccount& account;
  const Clock& clock;  // of the storage account
  std::vector<std::unique_ptr<azure::Queue>>& ready;
  azure::Table& operations;
  BlobStore& blobs;
  Outcomes& outcomes;
  Timespan hidden;
  std::function<void(const Error&)> trouble;
};

class Worker {
 public:
  explicit Worker(WorkerParts parts) : parts_(std::move(parts)) {}

  // Whether there was anything to do.
  bool work_once();
  bool idle() const { return batching_.empty() && late_.empty(); }

 private:
  struct Late {
    Ticks due;
    Batch batch;
  };

  bool poll(std::size_t queue);
  void receive(std::size_t queue, azure::QueueMessage message);
  BatchLimits limits_of(const IngestMessage& message);
  std::optional<Error> refuse(const IngestMessage& message);
  void hold(Delivery& delivery, bool always = false);
  void hold_waiting();

  void ingest(Batch batch);
  void attempt(Batch batch);
  Result<bool> run(const std::vector<Delivery>& deliveries);  // true: rows came
  bool is_canceled(const IngestMessage& message);
  void finish(Delivery& delivery, const Outcome& outcome, bool lose);
  void fail_one(Delivery& delivery, const Error& error);
  Outcome outcome_of(Outcome::Status status);
  void trouble(const Error& error);

  WorkerParts parts_;
  std::mutex mutex_;
  Batching batching_;
  std::vector<Late> late_;
};

}  // namespace kc::engine
