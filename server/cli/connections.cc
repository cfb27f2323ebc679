// The commands connections test and connections show: what was understood of the clusters and the
// lake of a copy, and whether they work. Questions are asked on a thread of their own, so that a
// signal ends them at once.
#include "server/connections.h"

#include <cstdio>
#include <thread>

#include "core/azure/secret_reference.h"
#include "core/azure/storage_identity.h"
#include "core/base/json.h"
#include "core/base/redact.h"
#include "core/net/curl_transport.h"
#include "server/cli/examination.h"
#include "server/cli/exit_code.h"
#include "server/cli/program.h"
#include "server/cli/sign_in.h"

namespace kc::server {
namespace {

using json = nlohmann::ordered_json;

json json_of(const Step& step) {
  json one{{"name", step.name},
           {"state", to_string(step.state)},
           {"detail", step.detail.empty() ? json(nullptr) : json(step.detail)},
           {"milliseconds", step.took.ticks / (kTicksPerSecond / 1000)},
           {"problem", nullptr}};
  if (step.problem) {
    one["problem"] = {
        {"code", step.problem->code},
        {"detail", redact(step.problem->message)},
        {"fix", step.problem->fix.empty() ? json(nullptr) : json(redact(step.problem->fix))}};
  }
  return one;
}

json json_of(const Examination& all) {
  json one{{"side", all.side}, {"understood", json::object()}, {"steps", json::array()}};
  for (const auto& [name, value] : all.understood) one["understood"][name] = redact(value);
  for (const auto& step : all.steps) one["steps"].push_back(json_of(step));
  one["ok"] = all.problem() == nullptr;
  return one;
}

void print_understood(const Examination& all) {
  std::printf("%s\n", all.side.c_str());
  for (const auto& [name, value] : all.understood)
    std::printf("  %-20s %s\n", name.c_str(), redact(value).c_str());
}

void print_step(const Step& step) {
  std::printf("  %-7s %-18s %s (%.1f ms)\n", std::string(to_string(step.state)).c_str(),
              step.name.c_str(), step.detail.c_str(), step.took.to_seconds() * 1000);
  if (step.problem && !step.problem->fix.empty())
    std::printf("          fix: %s\n", redact(step.problem->fix).c_str());
  std::fflush(stdout);
}

// The places that were given, in the order in which a copy meets them.
std::vector<Examination> examine(const Settings& settings,
                                 const std::shared_ptr<kusto::Identities>& identities,
                                 const ExaminationOptions& options) {
  azure::StorageIdentity storage(identities->surroundings, identities->tokens, identities->trusted);
  std::vector<Examination> all;
  const std::string db = settings.text("db");
  if (settings.given("source"))
    all.push_back(examine_cluster("source", settings.text("source"), db, identities, options));
  if (settings.given("destination")) {
    const std::string other = settings.text("destination-db");
    all.push_back(examine_cluster("destination", settings.text("destination"),
                                  settings.given("destination-db") ? other : db, identities,
                                  options));
  }
  if (!settings.given("lake")) return all;
  const LakeDoors doors{.transport = identities->surroundings.transport,
                        .clock = options.clock,
                        .stop = options.stop,
                        .token =
                            [&](const azure::BlobAddress& root, const std::string& refused) {
                              return lake_token(*identities, storage, root, refused, options.stop);
                            },
                        .secret =
                            [&](std::string_view reference, std::string_view keyword) {
                              return azure::read_secret(identities->surroundings, reference,
                                                        keyword);
                            }};
  for (const auto& lake : settings.list("lake")) all.push_back(examine_lake(lake, doors, options));
  return all;
}

Result<Timespan> deadline_of(const Settings& settings) {
  // A person needs longer than a cluster.
  if (settings.text("sign-in") == "device-code" && !settings.given("timeout"))
    return Timespan::seconds(900);
  const auto span = parse_duration(settings.text("timeout"));
  if (span && *span >= Timespan::seconds(1) && *span <= Timespan::seconds(900)) return *span;
  return fail(ErrorKind::invalid, "config.invalid_value", "--timeout must be from 1s to 15m");
}

int end(const std::vector<Examination>& all, bool as_json) {
  int code = kExitDone;
  json places = json::array();
  for (const auto& one : all) {
    places.push_back(json_of(one));
    if (const Error* problem = one.problem(); problem != nullptr && code == kExitDone)
      code = exit_code_of(*problem);
  }
  if (as_json)
    std::printf("%s\n", json{{"ok", code == kExitDone}, {"connections", std::move(places)}}
                            .dump(2, ' ', false, json::error_handler_t::replace)
                            .c_str());
  return code;
}

int run(const Settings& settings, Signals& signals, bool try_it) {
  const std::string output = settings.text("output");
  if (output != "auto" && output != "plain" && output != "json")
    return report(Error{.kind = ErrorKind::invalid,
                        .code = "config.invalid_value",
                        .message = "--output must be one of auto, plain, json"});
  if (!settings.given("source") && !settings.given("destination") && !settings.given("lake"))
    return report(Error{.kind = ErrorKind::invalid,
                        .code = "request.missing_field",
                        .message = "--source, --destination or --lake is required",
                        .fix = "see kusto-copy connections test --help"});
  const auto deadline = deadline_of(settings);
  if (!deadline) return report(deadline.error());
  const bool as_json = output == "json";
  const SystemClock clock;
  net::CurlTransport transport;
  const auto identities = identities_of(settings, transport, clock);
  if (!identities) return report(identities.error());
  Wake wake;
  std::vector<Examination> all;
  int signal = 0;
  {
    std::jthread worker([&](std::stop_token stop) {
      ExaminationOptions options{
          .clock = clock, .deadline = *deadline, .stop = std::move(stop), .try_it = try_it};
      if (!as_json) {
        options.told = [](const Examination& place, const Step& step) {
          if (place.steps.size() == 1) print_understood(place);
          if (place.steps.size() > 1 || step.problem) print_step(step);
        };
      }
      all = examine(settings, *identities, options);
      wake.set();
    });
    // The steps keep the time themselves, and tell what did not answer; this is for what a storage
    // call repeats, and must not come before them.
    constexpr std::chrono::seconds kGrace(5);
    const std::size_t places = (settings.given("source") ? 1U : 0U) +
                               (settings.given("destination") ? 1U : 0U) +
                               settings.list("lake").size();
    const std::chrono::milliseconds total =
        kGrace + std::chrono::milliseconds(static_cast<std::int64_t>(deadline->to_seconds() * 1000 *
                                                                     static_cast<double>(places)));
    signal = signals.wait(wake, total).signal;
    if (signal != 0) signals.release();  // a second one ends at once
    worker.request_stop();
  }
  transport.close();
  const int code = end(all, as_json);
  return signal != 0 ? 128 + signal : code;
}

}  // namespace

int run_connections_test(const Settings& settings, Signals& signals) {
  return run(settings, signals, true);
}
int run_connections_show(const Settings& settings, Signals& signals) {
  return run(settings, signals, false);
}

}  // namespace kc::server
