// Which messages are ingested together and when: gathers them by table and properties and seals a
// batch by time, count, size or at once. Pure: it reads no clock. Used by the worker. Thread
// promise: one owner at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/azure/queues.h"
#include "core/base/ticks.h"
#include "core/engine/dm/queue_message.h"

namespace kc::engine {

struct BatchLimits {
  Timespan time = Timespan::seconds(300);
  std::int64_t count = 500;
  std::int64_t bytes = std::int64_t{1024} << 20;

  // Of an ingestion batching policy; what it does not say stays standard.
  static BatchLimits parse(const std::string& policy);
};

// One message with its place on its queue.
struct Delivery {
  IngestMessage message;
  azure::QueueMessage receipt;
  std::size_t queue = 0;
  Ticks held_until;  // by the storage account's side: before that it is held again
};

struct Batch {
  std::vector<Delivery> deliveries;
  std::int64_t bytes = 0;
  Ticks due;
};

class Batching {
 public:
  // What tells batches apart.
  static std::string key_of(const IngestMessage& message);
  static bool goes_alone(const IngestMessage& message);

  // `limits` count where the message opens a batch.
  void add(Delivery delivery, const BatchLimits& limits, Ticks now);
  std::vector<Batch> take_sealed(Ticks now);
  // The messages that wait, to be held longer.
  std::vector<Delivery*> waiting();
  bool empty() const { return open_.empty() && sealed_.empty(); }

 private:
  struct Open {
    Batch batch;
    BatchLimits limits;
  };
  std::map<std::string, Open> open_;
  std::vector<Batch> sealed_;
};

}  // namespace kc::engine
