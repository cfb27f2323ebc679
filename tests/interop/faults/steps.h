// What the matrix does to each service, by the code that ships: one operation at a time, prepared
// past all faults and looked at past all faults. Used by matrix_test.cc. Thread promise: one owner.
#pragma once

#include <functional>

#include "tests/interop/faults/lab.h"
#include "tests/interop/faults/outcomes.h"

namespace kc::faults {

struct Attempt {
  std::function<Result<void>()> run;
  // How often it happened, by what the service shows; absent where nothing happens.
  std::function<std::int64_t()> effects = {};
};

class Steps {
 public:
  explicit Steps(FaultLab& lab);
  // Of things of its own, so that no attempt sees another's.
  Attempt prepare(Step step);
  // The requests that the operation sends, into the fault.
  fakes::FaultRule rule(Step step, fakes::Fault fault, bool once);

 private:
  Attempt on_cluster(Step step);
  Attempt on_blobs(Step step);
  Attempt on_queue(Step step);
  Attempt on_lake(Step step);
  Attempt on_issuer(Step step);
  std::int64_t exists(const std::string& blob);

  FaultLab& lab_;
  azure::Blobs blobs_, straight_;
  std::shared_ptr<kusto::Identities> identities_;
  std::unique_ptr<kusto::Kusto> kusto_;
  Cursor cursor_;
  Uuid operation_;  // that has ended
  int number_ = 0;
};

}  // namespace kc::faults
