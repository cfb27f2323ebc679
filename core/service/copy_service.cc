#include "core/service/copy_service.h"

#include <array>

#include "core/base/check.h"
#include "core/store/store.h"

namespace kc::service {

namespace {

static_assert(kIdempotencyKeyMax == store::kIdempotencyKeyMax);

constexpr std::size_t kEndedKeptMax = 10'000;  // ended jobs whose last progress stays in memory

Failure no_job(std::string_view id) {
  return fail(ErrorKind::not_found, "job.not_found",
              "no job '" + std::string(id) + "' is known to this server");
}

std::string sentence(JobState state, bool cancel_wished, const std::optional<Problem>& problem) {
  if (problem) return problem->detail;
  if (cancel_wished && !is_terminal(state)) return "Canceling: commands in flight are ended first";
  switch (state) {
    case JobState::pending:
      return "Accepted; waiting for a worker";
    case JobState::blocked:
      return "Waiting for something outside of the job";
    case JobState::running:
      return "Running";
    case JobState::pausing:
      return "Pausing: commands in flight finish first";
    case JobState::paused:
      return "Paused";
    case JobState::canceling:
      return "Canceling: commands in flight are ended first";
    case JobState::canceled:
      return "Canceled; rows already moved stay";
    case JobState::succeeded:
      return "Done: every table is copied and verified";
    case JobState::failed:
      return "Failed";
  }
  KC_UNREACHABLE();
}

// Sortable by time, lower-case, no vowels that could spell: 10 characters of 5 bits for the
// milliseconds, 10 of chance.
std::string encode(std::uint64_t value, int characters) {
  constexpr std::string_view kDigits = "0123456789bcdfghjkmnpqrstvwxyz";
  static_assert(kDigits.size() == 30);
  std::string out(static_cast<std::size_t>(characters), '0');
  for (auto at = out.rbegin(); at != out.rend(); ++at, value /= 30) *at = kDigits[value % 30];
  return out;
}

std::uint64_t fingerprint(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// The revision alone would repeat itself after a restart: the bytes decide.
std::shared_ptr<const Snapshot> make_snapshot(std::string body, std::uint64_t revision) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->etag = "\"" + std::to_string(revision) + "-" + encode(fingerprint(body), 13) + "\"";
  snapshot->body = std::move(body);
  snapshot->revision = revision;
  return snapshot;
}

}  // namespace

CopyService::CopyService(store::Store& store, const Clock& clock, Rng rng, Serializer serialize)
    : store_(store), clock_(clock), rng_(rng), serialize_(std::move(serialize)) {}

CopyService::~CopyService() { shutdown(); }

std::shared_ptr<const Snapshot> CopyService::snapshot_of(const Progress& progress) const {
  return make_snapshot(serialize_(progress), progress.revision);
}

void CopyService::add_live(const store::JobRow& row) {
  Progress first;
  first.job = row.spec.id;
  first.revision = row.revision;
  first.as_of = clock_.now();
  first.state = row.state;
  first.status_reason = sentence(row.state, row.cancel_wished, row.problem);
  if (row.locked) {
    first.state = JobState::blocked;
    first.status_reason = row.locked->detail;
    first.problems.push_back(*row.locked);
  }
  Live live{.state = first.state,
            .phase = std::nullopt,
            .status_reason = first.status_reason,
            .last = first,
            .snapshot = snapshot_of(first)};
  jobs_.with([&](Jobs& jobs) { jobs.live.insert_or_assign(row.spec.id, std::move(live)); });
}

Result<void> CopyService::start(PipelinePort& pipeline) {
  KC_TRY(const auto rows, store_.unfinished_jobs());
  for (const auto& row : rows) add_live(row);
  jobs_.with([&](Jobs& jobs) { jobs.pipeline = &pipeline; });
  for (const auto& row : rows) {
    if (row.locked) continue;  // blocked, and says how to go on
    KC_TRY(const auto position, store_.position(row.spec.id));
    auto started =
        pipeline.start({.spec = row.spec, .uid = row.uid, .progress_known = position.has_value()});
    if (!started) return fail(std::move(started).error().in("taking up job '" + row.spec.id + "'"));
    if (row.cancel_wished) (void)pipeline.cancel(row.spec.id);
  }
  return {};
}

void CopyService::shutdown() {
  auto* pipeline = jobs_.with([](Jobs& jobs) {
    jobs.stopping = true;
    return std::exchange(jobs.pipeline, nullptr);
  });
  if (pipeline != nullptr) pipeline->stop();
}

std::string CopyService::make_id() {
  const auto milliseconds = static_cast<std::uint64_t>(clock_.now().value / 10'000);
  const auto chance = rng_.with([](Rng& rng) { return rng.next(); });
  return "cj-" + encode(milliseconds, 10) + encode(chance, 10);
}

Result<Submitted> CopyService::submit(JobSpec spec, const std::optional<IdempotencyKey>& key) {
  if (!key) return submit_new(std::move(spec), key);
  const bool first =
      jobs_.with([&](Jobs& jobs) { return jobs.keys_in_progress.insert(key->key).second; });
  if (!first) {
    return fail(ErrorKind::conflict, "idempotency.in_progress",
                "the first request with this Idempotency-Key is still being answered");
  }
  const auto decide = [&]() -> Result<Submitted> {
    KC_CHECK_OK(store_.drop_keys_before(clock_.now() - store::kIdempotencyKept));
    KC_TRY(const auto known, store_.key(key->key));
    if (!known) return submit_new(std::move(spec), key);
    if (known->fingerprint != key->fingerprint) {
      return fail(
          ErrorKind::invalid, "idempotency.key_reused",
          "this Idempotency-Key came with another request before; use a new key for a new request");
    }
    KC_TRY(auto job, get(known->job));
    return Submitted{.job = std::move(job), .replayed = true, .answer = known->answer};
  };
  auto submitted = decide();
  if (!submitted || submitted->replayed) forget_in_progress(key->key);
  return submitted;
}

Result<Submitted> CopyService::submit_new(JobSpec spec, const std::optional<IdempotencyKey>& key) {
  auto* pipeline = jobs_.with([](Jobs& jobs) { return jobs.stopping ? nullptr : jobs.pipeline; });
  if (pipeline == nullptr) {
    return fail(ErrorKind::unavailable, "server.shutting_down",
                "this server is stopping and takes no more jobs");
  }
  if (spec.id.empty()) spec.id = make_id();
  store::JobRow row;
  row.spec = spec;
  row.created_at = clock_.now();
  std::optional<store::KeyRow> key_row;
  if (key) {
    key_row = {
        .key = key->key, .fingerprint = key->fingerprint, .job = spec.id, .answer = std::nullopt};
  }
  KC_CHECK_OK(store_.add_job(row, key_row));
  // From here on the job is accepted: whatever happens next is told by the job itself.
  add_live(row);
  if (auto started = pipeline->start({.spec = spec, .uid = std::nullopt, .progress_known = false});
      !started && started.error().kind != ErrorKind::unavailable) {
    const auto& error = started.error();
    on_end(spec.id, {.state = JobState::failed,
                     .problem = Problem{.code = error.code,
                                        .detail = error.message,
                                        .fix = error.fix,
                                        .retryable = false},
                     .at = clock_.now()});
  }
  KC_TRY(auto job, get(spec.id));
  return Submitted{.job = std::move(job), .replayed = false, .answer = std::nullopt};
}

void CopyService::remember_answer(const std::string& key, std::string_view answer) {
  if (auto kept = store_.set_answer(key, answer); !kept) note(std::move(kept).error());
  forget_in_progress(key);
}

void CopyService::forget_in_progress(const std::string& key) {
  jobs_.with([&](Jobs& jobs) { jobs.keys_in_progress.erase(key); });
}

Job CopyService::job_of(const store::JobRow& row) const {
  Job job{.spec = row.spec,
          .uid = row.uid,
          .state = row.state,
          .cancel_wished = row.cancel_wished,
          .phase = std::nullopt,
          .status_reason = sentence(row.state, row.cancel_wished, row.problem),
          .problem = row.problem,
          .revision = row.revision,
          .created_at = row.created_at,
          .ended_at = row.ended_at};
  if (row.ended_at) return job;
  if (row.locked) job.problem = row.locked;
  jobs_.with([&](const Jobs& jobs) {
    const auto at = jobs.live.find(row.spec.id);
    if (at == jobs.live.end() || at->second.ended) return;
    const Live& live = at->second;
    job.state = live.state;
    job.phase = live.phase;
    job.revision = live.last.revision;
    if (!row.cancel_wished) job.status_reason = live.status_reason;
  });
  if (job.cancel_wished && !is_terminal(job.state)) job.state = JobState::canceling;
  return job;
}

Result<JobPage> CopyService::list(const JobFilter& filter) const {
  store::JobQuery query;
  query.states = filter.states;
  query.limit = filter.limit + 1;  // one more, to know whether there are more
  if (filter.after)
    query.after = store::JobQuery::After{filter.after->created_at, filter.after->id};
  KC_TRY(auto rows, store_.jobs(query));
  JobPage page;
  const bool more = rows.size() > filter.limit;
  if (more) rows.pop_back();
  for (const auto& row : rows) page.jobs.push_back(job_of(row));
  if (more) page.next = JobPage::Place{rows.back().created_at, rows.back().spec.id};
  return page;
}

Result<Job> CopyService::get(std::string_view id) const {
  KC_TRY(const auto row, store_.job(id));
  if (!row) return no_job(id);
  return job_of(*row);
}

Result<std::shared_ptr<const Snapshot>> CopyService::progress(std::string_view id) const {
  auto snapshot = jobs_.with([&](const Jobs& jobs) {
    const auto at = jobs.live.find(id);
    return at == jobs.live.end() ? nullptr : at->second.snapshot;
  });
  if (snapshot != nullptr) return snapshot;
  KC_TRY(const auto row, store_.job(id));
  if (!row) return no_job(id);
  KC_TRY(auto body, store_.last_progress(id));
  if (!body) return no_job(id);
  snapshot = make_snapshot(std::move(*body), row->revision);
  jobs_.with([&](Jobs& jobs) {
    if (jobs.live.size() >= kEndedKeptMax)
      std::erase_if(jobs.live, [](const auto& each) { return each.second.ended; });
    auto& live = jobs.live[std::string(id)];
    if (live.snapshot != nullptr) return;
    live.state = row->state;
    live.snapshot = snapshot;
    live.ended = true;
  });
  return snapshot;
}

Result<Job> CopyService::cancel(std::string_view id) {
  KC_TRY(const auto row, store_.job(id));
  if (!row) return no_job(id);
  if (row->state == JobState::canceled) return job_of(*row);
  if (row->ended_at) {
    return fail(ErrorKind::conflict, "job.state_conflict",
                "job '" + std::string(id) + "' has " + std::string(to_string(row->state)) +
                    " and cannot be canceled");
  }
  if (!row->cancel_wished) KC_CHECK_OK(store_.wish_cancel(id, clock_.now()));
  // A pipeline that does not have the job (any more) is told again when it next takes it up.
  if (auto* pipeline = jobs_.with([](Jobs& jobs) { return jobs.pipeline; }); pipeline != nullptr) {
    (void)pipeline->cancel(std::string(id));
  }
  return get(id);
}

Result<void> CopyService::ready() const {
  const bool open =
      jobs_.with([](const Jobs& jobs) { return jobs.pipeline != nullptr && !jobs.stopping; });
  if (!open)
    return fail(ErrorKind::unavailable, "server.not_ready", "this server is starting or stopping");
  if (auto trouble = store_trouble_.with([](const auto& error) { return error; })) {
    if (auto checked = store_.check(); !checked) return checked;
    store_trouble_.with([](auto& error) { error.reset(); });
    return {};
  }
  return store_.check();
}

void CopyService::note(Error error) const {
  store_trouble_.with([&](auto& kept) { kept = std::move(error); });
}

void CopyService::on_opened(const std::string& job, const Uuid& uid) {
  if (auto kept = store_.set_uid(job, uid); !kept) note(std::move(kept).error());
}

void CopyService::on_progress(const Progress& progress) {
  auto snapshot = snapshot_of(progress);
  const bool changed = jobs_.with([&](Jobs& jobs) {
    const auto at = jobs.live.find(progress.job);
    if (at == jobs.live.end() || at->second.ended) return false;
    Live& live = at->second;
    live.last = progress;
    // The last document appears together with the job's end, or the two would contradict each
    // other.
    if (is_terminal(progress.state)) return false;
    const bool other = live.state != progress.state;
    live.state = progress.state;
    live.phase = progress.phase;
    live.status_reason = progress.status_reason;
    live.snapshot = std::move(snapshot);
    return other;
  });
  if (!changed) return;
  auto kept = store_.set_state(progress.job, progress.state, progress.revision, progress.as_of);
  if (!kept) note(std::move(kept).error());
}

void CopyService::on_end(const std::string& job, const JobEnd& end) {
  KC_ASSERT(is_terminal(end.state), job);
  auto last = jobs_.with([&](const Jobs& jobs) {
    const auto at = jobs.live.find(job);
    return at == jobs.live.end() ? std::optional<Progress>() : std::optional(at->second.last);
  });
  if (!last) return;
  // The document that stays: the pipeline's last one, unless it did not say the end yet.
  if (last->state != end.state) {
    last->revision += 1;
    last->as_of = end.at;
    last->state = end.state;
    last->status_reason = sentence(end.state, false, end.problem);
    if (end.problem) last->problems.push_back(*end.problem);
    last->eta_seconds.reset();
  }
  auto snapshot = snapshot_of(*last);
  auto kept = store_.end_job(job, {.state = end.state,
                                   .problem = end.problem,
                                   .at = end.at,
                                   .progress = snapshot->body,
                                   .revision = last->revision});
  if (!kept) note(std::move(kept).error());
  jobs_.with([&](Jobs& jobs) {
    Live& live = jobs.live[job];
    live.state = end.state;
    live.phase.reset();
    live.status_reason = last->status_reason;
    live.last = *last;
    live.snapshot = std::move(snapshot);
    live.ended = true;
  });
}

}  // namespace kc::service
