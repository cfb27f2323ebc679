// What a command needs of its job's lake before it can be sent: the pipeline names folders and
// blobs by their place in the lake, and clusters take URIs with secrets in them. Used by Runner, on
// a worker. Thread promise: pure but for the lake's calls.
#pragma once

#include <optional>

#include "core/cluster/slots.h"
#include "core/kusto/kusto.h"
#include "core/lake/lake.h"

namespace kc::pipeline {

// Turns the names into URIs, an export's with the right to write until `grant_expiry`. An answer
// where the lake alone decides it. Errors: the lake's.
Result<std::optional<kusto::Answer>> address(kusto::Command& command, Lake& lake,
                                             Ticks grant_expiry);

// Of the slot that a command holds which starts an operation.
SlotKind slot_of(const kusto::Write& write);

}  // namespace kc::pipeline
