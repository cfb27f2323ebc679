// Everything that api/ may ask: submit, list, look, follow, cancel. It keeps the jobs in the store,
// hands them to the pipeline, and holds the newest progress of each as bytes ready to be served. No
// call waits for a cluster or a lake. Thread promise: every method is safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/base/rng.h"
#include "core/model/job.h"
#include "core/model/progress.h"
#include "core/service/pipeline_port.h"

namespace kc::store {
class Store;
struct JobRow;
}  // namespace kc::store

namespace kc::service {

// One published progress document. Immutable.
struct Snapshot {
  std::string body;
  std::string etag;  // strong, with its quotes
  std::uint64_t revision = 0;
};

struct Job {
  JobSpec spec;  // as given: redact before showing
  std::optional<Uuid> uid;
  JobState state = JobState::pending;
  bool cancel_wished = false;
  std::optional<JobPhase> phase;  // only while it runs here
  std::string status_reason;      // never empty
  std::optional<Problem> problem;
  std::uint64_t revision = 0;
  Ticks created_at;
  std::optional<Ticks> ended_at;
};

inline constexpr std::size_t kIdempotencyKeyMax = 255;  // bytes

struct IdempotencyKey {
  std::string key;
  std::string fingerprint;  // of the request, by the caller's own reckoning
};

struct Submitted {
  Job job;
  bool replayed = false;              // the key was seen before: no job was made
  std::optional<std::string> answer;  // the first answer, where it was remembered
};

struct JobPage {
  std::vector<Job> jobs;
  // The last job's place, where more may follow.
  struct Place {
    Ticks created_at;
    std::string id;
  };
  std::optional<Place> next;
};
struct JobFilter {
  std::vector<JobState> states = {};  // empty: all
  std::optional<JobPage::Place> after = {};
  std::size_t limit = 50;
};

class CopyService final : public PipelineListener {
 public:
  using Serializer = std::function<std::string(const Progress&)>;

  // `store` and `clock` outlive the service. It does nothing before `start`.
  CopyService(store::Store& store, const Clock& clock, Rng rng, Serializer serialize);
  ~CopyService() override;

  // Takes up every job that has not ended. `pipeline` outlives the service or is stopped by
  // `shutdown`.
  Result<void> start(PipelinePort& pipeline);
  // Accepts no more wishes, then lets the pipeline go. Idempotent.
  void shutdown();

  // Durable once it returns. An empty id gets one of ours. Kind conflict: job.exists,
  // idempotency.in_progress; kind invalid: idempotency.key_reused; kind unavailable:
  // server.shutting_down, or the store's own words.
  Result<Submitted> submit(JobSpec spec, const std::optional<IdempotencyKey>& key);
  // What a repeat with this key gets to hear; ends `idempotency.in_progress` for it.
  void remember_answer(const std::string& key, std::string_view answer);
  // Ends it without an answer.
  void forget_in_progress(const std::string& key);

  Result<JobPage> list(const JobFilter& filter) const;
  Result<Job> get(std::string_view id) const;  // kind not_found, code job.not_found
  // Without the store for every job since the start of this process; an older, ended one is read
  // once.
  Result<std::shared_ptr<const Snapshot>> progress(std::string_view id) const;
  // The wish is durable once this returns. A canceled job stays one; kind conflict, code
  // job.state_conflict, for a job that ended otherwise.
  Result<Job> cancel(std::string_view id);

  // Whether it can take wishes now; the sentence of the error says why not.
  Result<void> ready() const;

  void on_opened(const std::string& job, const Uuid& uid) override;
  void on_progress(const Progress& progress) override;
  void on_end(const std::string& job, const JobEnd& end) override;

 private:
  struct Live {
    JobState state = JobState::pending;
    std::optional<JobPhase> phase;
    std::string status_reason;
    Progress last;
    std::shared_ptr<const Snapshot> snapshot;
    bool ended = false;
  };
  struct Jobs {
    std::map<std::string, Live, std::less<>> live;
    std::set<std::string> keys_in_progress;
    PipelinePort* pipeline = nullptr;
    bool stopping = false;
    std::uint64_t ids_made = 0;
  };

  std::string make_id();
  Result<Submitted> submit_new(JobSpec spec, const std::optional<IdempotencyKey>& key);
  void add_live(const store::JobRow& row);
  Job job_of(const store::JobRow& row) const;
  std::shared_ptr<const Snapshot> snapshot_of(const Progress& progress) const;
  void note(Error error) const;

  store::Store& store_;
  const Clock& clock_;
  Guarded<Rng> rng_;
  Serializer serialize_;
  mutable Guarded<Jobs> jobs_;
  mutable Guarded<std::optional<Error>> store_trouble_;
};

}  // namespace kc::service
