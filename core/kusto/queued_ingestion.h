// Queued ingestion as its clients do it: the resources of data management (queues, the status
// table, the identity token), one message per blob, and what the status table says of each. Used by
// rest_kusto. Thread promise: safe from any thread; transport and clock outlive it.
//
// The protocol: https://learn.microsoft.com/kusto/api/netfx/kusto-ingest-client-rest and the public
// clients' sources. A message names the entity of the status table that data management keeps up to
// date; the client chooses its keys. Here the partition is the attempt and the row is the blob's
// source id, so that one query tells how a whole attempt stands, whoever asks.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/azure/address.h"
#include "core/azure/line.h"
#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/kusto/kusto.h"
#include "core/kusto/result_table.h"
#include "core/net/transport.h"

namespace kc::kusto {

// `https://ingest-<host>` beside a cluster; an address, a name without dots and this machine have
// one address for both.
std::string data_management_url(const std::string& cluster_url);

class QueuedIngestion {
 public:
  // Runs one command of data management within that time.
  using Ask = std::function<Result<ResultTable>(const std::string& command, Timespan left)>;
  // Waits between two tries of a storage call; false: stopped meanwhile. Absent: waits for the
  // time.
  using Wait = std::function<bool(Timespan)>;
  QueuedIngestion(net::Transport& transport, const Clock& clock, Ask ask, std::stop_token stop,
                  Wait wait = {})
      : transport_(transport),
        clock_(clock),
        ask_(std::move(ask)),
        stop_(std::move(stop)),
        wait_(std::move(wait)) {}

  // Not offered where the service does not know the command, or names no queue or no status table.
  Result<IngestionOffer> offer(Timespan deadline);
  // Errors: as StartQueuedIngest says; invalid, kusto.message_too_large.
  Result<StartedOperation> start(const StartQueuedIngest& what, Timespan deadline);
  Result<OperationList> status(const ReadQueuedIngestions& what, Timespan deadline);

 private:
  struct Resources {
    std::vector<azure::ResourceAddress> queues;
    std::vector<std::string> status_roots;              // with their SAS, as a message names them
    std::vector<azure::ResourceAddress> status_tables;  // the same
    std::string token;
    Ticks until;
  };
  Result<Resources> resources(Timespan deadline);
  Result<Resources> fetch(Timespan deadline) const;
  Result<void> announce(const Resources& at, const StartQueuedIngest& what,
                        const azure::LineOptions& options) const;
  Result<void> send(const Resources& at, const StartQueuedIngest& what,
                    const azure::LineOptions& options) const;
  Result<std::optional<Operation>> status_of(const Resources& at,
                                             const ReadQueuedIngestions::One& one,
                                             const azure::LineOptions& options) const;
  azure::LineOptions line(Timespan deadline) const;

  net::Transport& transport_;
  const Clock& clock_;
  const Ask ask_;
  const std::stop_token stop_;
  const Wait wait_;
  Guarded<std::optional<Resources>> resources_;
};

}  // namespace kc::kusto
