#include "server/cli/exit_code.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kc::server {
namespace {

struct Rule {
  std::string_view prefix;  // of the error's code; a whole code, or a family with its dot
  int code;
};

// The first that fits. What is not here is told by its kind.
constexpr std::array kRules = {
    Rule{"preflight.", kExitPreflight},
    Rule{"destination.not_empty", kExitPreflight},
    Rule{"lake.lease_held", kExitConflict},
    Rule{"job.exists", kExitConflict},
    Rule{"checkpoint.fenced", kExitConflict},
    Rule{"checkpoint.busy", kExitTransient},
    Rule{"checkpoint.", kExitCheckpoint},
    Rule{"config.", kExitUsage},
    Rule{"connection.", kExitUsage},
    Rule{"identity.invalid", kExitUsage},
    Rule{"secret.not_found", kExitUsage},
    Rule{"secret.not_allowed", kExitUsage},
    Rule{"secret.invalid_reference", kExitUsage},
    Rule{"identity.not_configured", kExitDenied},
    Rule{"request.", kExitUsage},
    Rule{"job.unsupported", kExitUsage},
    Rule{"slots.", kExitUsage},
    Rule{"duration.", kExitUsage},
    Rule{"lake.unsupported", kExitUsage},
    Rule{"lake.container", kExitPreflight},
    Rule{"lake.permission", kExitDenied},
    Rule{"lake.full", kExitTransient},
    Rule{"lake.unreachable", kExitTransient},
    Rule{"source.unreachable", kExitTransient},
    Rule{"destination.unreachable", kExitTransient},
    Rule{"server.port_in_use", kExitConflict},
    Rule{"store.busy", kExitConflict},
    Rule{"engine.in_use", kExitConflict},
    Rule{"source.no_ingestion_time", kExitPreflight},
};

std::optional<int> by_code(std::string_view code) {
  const auto at = std::find_if(kRules.begin(), kRules.end(),
                               [&](const Rule& rule) { return code.starts_with(rule.prefix); });
  return at == kRules.end() ? std::nullopt : std::optional(at->code);
}

}  // namespace

int exit_code_of(const Error& error) {
  if (const auto known = by_code(error.code)) return *known;
  switch (error.kind) {
    case ErrorKind::throttled:
    case ErrorKind::unavailable:
      return kExitTransient;
    case ErrorKind::denied:
      return kExitDenied;
    case ErrorKind::conflict:
      return kExitConflict;
    case ErrorKind::cancelled:
      return kExitCanceled;
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::corrupt:
      break;
  }
  return kExitFailed;
}

int exit_code_of(JobState state, const std::optional<Problem>& problem,
                 const std::optional<Progress>& last) {
  if (state == JobState::succeeded) return kExitDone;
  if (state == JobState::canceled) return kExitCanceled;
  if (last && last->tables_done > 0 &&
      std::any_of(last->tables.begin(), last->tables.end(),
                  [](const TableProgress& table) { return table.state == TableState::failed; })) {
    return kExitPartial;
  }
  if (!problem) return kExitFailed;
  if (const auto known = by_code(problem->code)) return *known;
  return problem->retryable ? kExitTransient : kExitFailed;
}

std::string exit_code_help() {
  return "\nExit codes: 0 done. 1 failed. 2 a mistake in the command (nothing was touched). 3 a "
         "check before the\ncopy failed (nothing was copied). 4 the two sides differ. 5 something "
         "was out of reach for too long:\nthe same command resumes. 6 some tables failed, others "
         "are complete. 8 not allowed. 9 somebody else\nhas the job, the lake folder or the port. "
         "10 the checkpoint is missing, damaged or newer than this\nprogram. 12 canceled. 130, 143 "
         "interrupted: the same command resumes.\n";
}

}  // namespace kc::server
