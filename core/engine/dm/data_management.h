// Data management beside an engine: the resources that clients of queued ingestion ask for, the
// worker that ingests what they queue, and the operations they track. Used by api/dm_endpoint and
// the program. Thread promise: safe from any thread; close() (or the destructor) ends the worker
// and leaves what was not told to be delivered again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/azure/address.h"
#include "core/engine/dm/queue_message.h"
#include "core/engine/engine.h"
#include "core/engine/files/blob_store.h"

namespace kc::engine {

struct DataManagementOptions {
  azure::StorageAccount account;
  bool worker = true;  // false: the caller runs `work_once`
  int queues = 2;      // and as many containers
  // A message is hidden for so long at a time while it waits or is worked on.
  Timespan hidden = Timespan::seconds(60);
  // Told what the account refused or did not answer; the work goes on. Any thread.
  std::function<void(const Error&)> trouble = {};
};

struct Resource {
  std::string kind, root;  // `TempStorage`, the URL with its SAS
};

// What REST and `.ingest-from-storage-queued` queue: several blobs with equal properties.
struct QueuedWish {
  std::string database, table;
  std::vector<IngestMessage> blobs;  // id, blob and raw_size; the rest is taken from here
  bool tracked = false, skip_batching = false, remove_blobs = false;
  std::map<std::string, std::string> properties;
};

struct QueuedBlob {
  std::string id, url, status;  // `Pending`, `Succeeded`, `Failed`, `Canceled`
  std::string started, completed, error_code, failure_status, details;
};
struct QueuedOperation {
  std::string id, database, table;
  std::string started, updated;  // ISO
  bool canceled = false;
  std::vector<QueuedBlob> blobs;
  std::int64_t count(std::string_view status) const;
  std::string state() const;  // `InProgress`, `Completed`, `Failed`, `Canceled`
};

class DataManagement {
 public:
  // Makes what is missing in the account. The engine must outlive it.
  static Result<std::unique_ptr<DataManagement>> start(Engine& engine,
                                                       DataManagementOptions options);
  ~DataManagement();
  DataManagement(const DataManagement&) = delete;
  DataManagement& operator=(const DataManagement&) = delete;

  Engine& engine();
  // A command of this face, perhaps piped into operators.
  Result<DataSet> command(const std::string& database, const std::string& text,
                          const RequestOptions& options = {});
  // The same where the text is one of its commands; nullopt where it is not.
  std::optional<Result<DataSet>> own_command(const std::string& database, const std::string& text,
                                             const RequestOptions& options = {});

  std::vector<Resource> resources();
  std::string identity_token();
  // The operation's id, empty where it is not tracked. Kind invalid, with an ingestion code.
  Result<std::string> enqueue(const QueuedWish& wish);
  Result<QueuedOperation> operation(const std::string& id);
  Result<QueuedOperation> cancel(const std::string& id);
  Result<std::vector<BlobFile>> list_blobs(const std::string& address);

  // One look at the queues and at what is due; whether anything was there.
  bool work_once();
  void wake();  // the worker looks at once
  void close();

 private:
  struct State;
  explicit DataManagement(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kc::engine
