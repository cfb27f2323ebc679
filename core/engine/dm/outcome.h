// Tells what became of an ingestion: in the status table, in the queues of failures and successes,
// and in the record of a tracked operation, as far as the message asks for it. Used by the worker.
// Thread promise: safe from any thread.
#pragma once

#include <optional>
#include <string>

#include "core/azure/queues.h"
#include "core/azure/tables.h"
#include "core/base/ids.h"
#include "core/engine/dm/queue_message.h"

namespace kc::engine {

struct Outcome {
  enum class Status { succeeded, skipped, failed } status = Status::succeeded;
  std::optional<Error> error;
  bool exhausted = false;  // a passing failure that was tried often enough
  Uuid operation, activity;
  Ticks at;
};

// `Permanent`, `Transient`, `Exhausted`: what an error means to the one who sent the blob.
std::string failure_status(const Error& error, bool exhausted);
bool is_passing(const Error& error);
// One of the documented ingestion error codes.
std::string error_code(const Error& error);
// The address of a blob without its credentials.
std::string shown_path(const std::string& blob);

class Outcomes {
 public:
  Outcomes(azure::Queue& failed, azure::Queue& successful, azure::Table& statuses,
           azure::Table& operations)
      : failed_(failed), successful_(successful), statuses_(statuses), operations_(operations) {}

  // Kind unavailable where it could not be told: then the message must be delivered again.
  Result<void> tell(const IngestMessage& message, const Outcome& outcome);

 private:
  Result<void> tell_table(const IngestMessage& message, const Outcome& outcome);
  Result<void> tell_queue(const IngestMessage& message, const Outcome& outcome);
  Result<void> tell_operation(const IngestMessage& message, const Outcome& outcome);

  azure::Queue& failed_;
  azure::Queue& successful_;
  azure::Table& statuses_;
  azure::Table& operations_;
};

}  // namespace kc::engine
