#include "server/config.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "core/net/transport.h"

namespace kc::server {
namespace {

constexpr double kSamplesMax = 10'000;
constexpr std::int64_t kLogRowsMax = 10'000'000'000;

Failure invalid(std::string message) {
  return fail(ErrorKind::invalid, "config.invalid_value", std::move(message));
}

Result<void> check_loopback(const std::string& host) {
  if (net::is_loopback_host(host)) return {};
  return fail(Error{.kind = ErrorKind::invalid,
                    .code = "config.not_loopback",
                    .message = "'" + host +
                               "' can be reached by others, and this version has no "
                               "authentication: it listens on loopback only",
                    .fix = "listen on 127.0.0.1 and put a proxy with authentication before it"});
}

}  // namespace

Result<Address> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return invalid("'" + text + "' is not HOST:PORT, such as 127.0.0.1:8080");
  Address address{text.substr(0, colon), 0};
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']')
    address.host = address.host.substr(1, address.host.size() - 2);
  const std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535) {
    return invalid("'" + port + "' is not a port from 0 to 65535");
  }
  address.port = std::stoi(port);
  KC_CHECK_OK(check_loopback(address.host));
  return address;
}

Result<Log::Options> log_options(const Settings& settings) {
  Log::Options options;
  const std::string level = settings.text("log-level"), format = settings.text("log-format");
  bool known = false;
  for (const Level each : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (level != to_string(each)) continue;
    options.level = each;
    known = true;
  }
  if (!known) return invalid("--log-level must be one of debug, info, warn, error");
  if (settings.flag("verbose") && !settings.given("log-level")) options.level = Level::debug;
  if (format != "text" && format != "json")
    return invalid("--log-format must be one of text, json");
  options.format = format == "json" ? LogFormat::json : LogFormat::text;
  return options;
}

Result<EmbeddedOptions> embedded_options(const Settings& settings, std::filesystem::path folder) {
  EmbeddedOptions options;
  options.data_folder = std::move(folder);
  const std::string factor = settings.text("samples");
  char* end = nullptr;
  options.samples = std::strtod(factor.c_str(), &end);
  if (factor.empty() || *end != 0 || !(options.samples >= 0) || options.samples > kSamplesMax)
    return invalid("--samples must be a number from 0 to 10000");
  KC_TRY(options.log_rows, settings.number("log-rows", 0, kLogRowsMax));
  KC_TRY(options.memory_bytes,
         settings.number("engine-memory", 64 << 20, std::numeric_limits<std::int64_t>::max()));
  if (settings.given("faults")) options.faults_file = settings.text("faults");
  options.admin = settings.flag("admin");
  options.require_token = settings.flag("require-token");
  if (settings.given("engine-threads")) {
    KC_TRY(const auto threads, settings.number("engine-threads", 1, 1024));
    options.threads = static_cast<int>(threads);
  }
  return options;
}

Result<pipeline::JobLimits> job_limits(const Settings& settings) {
  constexpr Timespan kShortest = Timespan::seconds(1);
  constexpr Timespan kLongest = Timespan::seconds(std::int64_t{6} * 24 * 3600);  // of a signature
  pipeline::JobLimits limits;
  const auto life = parse_duration(settings.text("export-grant"));
  if (!life || *life < kShortest || *life > kLongest)
    return fail(Error{.kind = ErrorKind::invalid,
                      .code = "config.invalid_value",
                      .message = "--export-grant must be a duration from 1s to 6d",
                      .fix = "see kusto-copy --help"});
  limits.grant_life = *life;
  return limits;
}

Result<azure::TrustedHosts> trusted_hosts(const Settings& settings) {
  if (!settings.given("trusted-hosts")) return azure::TrustedHosts();
  auto hosts = azure::TrustedHosts::allowing(settings.list("trusted-hosts"));
  if (!hosts) return fail(std::move(hosts).error().in("--trusted-hosts"));
  return hosts;
}

Result<AppOptions> serve_options(const Settings& settings) {
  AppOptions options;
  KC_TRY(options.job, job_limits(settings));
  KC_TRY(options.trusted, trusted_hosts(settings));
  KC_TRY(const auto address, parse_listen(settings.text("listen")));
  options.host = address.host;
  options.port = address.port;
  options.data_folder = std::filesystem::absolute(settings.text("data"));
  // Whoever may submit a job must not thereby read every file and variable of this process.
  options.secret_references = {"env:KUSTO_COPY_SECRET_", "file:/run/secrets/"};
  if (settings.given("secret-references"))
    options.secret_references = settings.list("secret-references");
  if (settings.given("secret-key-file"))
    options.secret_key_file = std::filesystem::absolute(settings.text("secret-key-file"));
  if (settings.flag("embedded")) {
    KC_TRY(options.embedded, embedded_options(settings, options.data_folder / "engine"));
    KC_TRY(const auto port, settings.number("engine-port", 0, 65535));
    options.embedded->port = static_cast<int>(port);
  }
  return options;
}

}  // namespace kc::server
