// The service's door to the pipeline, on the runner that ships: passes wishes down and news up, and
// keeps the store's mirror behind the journal. Used by app. Thread promise: as PipelinePort; news
// come from the runner's own threads.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/guarded.h"
#include "core/pipeline/runner.h"
#include "core/service/pipeline_port.h"
#include "core/store/store.h"

namespace kc::server {

class RunnerPort final : public service::PipelinePort, private pipeline::RunnerListener {
 public:
  // All references outlive it.
  RunnerPort(const Clock& clock, pipeline::Connections connections, pipeline::RunnerOptions options,
             store::Store& store, service::PipelineListener& listener, Log& log, Rng rng);

  Result<void> start(const service::JobStart& job) override;
  Result<void> cancel(const std::string& job) override;
  void stop() override;

 private:
  void on_opened(const std::string& job, const Uuid& uid) override;
  void on_progress(const Progress& progress) override;
  void on_committed(const std::string& job, std::uint64_t epoch, std::uint64_t seq,
                    const std::vector<Record>& records) override;
  void on_replayed(const std::string& job, std::uint64_t epoch, std::uint64_t seq,
                   const std::vector<Record>& snapshot) override;
  void on_end(const std::string& job, const pipeline::JobResult& result) override;
  void mirror_failed(const std::string& job, const Error& error);

  store::Store& store_;
  service::PipelineListener& listener_;
  Log& log_;
  Guarded<std::set<std::string>> behind_;  // jobs whose mirror waits for its next replay
  pipeline::Runner runner_;                // last: its threads call into the rest
};

}  // namespace kc::server
