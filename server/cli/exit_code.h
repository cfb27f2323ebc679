// Exit codes, stable: what a script may decide by. Used by the commands and documented by --help.
// Thread promise: pure functions.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/model/progress.h"

namespace kc::server {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitPreflight = 3;
inline constexpr int kExitDifferent = 4;
inline constexpr int kExitTransient = 5;
inline constexpr int kExitPartial = 6;
inline constexpr int kExitDenied = 8;
inline constexpr int kExitConflict = 9;
inline constexpr int kExitCheckpoint = 10;
inline constexpr int kExitCanceled = 12;
inline constexpr int kExitInterrupted = 130;
inline constexpr int kExitTerminated = 143;

int exit_code_of(const Error& error);
// Of a job that has ended; `last` is its last progress, if any came.
int exit_code_of(JobState state, const std::optional<Problem>& problem,
                 const std::optional<Progress>& last);
std::string exit_code_help();

}  // namespace kc::server
