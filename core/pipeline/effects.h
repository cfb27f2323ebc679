// What goes into a JobCore (events) and what comes out (effects), all values. The shell (runner.h,
// or the simulation's) executes effects and feeds the results back as events. Thread promise:
// values.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"
#include "core/cluster/slots.h"
#include "core/kusto/kusto.h"
#include "core/model/ledger.h"
#include "core/model/progress.h"
#include "core/model/records.h"

namespace kc::pipeline {

// Says that the intent, or the fact, on which an effect rests is committed. Only Committed makes
// one, by looking it up in the ledger, and the ledger changes by committed records alone: an effect
// with consequences cannot be built earlier.
class Proof {
 private:
  Proof() = default;
  friend class Committed;
};

// ---- Effects

struct CommitRecords {
  std::vector<Record> records;
};                      // one file of the journal; one at a time
struct CommitAgain {};  // the same bytes, after an unknown result

struct RunRead {
  CallId call = 0;
  Side side = Side::source;
  kusto::Read read;
  kusto::CallOptions options;
};
// A write whose proof is in hand. Folder and blob fields hold lake-relative names: the shell turns
// them into the URIs with secrets just before sending, so that an effect can be logged.
struct RunWrite {
  CallId call = 0;
  Side side = Side::destination;
  Proof proof;
  kusto::Write write;
  kusto::CallOptions options;
  Ticks grant_expiry;       // of the folder, for StartExport
  bool holds_slot = false;  // of its own kind already: it does not wait for a query slot
};
struct CloseFolder {
  CallId call = 0;
  Proof proof;
  std::string folder;
};

struct AskSlot {
  SlotId slot = 0;
  Side side = Side::source;
  SlotKind kind = SlotKind::export_;
  bool in_use = false;
};
struct ReturnSlot {
  SlotId slot = 0;
  Side side = Side::source;
};
struct Watch {
  Side side = Side::source;
  Uuid operation;
  SlotKind kind = SlotKind::export_;
  std::int64_t blobs = 0;  // of a queued ingestion
};
struct Unwatch {
  Side side = Side::source;
  Uuid operation;
};
struct SetTimer {
  TimerId timer = 0;
  Ticks at;
};
struct Publish {
  Progress progress;
};
struct Abandon {
  Problem problem;
};  // this process stops working on the job; the journal decides who goes on

using Effect = std::variant<CommitRecords, CommitAgain, RunRead, RunWrite, CloseFolder, AskSlot,
                            ReturnSlot, Watch, Unwatch, SetTimer, Publish, Abandon>;

// ---- Events; each comes with `now`

// Once, first. `resume`: a job that ended as failed is taken up again, under this definition.
struct Started {
  std::optional<JobSpec> resume;
};
struct CommitDone {};
struct CommitFailed {
  Error error;
};  // conflict: fenced; else unknown: say CommitAgain
struct Answered {
  CallId call = 0;
  Result<kusto::Answer> answer;
};
struct FolderAnswered {
  CallId call = 0;
  Result<bool> closed;
};
struct SlotGranted {
  SlotId slot = 0;
};
struct OperationEnded {
  Side side = Side::source;
  kusto::Operation operation;
};
struct OperationLost {
  Side side = Side::source;
  Uuid operation;
};  // the cluster does not know it any more
// Whether a cluster tells how its operations stand: the job can only wait, and say for what.
struct OperationsRead {
  Side side = Side::source;
  std::optional<Error> error;
};
struct TimerDue {
  TimerId timer = 0;
};
enum class Wish { cancel };
struct Wished {
  Wish wish = Wish::cancel;
};

using Event = std::variant<Started, CommitDone, CommitFailed, Answered, FolderAnswered, SlotGranted,
                           OperationEnded, OperationLost, OperationsRead, TimerDue, Wished>;

}  // namespace kc::pipeline
