#include "server/runner_port.h"

#include <utility>

namespace kc::server {

RunnerPort::RunnerPort(const Clock& clock, pipeline::Connections connections,
                       pipeline::RunnerOptions options, store::Store& store,
                       service::PipelineListener& listener, Log& log, Rng rng)
    : store_(store),
      listener_(listener),
      log_(log),
      runner_(clock, std::move(connections), std::move(options), *this, log, rng) {}

Result<void> RunnerPort::start(const service::JobStart& job) {
  // A job that this server has opened before and that failed meanwhile is only told; one that is
  // submitted (again) is meant to run.
  return runner_.start({.spec = job.spec,
                        .progress_known = job.progress_known,
                        .resume_failed = !job.uid.has_value()});
}

Result<void> RunnerPort::cancel(const std::string& job) { return runner_.cancel(job); }

void RunnerPort::stop() { runner_.stop(); }

void RunnerPort::on_opened(const std::string& job, const Uuid& uid) {
  listener_.on_opened(job, uid);
}

void RunnerPort::on_progress(const Progress& progress) { listener_.on_progress(progress); }

void RunnerPort::on_committed(const std::string& job, std::uint64_t /*epoch*/, std::uint64_t seq,
                              const std::vector<Record>& records) {
  if (behind_.with([&](const auto& behind) { return behind.contains(job); })) return;
  if (const auto applied = store_.apply(job, seq, records); !applied)
    mirror_failed(job, applied.error());
}

void RunnerPort::on_replayed(const std::string& job, std::uint64_t /*epoch*/, std::uint64_t seq,
                             const std::vector<Record>& snapshot) {
  behind_.with([&](auto& behind) { behind.erase(job); });
  const auto replace = [&]() -> Result<void> {
    KC_CHECK_OK(store_.forget_progress(job));
    return store_.apply(job, seq, snapshot);
  };
  if (const auto replaced = replace(); !replaced) mirror_failed(job, replaced.error());
}

// The mirror is only a copy: the job goes on, and the next start replays it from the lake.
void RunnerPort::mirror_failed(const std::string& job, const Error& error) {
  behind_.with([&](auto& behind) { behind.insert(job); });
  log_.log(Level::warn, "mirror.behind",
           {{"job", job}, {"code", error.code}, {"detail", error.message}});
}

void RunnerPort::on_end(const std::string& job, const pipeline::JobResult& result) {
  listener_.on_end(job, {.state = result.state, .problem = result.problem, .at = result.at});
}

}  // namespace kc::server
