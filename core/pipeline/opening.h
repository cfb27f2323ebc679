// Opening a job: its lake, its lease, its journal, and what that already says. Used by the runner,
// on a worker. Thread promise: a function of its arguments; blocks for the time of its storage
// calls.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/checkpoint/journal.h"
#include "core/lake/lake.h"
#include "core/model/ledger.h"
#include "core/pipeline/runner.h"

namespace kc::pipeline {

struct OpenedJob {
  std::unique_ptr<Lake> lake;
  std::unique_ptr<Lease> lease;
  std::optional<Journal>
      journal;  // absent where the lake says that the job has ended: nothing was written then
  Ledger ledger;
  std::optional<JobSpec>
      resume;  // a failed job that is to be taken up again, under this definition
};

// Errors: lake.* and checkpoint.* of the lake and the journal; lake.lease_held, naming the holder;
// checkpoint.missing where the mirror knows progress and the lake does not; job.exists where the
// lake folder belongs to another definition.
Result<OpenedJob> open_job(const JobWish& wish, std::unique_ptr<Lake> lake,
                           const std::string& holder, const Clock& clock,
                           const std::function<Uuid()>& new_id);

}  // namespace kc::pipeline
