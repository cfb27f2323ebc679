// The door between the service and whatever runs the jobs: the service starts, cancels and stops;
// the pipeline tells what it publishes. Implemented by the runner (and by a fake in tests), used by
// CopyService only. Thread promise: every method of both sides is safe from any thread.
#pragma once

#include <optional>
#include <string>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/model/job.h"
#include "core/model/progress.h"

namespace kc::service {

struct JobStart {
  JobSpec spec;
  std::optional<Uuid> uid;  // as this server knows it; nullopt: never opened here
  bool progress_known =
      false;  // the mirror holds progress: a lake without this job is then checkpoint.missing
};

struct JobEnd {
  JobState state = JobState::succeeded;  // a terminal one
  std::optional<Problem> problem;
  Ticks at;
};

// What the pipeline tells. Called in order for one job, never from inside a call of PipelinePort,
// never after stop() has returned. The callee does not wait for a cluster or a lake.
class PipelineListener {
 public:
  virtual ~PipelineListener() = default;
  // The job was found in its lake, or created there: this is its identity.
  virtual void on_opened(const std::string& job, const Uuid& uid) = 0;
  virtual void on_progress(const Progress& progress) = 0;
  // Exactly once for a job that ends; never for one that stop() interrupts.
  virtual void on_end(const std::string& job, const JobEnd& end) = 0;
};

class PipelinePort {
 public:
  virtual ~PipelinePort() = default;
  // Takes the job up: resumed where its lake knows it, new where neither the lake nor the mirror
  // does. Only accepts the wish; whatever goes wrong afterwards arrives as on_end. Kind unavailable
  // while stopping.
  virtual Result<void> start(const JobStart& job) = 0;
  // Idempotent; the end arrives as on_end. Kind not_found for a job that does not run here.
  virtual Result<void> cancel(const std::string& job) = 0;
  // Lets go of every job, each at a point from which it can be resumed, and joins.
  virtual void stop() = 0;
};

}  // namespace kc::service
