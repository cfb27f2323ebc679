// The embedded Kusto-compatible engine: databases of tables in one data folder, queries in KQL,
// management commands, and asynchronous operations on its own workers. Used by api/kusto_endpoint,
// by the program and by tests. Thread promise: safe from any thread, several requests at once;
// close() (or the destructor) waits for all of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/engine/faults.h"
#include "core/engine/request.h"
#include "core/engine/results/table.h"

namespace kc::engine {

struct EngineOptions {
  std::filesystem::path data_folder;            // made if it is not there
  int threads = 0;                              // of execution; 0: one per core
  std::int64_t memory_limit_bytes = 1LL << 30;  // of execution
  std::shared_ptr<const Clock> clock;           // null: the system's
  std::uint64_t seed = 1;  // of ids and faults; each opening of a folder continues differently
  std::string name = "kusto-copy";  // of the cluster, as errors and `.show cluster` give it
  int export_slots = 0;             // capacity DataExport; 0: two per core
  int ingestion_slots = 0;          // capacity Ingestions; 0: two per core
  int query_slots = 0;              // capacity Queries; 0: ten per core
  EngineFaults faults;
  // Called where a crash would be most awkward, with the name of the place, for the tests of crash
  // safety.
  std::function<void(std::string_view)> at_point;
};

struct Host;

class Engine {
 public:
  // Errors: conflict engine.in_use (another engine has the folder), corrupt, unavailable.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // One table per tabular statement. Errors carry Kusto's code in service_code and its text in
  // message.
  Result<DataSet> query(const std::string& database, const std::string& text,
                        const RequestOptions& options = {});
  // A management command, perhaps piped into operators: one table.
  Result<DataSet> command(const std::string& database, const std::string& text,
                          const RequestOptions& options = {});
  void set_faults(EngineFaults faults);

  Ticks now() const;  // by the engine's clock, which all its time comes from
  // Time passes, as if by itself; `by` is not negative. Returns when what became due has happened.
  void advance_clock(Timespan by);
  // The UTC side alone, either way.
  void step_clock(Timespan by);
  // The clock, capacity and what runs, waits or is due late, as JSON.
  std::string state() const;

  Uuid new_id();
  const EngineOptions& options() const;
  // Refuses new requests, ends running ones with kind cancelled, stops the workers. Operations
  // still running are found failed at the next opening.
  void close();

  // For the engine's own folder: samples.
  Host& host() { return *host_; }

 private:
  explicit Engine(std::unique_ptr<Host> host);
  std::unique_ptr<Host> host_;
};

}  // namespace kc::engine
