// The fault matrix as data: what the caller of each operation hears when its requests meet each
// fault, for ever or once. docs/faults.md shows it; matrix_test.cc holds it against the code that
// ships. A cell that is missing does not compile. Thread promise: constants and pure functions.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "tests/fakes/faulty_proxy.h"

namespace kc::faults {

enum class Step {
  query,       // v2
  command,     // v1, with consequences
  export_,     // .export async
  ingest,      // .ingest async
  operations,  // .show operations
  blob_put,
  blob_get,
  blob_list,
  blob_delete,
  queue_put,
  queue_get,
  queue_hold,  // hides a message again
  queue_delete,
  lake_create,  // create-if-absent, the journal's
  lake_put,
  lake_get,
  lake_list,
  lake_delete,
  token,    // of a client secret
  sign_in,  // a query that needs a token first
};
inline constexpr std::size_t kSteps = 20;
std::string_view to_string(Step step);

enum class Family { cluster, blob, queue, lake, issuer };
Family family_of(Step step);

// `done`, or the code of the error.
struct Cell {
  std::string_view lasting;                 // every request of the operation meets the fault
  int sent = 0;                             // requests that then met it
  std::string_view once;                    // the first one only
  ErrorKind kind = ErrorKind::unavailable;  // of `lasting`: what to do next
};

const Cell& outcome(fakes::Fault fault, Step step);
// The matrix in Markdown.
std::string page();

}  // namespace kc::faults
