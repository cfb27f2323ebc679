#include "core/engine/commands/fated.h"

#include <algorithm>
#include <array>

namespace kc::engine {
namespace {

constexpr std::array<std::string_view, 10> kOperations = {
    "DataExport",        "DataIngestPull", "TableSet",       "TableAppend",  "TableSetOrAppend",
    "TableSetOrReplace", "ExtentsMove",    "ExtentsReplace", "ExtentsMerge", "TableRecordsDelete"};

bool is_operation(std::string_view kind) {
  return std::find(kOperations.begin(), kOperations.end(), kind) != kOperations.end();
}

// The same command again, later, as the cluster would go on with it.
Work again(Command& command, std::string_view text) {
  auto& host = command.host();
  return [&host, database = command.session.database, options = command.session.options,
          text = std::string(text)](Execution&) -> Result<ResultTable> {
    Session session{host, database, options};
    session.fate_drawn = true;
    KC_TRY(const auto rows, run_command(session, text));
    return encode(rows);
  };
}

Error inside_answer(std::string_view kind) {
  Error error{.kind = ErrorKind::unavailable,
              .code = "engine.fault",
              .message = "An injected fault ended the answer to " + std::string(kind) + "."};
  error.service_code = "General_InternalServerError";
  return error;
}

}  // namespace

Result<void> suffer_before(Host& host, std::string_view kind, const Fate& fate) {
  if (fate.delay.ticks > 0 && !host.operations->wait(fate.delay))
    return fail(ErrorKind::cancelled, "engine.closed", "the engine is closing");
  if (fate.fail_before || fate.abandon || fate.apply_late) return injected(kind);
  return {};
}

Answer run_fated(Command& command, const CommandEntry& entry, std::string_view text) {
  auto& session = command.session;
  if (std::exchange(session.fate_drawn, true) || is_operation(entry.kind))
    return entry.handler(command);
  auto& host = command.host();
  const auto fate = session.fate = host.fate(entry.kind);
  if (fate.throttle)
    return throttled(entry.kind, host.queries.total(),
                     "RequestRateLimitPolicy/WorkloadGroup/default");
  if (fate.apply_late && !entry.reads)
    host.operations->later(std::string(entry.kind), fate.delay + fate.late_by,
                           again(command, text));
  KC_CHECK_OK(suffer_before(host, entry.kind, fate));
  return entry.handler(command);
}

Result<DataSet> spoil_answer(DataSet answer, std::string_view kind, const Fate& fate) {
  if (fate.fail_after) return injected(kind);
  answer.lose_answer = fate.lose_answer;
  if ((!fate.error_in_answer && !fate.partial_answer) || answer.tables.empty()) return answer;
  KC_TRY(auto rows, decode(answer.tables.back()));
  rows.rows.resize(fate.error_in_answer ? 0 : rows.rows.size() / 2);
  answer.tables.back() = encode(rows, answer.tables.back().name);
  answer.partial = inside_answer(kind);
  return answer;
}

}  // namespace kc::engine
