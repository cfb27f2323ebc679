// The copy command's settings as a job definition, read by the same rules as the body of POST
// /v1/jobs. Used by copy and by tests. Thread promise: pure functions.
#pragma once

#include <string>

#include "core/model/job.h"
#include "server/settings.h"

namespace kc::server {

// The body that would ask the service for the same job.
std::string body_of(const Settings& settings);
// Every mistake at once, by option. Kind invalid; codes as the API's, or job.unsupported.
Result<JobSpec> job_of(const Settings& settings);
// The same clusters and databases give the same name, so that a rerun finds its lake folder.
std::string default_id(const JobSpec& spec);

}  // namespace kc::server
