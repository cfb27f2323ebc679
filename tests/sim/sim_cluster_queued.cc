// The simulated cluster's data management: messages that may be lost, come late or come twice, and
// the status that it tells of each attempt.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/sim_cluster_inner.h"

namespace kc::sim {

using kusto::Answer;

Result<Answer> SimCluster::read(const kusto::ReadIngestionOffer&) {
  return kusto::IngestionOffer{
      .queued = options_.queues,
      .why_not = options_.queues ? std::string{} : "the simulated cluster has no data management"};
}

Result<Answer> SimCluster::read(const kusto::ReadQueuedIngestions& what) {
  kusto::OperationList list;
  for (const auto& asked : what.ingestions) {
    for (const SimOperation& one : operations_) {
      if (one.id != asked.attempt || one.messages != asked.blobs) continue;
      const auto outcome = one.running                ? kusto::OperationOutcome::running
                           : one.state == "Completed" ? kusto::OperationOutcome::completed
                                                      : kusto::OperationOutcome::failed;
      list.operations.push_back(
          {.id = one.id, .outcome = outcome, .state = one.state, .status = one.status});
    }
  }
  return list;
}

// `messages` of its blobs are queued: all of them, or those before the connection broke.
Result<Answer> SimCluster::queue(const kusto::StartQueuedIngest& what, std::int64_t messages) {
  if (!options_.queues)
    return fail(ErrorKind::invalid, "kusto.not_offered", "there is no data management");
  if (what.ingest.blob_uris.empty())
    return fail(ErrorKind::invalid, "kusto.bad_request", "an ingestion needs at least one blob");
  SimOperation operation;
  operation.id = what.attempt;
  operation.kind = OperationKind::queued;
  operation.command = what;
  operation.started = now_.value;
  operation.messages = messages;
  operations_.push_back(std::move(operation));
  return kusto::StartedOperation{what.attempt};
}

Result<Answer> SimCluster::write(const kusto::StartQueuedIngest& what) {
  return queue(what, std::ssize(what.ingest.blob_uris));
}

bool SimCluster::deliver(const SimOperation& operation, std::int64_t from, std::int64_t to,
                         std::string& why) {
  kusto::StartIngest some = std::get<kusto::StartQueuedIngest>(operation.command).ingest;
  some.blob_uris = {some.blob_uris.begin() + from, some.blob_uris.begin() + to};
  return some.blob_uris.empty() || ingest_blobs(some, why);
}

// The second half of an ending that has two.
void SimCluster::finish_delivery(SimOperation& one, Ending ending) {
  one.effect_to_come = false;
  std::string why;
  if (ending != Ending::completed) return;
  if (!one.running) {  // told already, and now it comes once more
    deliver(one, 0, std::min<std::int64_t>(1, one.messages), why);
    return;
  }
  const std::int64_t rest = one.delivered;
  one.running = false;
  one.state = deliver(one, rest, one.messages, why) ? "Completed" : "Failed";
  one.status = why;
}

void SimCluster::finish_queued(SimOperation& one, Ending ending) {
  if (std::exchange(one.begun, true)) return finish_delivery(one, ending);
  std::string why;
  const std::int64_t all = one.messages, first = std::min<std::int64_t>(1, all);
  const auto end = [&one](bool succeeded, const std::string& status) {
    one.running = false;
    one.effect_to_come = false;
    one.state = succeeded ? "Completed" : "Failed";
    one.status = status;
  };
  switch (ending) {
    case Ending::completed:
      return end(deliver(one, 0, all, why), why);
    case Ending::failed_without_effect:
    case Ending::throttled:
      return end(false, "the blobs could not be read");
    case Ending::failed_but_applied:
      deliver(one, 0, all, why);
      return end(false, "the outcome was told wrongly");
    case Ending::failed_partly_applied:
      deliver(one, 0, all / 2, why);
      return end(false, "a blob could not be read");
    case Ending::abandoned_without_effect:  // lost: nobody ever tells anything
      one.effect_to_come = false;
      return;
    case Ending::abandoned_and_applied_later:
    case Ending::failed_and_applied_soon:  // nobody tells anything yet
      return;
    case Ending::delivered_twice:
      deliver(one, 0, first, why);
      return end(deliver(one, 0, all, why), why);
    case Ending::delivered_again_later:
      end(deliver(one, 0, all, why), why);
      one.effect_to_come = true;
      return;
    case Ending::first_twice_last_later:
      deliver(one, 0, first, why);
      one.delivered = std::max<std::int64_t>(0, all - 1);
      deliver(one, 0, one.delivered, why);
      return;
  }
}

}  // namespace kc::sim
