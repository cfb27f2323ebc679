// The engine command: the embedded engine alone, until a signal comes.
#include <cstdio>

#include "core/base/redact.h"
#include "server/cli/exit_code.h"
#include "server/cli/program.h"
#include "server/config.h"
#include "server/embedded.h"

namespace kc::server {
namespace {

Result<EmbeddedOptions> engine_options(const Settings& settings) {
  KC_TRY(auto options,
         embedded_options(settings, std::filesystem::absolute(settings.text("data"))));
  KC_TRY(const auto port, settings.number("port", 0, 65535));
  // Its own rules of an address are those of the service.
  KC_TRY(const auto address, parse_listen(settings.text("host") + ":" + std::to_string(port)));
  options.dm_storage = settings.text("dm-storage");
  KC_TRY(const auto dm_port, settings.number("dm-port", 0, 65535));
  options.dm_port = static_cast<int>(dm_port);
  options.dm_trouble = [](const Error& error) {
    std::fprintf(stderr, "warning: data management: %s: %s\n", error.code.c_str(),
                 redact(error.message).c_str());
  };
  options.host = address.host;
  options.port = address.port;
  return options;
}

}  // namespace

int run_engine(const Settings& settings, Signals& signals) {
  const auto options = engine_options(settings);
  if (!options) return report(options.error());
  auto engine = Embedded::start(*options);
  if (!engine) return report(engine.error());
  std::printf("kusto-copy engine at %s\n", (*engine)->url().c_str());
  if (const auto url = (*engine)->dm_url(); !url.empty())
    std::printf("kusto-copy data management at %s\n", url.c_str());
  std::fflush(stdout);
  Wake wake;
  while (signals.wait(wake, std::nullopt).signal == 0) {
  }
  signals.release();
  (*engine)->stop();
  return kExitDone;
}

}  // namespace kc::server
