#include "server/cli/sign_in.h"

#include <cstdio>
#include <thread>

#include "server/config.h"

namespace kc::server {
namespace {

constexpr Timespan kPersonDeadline = Timespan::seconds(900);  // as long as a code holds

void show(const azure::DeviceCodePrompt& prompt) {
  std::fprintf(stderr,
               "To sign in, open %s in a browser and enter the code %s (within %d minutes).\n",
               prompt.url.c_str(), prompt.user_code.c_str(),
               static_cast<int>(prompt.valid.to_seconds() / 60));
}

Result<void> sign_in_all(const std::vector<std::string>& clusters,
                         const std::shared_ptr<kusto::Identities>& identities,
                         const std::stop_token& stop) {
  for (const auto& cluster : clusters) {
    KC_TRY(const auto where, kusto::ConnectionString::parse(cluster));
    KC_CHECK_OK(kusto::sign_in(where, identities, kPersonDeadline, stop));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<kusto::Identities>> identities_of(const Settings& settings,
                                                         net::Transport& transport,
                                                         const Clock& clock) {
  KC_TRY(auto trusted, trusted_hosts(settings));
  auto all = std::make_shared<kusto::Identities>(transport, clock, std::move(trusted));
  const auto way = settings.text("sign-in");
  if (way == "device-code") {
    all->prompt = show;
  } else if (way != "environment") {
    return fail(ErrorKind::invalid, "config.invalid_value",
                "--sign-in must be one of environment, device-code");
  }
  return all;
}

Result<int> sign_in_first(const std::vector<std::string>& clusters,
                          const std::shared_ptr<kusto::Identities>& identities, Signals& signals) {
  if (!identities->prompt) return 0;
  Wake wake;
  Result<void> done;
  int signal = 0;
  {
    std::jthread worker([&](const std::stop_token& stop) {
      done = sign_in_all(clusters, identities, stop);
      wake.set();
    });
    signal = signals.wait(wake, std::nullopt).signal;
  }  // asks it to stop, and waits
  if (signal == 0 && !done) return fail(std::move(done).error());
  return signal;
}

}  // namespace kc::server
