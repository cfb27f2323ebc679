// The copy command: one job, in this process, until it ends or a signal comes.
#include <chrono>
#include <utility>

#include "core/base/guarded.h"
#include "core/net/curl_transport.h"
#include "core/net/exchange_log.h"
#include "core/pipeline/runner.h"
#include "server/cli/exit_code.h"
#include "server/cli/job_options.h"
#include "server/cli/output.h"
#include "server/cli/program.h"
#include "server/cli/sign_in.h"
#include "server/config.h"
#include "server/connections.h"

namespace kc::server {
namespace {

using std::chrono::steady_clock;

// Keeps the newest of what the runner tells, and wakes the main thread for it.
class Inbox final : public pipeline::RunnerListener {
 public:
  explicit Inbox(Wake& wake) : wake_(wake) {}

  struct News {
    std::optional<Uuid> opened;
    std::optional<Progress> progress;  // newest, not taken yet
    std::optional<pipeline::JobResult> result;
  };
  News take() {
    return news_.with([](News& news) { return std::exchange(news, {}); });
  }

  void on_opened(const std::string& /*job*/, const Uuid& uid) override {
    tell([&](News& news) { news.opened = uid; });
  }
  void on_progress(const Progress& progress) override {
    tell([&](News& news) { news.progress = progress; });
  }
  void on_committed(const std::string&, std::uint64_t, std::uint64_t,
                    const std::vector<Record>&) override {}
  void on_replayed(const std::string&, std::uint64_t, std::uint64_t,
                   const std::vector<Record>&) override {}
  void on_end(const std::string& /*job*/, const pipeline::JobResult& result) override {
    tell([&](News& news) { news.result = result; });
  }

 private:
  template <class Work>
  void tell(Work work) {
    news_.with(work);
    wake_.set();
  }
  Wake& wake_;
  Guarded<News> news_;
};

// Until the job ends (0) or a signal comes (its number); tells everything on the way.
int follow(const JobSpec& spec, Inbox& inbox, Wake& wake, Signals& signals, Output& output,
           Ending& ending) {
  std::optional<Progress> untold;
  steady_clock::time_point told{};
  for (;;) {
    std::optional<std::chrono::milliseconds> timeout;
    if (untold) {
      const auto due = std::chrono::duration_cast<std::chrono::milliseconds>(
          told + output.interval() - steady_clock::now());
      timeout = std::max(due, std::chrono::milliseconds(0));
    }
    const Signals::Event event = signals.wait(wake, timeout);
    if (event.signal != 0) return event.signal;
    Inbox::News news = inbox.take();
    if (news.opened) output.opened(spec, *news.opened);
    if (news.progress) {
      ending.last = news.progress;
      untold = std::move(news.progress);
    }
    if (news.result) {
      ending.state = news.result->state;
      ending.problem = news.result->problem;
      ending.at = news.result->at;
      ending.found_ended = news.result->found_ended;
      return 0;
    }
    if (untold && steady_clock::now() >= told + output.interval()) {
      output.progress(*untold);
      untold.reset();
      told = steady_clock::now();
    }
  }
}

}  // namespace

int run_copy(const Settings& settings, Signals& signals) {
  const auto spec = job_of(settings);
  if (!spec) return report(spec.error());
  auto output = make_output(settings.text("output"), *spec);
  if (!output) return report(output.error());
  auto log_choice = log_options(settings);
  if (!log_choice) return report(log_choice.error());
  // The end and its reason are told by the output.
  if (!settings.given("log-level") && !settings.flag("verbose")) log_choice->level = Level::error;
  const SystemClock clock;
  auto log = Log::open(clock, *log_choice);
  if (!log) return report(log.error());

  net::ExchangeLog exchange_log(*log);
  net::CurlTransport transport({.watchers = {&exchange_log}});
  const auto limits = job_limits(settings);
  if (!limits) return report(limits.error());
  const auto identities = identities_of(settings, transport, clock);
  if (!identities) return report(identities.error());
  if (const auto signed_in = sign_in_first({spec->source, spec->destination}, *identities, signals);
      !signed_in || *signed_in != 0) {
    return signed_in ? 128 + *signed_in : report(signed_in.error());
  }
  Wake wake;
  Inbox inbox(wake);
  pipeline::Runner runner(clock, make_connections(*identities),
                          {.job = *limits, .cluster = {}, .holder = holder()}, inbox, *log,
                          Rng::from_entropy());
  // Rerunning the command is the wish to take up again what had failed.
  if (const auto started =
          runner.start({.spec = *spec, .progress_known = false, .resume_failed = true});
      !started) {
    return report(started.error());
  }
  Ending ending;
  ending.spec = &*spec;
  const int signal = follow(*spec, inbox, wake, signals, **output, ending);
  if (signal != 0) {
    // A second signal ends at once; the lake holds whatever was committed.
    signals.release();
    ending.interrupted = true;
    ending.at = clock.now();
  }
  runner.stop();
  transport.close();
  (*output)->end(ending);
  if (signal != 0) return 128 + signal;
  return exit_code_of(ending.state, ending.problem, ending.last);
}

}  // namespace kc::server
