// The embedded engine behind its own HTTP port, with sample databases: what demo, engine and serve
// --embedded start. A build without the engine answers engine.absent. Thread promise: start and
// stop belong to one owner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/base/result.h"

namespace kc::server {

struct EmbeddedOptions {
  std::filesystem::path data_folder;
  std::string host = "127.0.0.1";
  int port = 0;     // 0: any free one
  int threads = 0;  // 0: one per core
  std::int64_t memory_bytes = 1LL << 30;
  std::string database = "Samples";  // made if it is not there
  double samples = 1;                // 0: the database stays empty
  std::int64_t log_rows = 0;
  std::filesystem::path faults_file;  // empty: none
  bool admin = false;                 // the admin face, for tests and demonstrations
  bool require_token = false;         // 401 for a request without a bearer token
  std::string name = "kusto-copy";    // of the cluster, in its own messages
  std::string dm_storage = {};        // connection string; empty: no data management
  int dm_port = 0;                    // 0: any free one
  // Told by data management's own threads what it could not do now and tries again.
  std::function<void(const Error&)> dm_trouble = {};
};

class Embedded {
 public:
  // Listening, with its samples complete, once this returns. Errors: server.port_in_use,
  // faults.invalid, engine.in_use, engine.absent, and the engine's own.
  static Result<std::unique_ptr<Embedded>> start(const EmbeddedOptions& options);
  ~Embedded();  // stops
  Embedded(const Embedded&) = delete;
  Embedded& operator=(const Embedded&) = delete;

  std::string url() const;
  std::string dm_url() const;  // empty where there is no data management
  Result<void> create_database(const std::string& name);
  void stop();

 private:
  struct State;
  explicit Embedded(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kc::server
