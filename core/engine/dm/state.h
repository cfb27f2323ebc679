// What the parts of data management share: the account's queues, tables and the blobs' way in.
// Private to this folder. Thread promise: each part keeps its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/azure/queues.h"
#include "core/azure/tables.h"
#include "core/engine/dm/data_management.h"
#include "core/engine/dm/outcome.h"
#include "core/engine/dm/worker.h"
#include "core/engine/files/blob_store.h"
#include "core/net/curl_transport.h"

namespace kc::engine {

inline constexpr const char* kReadyQueue = "kc-ready-";
inline constexpr const char* kContainer = "kc-temp-";
inline constexpr const char* kFailedQueue = "kc-failed";
inline constexpr const char* kSuccessfulQueue = "kc-successful";
inline constexpr const char* kStatusTable = "kcstatus";
inline constexpr const char* kOperationsTable = "kcoperations";

struct DataManagement::State {
  State(Engine& of, DataManagementOptions wish);

  Engine& engine;
  DataManagementOptions options;
  SystemClock clock;  // the account's time is real, whatever the engine's clock says
  std::stop_source stop;
  net::CurlTransport transport;
  azure::LineOptions line;
  std::vector<std::unique_ptr<azure::Queue>> ready;
  azure::Queue failed, successful;
  azure::Table statuses, operations;
  BlobStore blobs;
  Outcomes outcomes;
  Worker worker;
  std::atomic<std::size_t> next_queue{0};

  std::mutex mutex;
  std::condition_variable_any changed;
  bool woken = false;
  std::jthread thread;

  Result<void> prepare();
  void run(const std::stop_token& token);
};

// `{"exp":"…"}` and its signature by the account's key.
std::string make_token(const azure::StorageAccount& account, Ticks expiry);
bool is_token(const azure::StorageAccount& account, const std::string& token, Ticks now);

}  // namespace kc::engine
