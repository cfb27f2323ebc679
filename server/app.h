// The service, assembled: store, pipeline, HTTP face and, where wished, the embedded engine, built
// and taken down in order. Used by the commands serve and demo, and by tests. Thread promise: start
// and stop belong to one owner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/azure/trusted_hosts.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/result.h"
#include "core/base/rng.h"
#include "core/pipeline/job_core.h"
#include "server/embedded.h"

namespace kc::server {

struct AppOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any free one
  std::filesystem::path data_folder;
  std::filesystem::path secret_key_file = {};  // empty: `kusto-copy.key` in the data folder
  std::optional<EmbeddedOptions> embedded;
  pipeline::JobLimits job = {};
  azure::TrustedHosts trusted = {};                 // where tokens may go, beside the known hosts
  std::vector<std::string> secret_references = {};  // how they may begin; empty: anyhow
};

class App {
 public:
  // Serving, with every unfinished job taken up, once this returns. `clock` and `log` outlive it.
  // Errors: data.unwritable, data.in_use, store.*, secret.key_file, server.port_in_use,
  // server.bind_failed, and the engine's; whatever had been started is taken down again.
  static Result<std::unique_ptr<App>> start(AppOptions options, const Clock& clock, Log& log,
                                            Rng rng);
  ~App();  // stops
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  std::string url() const;
  // Empty without --embedded.
  std::string engine_url() const;
  // No more requests, then no more work (each job stays where its lake has it), then the engine,
  // then the store. Idempotent.
  void stop();

 private:
  struct State;
  explicit App(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kc::server
