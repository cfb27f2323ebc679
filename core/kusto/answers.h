// Result tables to typed answers: the reading half of each command. Used by rest_kusto. Thread
// promise: pure functions.
#pragma once

#include <vector>

#include "core/kusto/kusto.h"
#include "core/kusto/result_table.h"

namespace kc::kusto {

// `tables` are the answers to `statements(command)`, in order. Kind unavailable, code
// kusto.malformed_answer, where they are not what the command promises.
Result<Answer> read_answer(const Command& command, const std::vector<ResultTable>& tables);

}  // namespace kc::kusto
