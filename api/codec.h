// JSON <-> values: the only place where either is turned into the other. Reading is strict and
// tells everything that is wrong at once; secrets are taken out of whatever is written. Used by the
// handlers. Thread promise: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "core/model/job.h"
#include "core/model/progress.h"
#include "core/service/copy_service.h"

namespace kc::api {

// Limits of a job's definition; openapi.yaml states the same.
inline constexpr std::size_t kConnectionBytesMax = 4096;
inline constexpr std::size_t kNameBytesMax = 1024;
inline constexpr std::size_t kTablesMax = 10'000;
inline constexpr std::size_t kLakesMax = 16;
inline constexpr std::int64_t kBlockRowsMaxMax = 1'000'000'000;
inline constexpr std::int64_t kBlockBytesMaxMax = 100'000'000'000;
inline constexpr int kMaxFailuresMax = 1000;
inline constexpr int kJsonDepthMax = 16;

// The body of POST /v1/jobs.
tl::expected<JobSpec, std::vector<FieldError>> read_job_spec(std::string_view body);
// A body that may be absent, and otherwise is an object without fields.
tl::expected<void, std::vector<FieldError>> read_empty(std::string_view body);

std::string write_job(const service::Job& job);
// `next_link` empty: the last page.
std::string write_job_page(const service::JobPage& page, std::string_view next_token,
                           std::string_view next_link);
std::string write_progress(const Progress& progress);

// "10%" or "4".
std::string write_slots(const SlotShare& share);

}  // namespace kc::api
