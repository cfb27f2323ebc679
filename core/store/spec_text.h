// A job's definition and a problem as the JSON text that the database keeps. Used by this room
// only: the API has its own spelling. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/model/job.h"

namespace kc::store {

std::string to_text(const JobSpec& spec);
Result<JobSpec> spec_from_text(std::string_view text);  // kind corrupt, code store.corrupt
std::string to_text(const Problem& problem);
Result<Problem> problem_from_text(std::string_view text);

}  // namespace kc::store
