#include "core/pipeline/runner.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/overloaded.h"
#include "core/pipeline/addressing.h"
#include "core/pipeline/opening.h"
#include "core/pipeline/runner_impl.h"

namespace kc::pipeline {

// ---- Wishes

Result<void> Runner::Impl::start(JobWish wish) {
  if (stopping_)
    return fail(ErrorKind::unavailable, "server.shutting_down", "the service is stopping");
  const JobKey key = ++last_key_;
  const bool fresh =
      running_.with([&](auto& running) { return running.try_emplace(wish.spec.id, key).second; });
  if (!fresh)
    return fail(ErrorKind::conflict, "job.exists",
                "job '" + wish.spec.id + "' is running here already");
  workers_.post([this, wish = std::move(wish), key] { open(wish, key); });
  return {};
}

Result<void> Runner::Impl::cancel(const std::string& id) {
  const JobKey key = running_.with([&](const auto& running) {
    const auto found = running.find(id);
    return found == running.end() ? JobKey{0} : found->second;
  });
  if (key == 0)
    return fail(ErrorKind::not_found, "job.not_found", "job '" + id + "' does not run here");
  loop_.post([this, key, id] {
    if (const JobPtr job = find(key)) return handle(job, Wished{Wish::cancel});
    // Still being opened: asked again once it is.
    loop_.post_after(std::chrono::milliseconds(50), [this, id] { (void)cancel(id); });
  });
  return {};
}

void Runner::Impl::stop() {
  if (stopping_.exchange(true)) return;
  doors_.with([](auto& doors) {
    for (auto& [address, door] : doors) door->close();
  });
  loop_.stop();
  // Not before: a core would take an interrupted commit for a lake that refuses.
  if (connections_.interrupt) connections_.interrupt();
  workers_.stop();
  mirror_.stop();
  jobs_.clear();  // leases go with them
}

// ---- Opening a job: the lease, the journal, the doors

void Runner::Impl::open(const JobWish& wish, JobKey key) {
  const std::string& id = wish.spec.id;
  auto found = prepare(wish);
  if (!found) {
    if (stopping_) return;  // it is the stop that ended it: the job goes on elsewhere, or later
    return ended(id, {.state = JobState::failed,
                      .problem = problem_of(found.error()),
                      .at = clock_.now(),
                      .found_ended = false});
  }
  listener_.on_opened(id, found->ledger.uid);
  if (!found->journal) {
    // The lake says that the job has ended: nothing is written, nothing is copied.
    JobCore reader(std::move(found->ledger), options_.job, 1);
    for (auto& effect : reader.handle(clock_.now(), Started{})) {
      if (auto* publish = std::get_if<Publish>(&effect)) listener_.on_progress(publish->progress);
    }
    const Ledger& known = reader.ledger();
    found->lease.reset();  // whoever hears of the end may start the job again at once
    return ended(id, {.state = known.state,
                      .problem = known.problem,
                      .at = known.ended_at.value_or(clock_.now()),
                      .found_ended = true});
  }
  const Journal::Position position = found->journal->position();
  mirror_.post([this, id, snapshot = found->ledger.snapshot(), position] {
    listener_.on_replayed(id, position.epoch, position.seq, snapshot);
  });
  auto job = std::make_shared<Job>();
  job->key = key;
  job->spec = wish.spec;
  job->strand = std::make_shared<Strand>(workers_);
  job->lake = std::move(found->lake);
  job->lease = std::move(found->lease);
  job->renewal = job->lease->renew_every();
  job->journal = std::move(found->journal);
  loop_.post([this, job, resume = std::move(found->resume),
              ledger = std::make_shared<Ledger>(std::move(found->ledger))] {
    adopt(job, std::move(*ledger), resume);
  });
}

// The addresses first: a mistake in one of them is told before anything is touched.
Result<OpenedJob> Runner::Impl::prepare(const JobWish& wish) {
  for (const std::string& address : {wish.spec.source, wish.spec.destination}) {
    const bool known = doors_.with([&](const auto& doors) { return doors.contains(address); });
    if (known) continue;
    KC_TRY(auto door, connections_.connect(address));
    doors_.with([&](auto& doors) { doors.try_emplace(address, std::move(door)); });
  }
  KC_TRY(auto lake, connections_.open_lake(wish.spec));
  return open_job(wish, std::move(lake), options_.holder, clock_,
                  [this] { return rng_.with([](Rng& rng) { return Uuid::random(rng); }); });
}

void Runner::Impl::ended(const std::string& id, JobResult result) {
  running_.with([&](auto& running) { running.erase(id); });
  log_.log(result.state == JobState::failed ? Level::warn : Level::info, "job.ended",
           {{"job", id},
            {"state", to_string(result.state)},
            {"problem", result.problem ? result.problem->code : std::string{}},
            {"detail", result.problem ? result.problem->detail : std::string{}}});
  // Behind the records that are still on their way to the mirror.
  mirror_.post([this, id, result = std::move(result)] { listener_.on_end(id, result); });
}

// ---- The core thread

Runner::Impl::JobPtr Runner::Impl::find(JobKey key) {
  const auto found = jobs_.find(key);
  return found == jobs_.end() ? nullptr : found->second;
}

Runner::Impl::Cluster& Runner::Impl::cluster_at(const std::string& address,
                                                std::shared_ptr<kusto::Kusto> door) {
  auto& cluster = clusters_[address];
  if (!cluster) {
    cluster = std::make_unique<Cluster>(options_.cluster);
    cluster->address = address;
    cluster->door = std::move(door);
  }
  return *cluster;
}

void Runner::Impl::adopt(const JobPtr& job, Ledger ledger, std::optional<JobSpec> resume) {
  jobs_.emplace(job->key, job);
  const std::string* addresses[2] = {&job->spec.source, &job->spec.destination};
  for (const Side side : {Side::source, Side::destination}) {
    const std::string& address = *addresses[static_cast<std::size_t>(side)];
    auto door = doors_.with([&](auto& doors) { return doors.at(address); });
    job->clusters[static_cast<std::size_t>(side)] = &cluster_at(address, std::move(door));
  }
  log_.log(Level::info, "job.opened",
           {{"job", job->spec.id},
            {"uid", ledger.uid},
            {"epoch", ledger.epoch},
            {"lake", job->lake->describe()}});
  const std::uint64_t seed = rng_.with([](Rng& rng) { return rng.next(); });
  job->core = std::make_unique<JobCore>(std::move(ledger), options_.job, seed);
  const cluster::Shares shares{.query = job->spec.query_slots,
                               .export_ = job->spec.export_slots,
                               .ingestion = job->spec.ingestion_slots};
  for (Cluster* cluster : job->clusters)
    cluster_event(*cluster, cluster::JobJoined{.job = job->key, .shares = shares});
  if (const auto every = job->renewal) renew_lease_after(job, *every);
  handle(job, Started{std::move(resume)});
}

// A lease on a storage service runs out. Losing it stops nothing: whoever has taken it takes the
// journal over, and that fences this process.
void Runner::Impl::renew_lease_after(const JobPtr& job, Timespan span) {
  loop_.post_after(std::chrono::nanoseconds(span.ticks * 100), [this, job, span] {
    if (job->over) return;
    job->strand->post([this, job, span] {
      if (!job->lease) return;
      if (const auto renewed = job->lease->renew(); !renewed) {
        log_.log(Level::warn, "lease.not_renewed",
                 {{"job", job->spec.id},
                  {"code", renewed.error().code},
                  {"detail", renewed.error().message}});
      }
      loop_.post([this, job, span] { renew_lease_after(job, span); });
    });
  });
}

void Runner::Impl::handle(const JobPtr& job, Event event) {
  if (job->over) return;
  std::vector<Effect> effects;
  try {
    const AssertScope scope;
    effects = job->core->handle(clock_.now(), std::move(event));
  } catch (const AssertionFailed& failed) {
    // The core is broken, not the process: this job is held, the others go on.
    log_.log(Level::error, "job.assert", {{"job", job->spec.id}, {"what", failed.what()}});
    job->over = true;
    for (Cluster* cluster : job->clusters) cluster_event(*cluster, cluster::JobLeft{job->key});
    jobs_.erase(job->key);
    return ended(job->spec.id, {.state = JobState::failed,
                                .problem = Problem{.code = "internal.assert",
                                                   .detail = failed.what(),
                                                   .fix = "report it with the job's log",
                                                   .retryable = false},
                                .at = clock_.now(),
                                .found_ended = false});
  }
  for (Effect& effect : effects) perform(job, effect);
  if (job->core->over()) finish(job);
}

void Runner::Impl::finish(const JobPtr& job) {
  if (std::exchange(job->over, true)) return;
  for (Cluster* cluster : job->clusters) cluster_event(*cluster, cluster::JobLeft{job->key});
  const Ledger& ledger = job->core->ledger();
  JobResult result{.state = ledger.state,
                   .problem = ledger.problem,
                   .at = ledger.ended_at.value_or(clock_.now()),
                   .found_ended = false};
  if (job->core->abandoned()) {
    result.state = JobState::failed;
    result.problem = job->core->abandoned();
  }
  jobs_.erase(job->key);
  // Giving the lease back may take a call; whoever hears of the end may start the job again at
  // once.
  job->strand->post([this, job, result = std::move(result)]() mutable {
    job->lease.reset();
    ended(job->spec.id, std::move(result));
  });
}

void Runner::Impl::perform(const JobPtr& job, Effect& effect) {
  const auto side_of = [&](Side side) -> Cluster& {
    return *job->clusters[static_cast<std::size_t>(side)];
  };
  std::visit(
      Overloaded{
          [&](CommitRecords& e) { commit(job, std::move(e.records), false); },
          [&](CommitAgain&) { commit(job, {}, true); },
          [&](RunRead& e) {
            job->calls.emplace(e.call, Call{.side = e.side,
                                            .command = std::move(e.read),
                                            .options = std::move(e.options),
                                            .grant_expiry = {}});
            cluster_event(
                side_of(e.side),
                cluster::CallAsked{.job = job->key, .call = e.call, .kind = SlotKind::query});
          },
          [&](RunWrite& e) {
            const SlotKind kind = e.holds_slot ? slot_of(e.write) : SlotKind::query;
            job->calls.emplace(e.call, Call{.side = e.side,
                                            .command = std::move(e.write),
                                            .options = std::move(e.options),
                                            .grant_expiry = e.grant_expiry});
            cluster_event(side_of(e.side),
                          cluster::CallAsked{.job = job->key, .call = e.call, .kind = kind});
          },
          [&](CloseFolder& e) { close_folder(job, e.call, e.folder); },
          [&](AskSlot& e) {
            cluster_event(side_of(e.side),
                          cluster::SlotAsked{
                              .job = job->key, .slot = e.slot, .kind = e.kind, .in_use = e.in_use});
          },
          [&](ReturnSlot& e) {
            cluster_event(side_of(e.side), cluster::SlotReturned{.job = job->key, .slot = e.slot});
          },
          [&](Watch& e) {
            cluster_event(
                side_of(e.side),
                cluster::WatchAsked{
                    .job = job->key, .operation = e.operation, .kind = e.kind, .blobs = e.blobs});
          },
          [&](Unwatch& e) {
            cluster_event(side_of(e.side),
                          cluster::WatchDropped{.job = job->key, .operation = e.operation});
          },
          [&](SetTimer& e) {
            const auto delay = std::chrono::nanoseconds(
                std::max<std::int64_t>(0, (e.at - clock_.now()).ticks) * 100);
            loop_.post_after(delay, [this, job, timer = e.timer] { handle(job, TimerDue{timer}); });
          },
          [&](Publish& e) {
            add_slots(*job, e.progress);
            listener_.on_progress(e.progress);
          },
          [&](Abandon& e) {
            log_.log(
                Level::error, "job.let_go",
                {{"job", job->spec.id}, {"code", e.problem.code}, {"detail", e.problem.detail}});
          },
      },
      effect);
}

void Runner::Impl::add_slots(const Job& job, Progress& progress) const {
  struct Row {
    Side side;
    SlotKind kind;
  };
  for (const auto& [side, kind] :
       {Row{Side::source, SlotKind::export_}, Row{Side::destination, SlotKind::ingestion},
        Row{Side::destination, SlotKind::queued}, Row{Side::source, SlotKind::query},
        Row{Side::destination, SlotKind::query}}) {
    const auto use = job.clusters[static_cast<std::size_t>(side)]->core.slots(job.key, kind);
    if (kind == SlotKind::queued && use.used == 0) continue;  // most jobs never queue
    progress.slots.push_back({.cluster = std::string(to_string(side)),
                              .kind = std::string(to_string(kind)),
                              .used = use.used,
                              .limit = use.limit});
  }
}

void Runner::Impl::commit(const JobPtr& job, std::vector<Record> records, bool again) {
  if (!again) job->committing = std::make_shared<const std::vector<Record>>(std::move(records));
  job->strand->post([this, job, again, batch = job->committing] {
    auto result = again ? job->journal->retry() : job->journal->commit(*batch);
    if (!result) {
      loop_.post(
          [this, job, error = std::move(result).error()] { handle(job, CommitFailed{error}); });
      return;
    }
    const std::uint64_t epoch = job->journal->position().epoch, seq = result->seq();
    mirror_.post([this, job, epoch, seq, batch] {
      listener_.on_committed(job->spec.id, epoch, seq, *batch);
    });
    const bool compaction = job->journal->wants_compaction();
    loop_.post([this, job, seq, compaction] {
      handle(job, CommitDone{});
      // The ledger is now what file `seq` and all before it amount to.
      if (compaction && !job->over) compact(job, seq);
    });
  });
}

// Beside the work, in bounded steps; an error costs nothing but space, and the next commit asks
// again.
void Runner::Impl::compact(const JobPtr& job, std::uint64_t seq) {
  job->strand->post([this, job, seq, snapshot = job->core->ledger().snapshot()] {
    if (const auto done = job->journal->compact(snapshot, seq); !done) {
      log_.log(Level::warn, "journal.compaction_failed",
               {{"job", job->spec.id}, {"detail", done.error().message}});
    }
    sweep(job);
  });
}

void Runner::Impl::sweep(const JobPtr& job) {
  if (!job->journal->wants_sweep()) return;
  job->strand->post([this, job] {
    if (job->journal->sweep()) sweep(job);
  });
}

void Runner::Impl::close_folder(const JobPtr& job, CallId call, const std::string& folder) {
  workers_.post([this, job, call, folder] {
    auto closed = job->lake->close_folder(folder);
    loop_.post([this, job, call, closed = std::move(closed)] {
      handle(job, FolderAnswered{.call = call, .closed = closed});
    });
  });
}

// ---- Calls to clusters

void Runner::Impl::dispatch(JobKey key, CallId id) {
  const JobPtr job = find(key);
  if (!job) return;
  const auto found = job->calls.find(id);
  KC_ASSERT(found != job->calls.end(), "a call that nobody asked for");
  auto call = std::make_shared<Call>(std::move(found->second));
  job->calls.erase(found);
  workers_.post([this, job, id, call] {
    auto answer = run(*job, *call);
    loop_.post([this, job, id, side = call->side, answer = std::move(answer)]() mutable {
      const bool throttled = !answer && answer.error().kind == ErrorKind::throttled;
      if (!job->over) {
        cluster_event(*job->clusters[static_cast<std::size_t>(side)],
                      cluster::CallAnswered{.job = job->key, .call = id, .throttled = throttled});
      }
      handle(job, Answered{.call = id, .answer = std::move(answer)});
    });
  });
}

Result<kusto::Answer> Runner::Impl::run(Job& job, Call& call) {
  KC_TRY(auto known, address(call.command, *job.lake, call.grant_expiry));
  if (known) return std::move(*known);
  auto answer =
      job.clusters[static_cast<std::size_t>(call.side)]->door->run(call.command, call.options);
  if (!answer) {
    log_.log(Level::debug, "call.failed",
             {{"job", job.spec.id},
              {"request", call.options.request_id},
              {"kind", to_string(answer.error().kind)},
              {"code", answer.error().code},
              {"detail", answer.error().message}});
  }
  return answer;
}

// ---- The public face

Runner::Runner(const Clock& clock, Connections connections, RunnerOptions options,
               RunnerListener& listener, Log& log, Rng rng)
    : impl_(std::make_unique<Impl>(clock, std::move(connections), std::move(options), listener, log,
                                   rng)) {}
Runner::~Runner() = default;
Result<void> Runner::start(JobWish wish) { return impl_->start(std::move(wish)); }
Result<void> Runner::cancel(const std::string& job) { return impl_->cancel(job); }
void Runner::stop() { impl_->stop(); }

}  // namespace kc::pipeline
