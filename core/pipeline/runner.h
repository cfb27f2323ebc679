// Runner: the shell round the cores, the only room of the pipeline with threads. One core thread
// runs every JobCore and ClusterCore, one event at a time; a fixed number of workers do the
// blocking calls (clusters, lake) and hand the answers back as events; one mirror thread applies
// committed records behind the work. Nothing here decides what runs when. Thread promise: public
// methods are safe from any thread; the listener is called from the runner's own threads, in order
// for one job, and must not call back into `stop`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rng.h"
#include "core/cluster/cluster_core.h"
#include "core/kusto/kusto.h"
#include "core/lake/lake.h"
#include "core/model/job.h"
#include "core/model/progress.h"
#include "core/model/records.h"
#include "core/pipeline/job_core.h"

namespace kc::pipeline {

// How the outside is reached; the program's root knows which lakes and clusters there are.
struct Connections {
  // The job's own folder: `<root>/<job id>/`.
  std::function<Result<std::unique_ptr<Lake>>(const JobSpec&)> open_lake;
  // A door to the cluster of a connection string. Jobs that name the same text share the door and
  // its slots.
  std::function<Result<std::unique_ptr<kusto::Kusto>>(const std::string&)> connect;
  // Ends calls of lakes that are under way or waiting, when the runner stops: nobody hears of their
  // answers any more.
  std::function<void()> interrupt = {};
};

struct RunnerOptions {
  int workers = 16;  // blocking calls at once
  JobLimits job;
  cluster::ClusterLimits cluster;
  std::string holder;  // who this is, for the lease: "host:pid …"
};

struct JobWish {
  JobSpec spec;
  bool progress_known =
      false;  // the mirror knows this job: a lake without it is then checkpoint.missing
  bool resume_failed = false;  // a job that ended as failed is taken up again
};

struct JobResult {
  JobState state =
      JobState::succeeded;  // terminal, or failed where this process had to let the job go
  std::optional<Problem> problem;
  Ticks at;
  bool found_ended = false;  // the lake said so before anything was done here
};

class RunnerListener {
 public:
  virtual ~RunnerListener() = default;
  // The job was found in its lake, or created there.
  virtual void on_opened(const std::string& job, const Uuid& uid) = 0;
  virtual void on_progress(const Progress& progress) = 0;
  // Committed records, in the order of the journal; `seq` is their file's number. From the mirror
  // thread.
  virtual void on_committed(const std::string& job, std::uint64_t epoch, std::uint64_t seq,
                            const std::vector<Record>& records) = 0;
  // What the journal already held when the job was opened here, as records that fold to it;
  // replaces what is mirrored.
  virtual void on_replayed(const std::string& job, std::uint64_t epoch, std::uint64_t seq,
                           const std::vector<Record>& snapshot) = 0;
  // Once per accepted wish, unless `stop` came first.
  virtual void on_end(const std::string& job, const JobResult& result) = 0;
};

class Runner {
 public:
  Runner(const Clock& clock, Connections connections, RunnerOptions options,
         RunnerListener& listener, Log& log, Rng rng);
  ~Runner();  // stops
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Accepts the wish; whatever goes wrong afterwards arrives as on_end. Kind conflict, code
  // job.exists, for an id that runs here already; unavailable while stopping.
  Result<void> start(JobWish wish);
  // Kind not_found, code job.not_found, for a job that does not run here. Idempotent.
  Result<void> cancel(const std::string& job);
  // Lets go of every job where it stands (each can be resumed from its lake), ends the calls under
  // way and joins.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kc::pipeline
