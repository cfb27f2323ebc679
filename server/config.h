// Settings turned into checked values, one function for each part of the program. Used by the
// commands. Thread promise: pure functions, apart from the names of folders, which become absolute.
#pragma once

#include <string>

#include "core/azure/trusted_hosts.h"
#include "core/base/log.h"
#include "core/pipeline/job_core.h"
#include "server/app.h"
#include "server/embedded.h"
#include "server/settings.h"

namespace kc::server {

// Errors of all: kind invalid, code config.invalid_value; config.not_loopback for an address that
// others can reach, which needs identity.
struct Address {
  std::string host;
  int port = 0;
};
Result<Address> parse_listen(const std::string& text);
Result<Log::Options> log_options(const Settings& settings);
// `folder` of the engine's data; host and port are left to the caller.
Result<EmbeddedOptions> embedded_options(const Settings& settings, std::filesystem::path folder);
// What one job may do, beside its definition.
Result<pipeline::JobLimits> job_limits(const Settings& settings);
// Kind invalid, code identity.invalid: an entry that is no host.
Result<azure::TrustedHosts> trusted_hosts(const Settings& settings);
Result<AppOptions> serve_options(const Settings& settings);

}  // namespace kc::server
