// The serve command: the service, until a signal comes.
#include <cstdio>

#include "server/app.h"
#include "server/cli/exit_code.h"
#include "server/cli/program.h"
#include "server/config.h"

namespace kc::server {

int run_serve(const Settings& settings, Signals& signals) {
  auto options = serve_options(settings);
  if (!options) return report(options.error());
  const auto log_choice = log_options(settings);
  if (!log_choice) return report(log_choice.error());
  const SystemClock clock;
  auto log = Log::open(clock, *log_choice);
  if (!log) return report(log.error());
  auto app = App::start(std::move(*options), clock, *log, Rng::from_entropy());
  if (!app) return report(app.error());
  const std::string engine = (*app)->engine_url();
  std::printf("kusto-copy serves at %s%s%s\n", (*app)->url().c_str(),
              engine.empty() ? "" : ", its engine at ", engine.c_str());
  std::fflush(stdout);
  Wake wake;
  while (signals.wait(wake, std::nullopt).signal == 0) {
  }
  // A second signal ends at once: every job can be resumed from its lake either way.
  signals.release();
  (*app)->stop();
  return kExitDone;
}

}  // namespace kc::server
