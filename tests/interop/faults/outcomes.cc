#include "tests/interop/faults/outcomes.h"

#include <algorithm>

#include "core/base/check.h"

namespace kc::faults {
namespace {

using fakes::Fault;

constexpr std::string_view kDone = "done";
constexpr int kTries = 4;  // of a call to storage, and of one to an issuer

struct Meaning {
  std::string_view code;
  ErrorKind kind;
};
constexpr std::array kMeanings = {
    Meaning{"net.unreachable", ErrorKind::unavailable},
    Meaning{"net.broken", ErrorKind::unavailable},
    Meaning{"net.timeout", ErrorKind::unavailable},
    Meaning{"net.tls_untrusted", ErrorKind::invalid},
    Meaning{"kusto.malformed_answer", ErrorKind::unavailable},
    Meaning{"kusto.throttled", ErrorKind::throttled},
    Meaning{"kusto.unavailable", ErrorKind::unavailable},
    Meaning{"kusto.denied", ErrorKind::denied},
    Meaning{"storage.throttled", ErrorKind::throttled},
    Meaning{"storage.unavailable", ErrorKind::unavailable},
    Meaning{"storage.corrupt", ErrorKind::corrupt},
    Meaning{"storage.denied", ErrorKind::denied},
    Meaning{"storage.not_found", ErrorKind::not_found},
    Meaning{"lake.unreachable", ErrorKind::unavailable},
    Meaning{"lake.permission", ErrorKind::denied},
    Meaning{"identity.unavailable", ErrorKind::unavailable},
    Meaning{"identity.throttled", ErrorKind::throttled},
    Meaning{"identity.refused", ErrorKind::denied},
    Meaning{"identity.bad_answer", ErrorKind::corrupt},
};

constexpr const Meaning* meaning_of(std::string_view code) {
  for (const auto& one : kMeanings) {
    if (one.code == code) return &one;
  }
  return nullptr;
}

struct Row {
  std::array<Cell, 5> cluster;
  std::array<Cell, 4> blob;
  std::array<Cell, 4> queue;
  std::array<Cell, 5> lake;
  std::array<Cell, 2> issuer;
};

constexpr Cell cell(std::string_view lasting, int sent, std::string_view once) {
  return {lasting, sent, once,
          lasting == kDone ? ErrorKind::unavailable : meaning_of(lasting)->kind};
}
// A call of which nobody knows that it was not carried out is not sent again by the client of a
// cluster: the copy's protocol decides that, with a new attempt.
constexpr std::array<Cell, 5> all_of(const Cell& one) { return {one, one, one, one, one}; }
constexpr Cell cluster(std::string_view code, int sent = 1) { return cell(code, sent, code); }
// Storage and issuers are asked again where it does no harm.
constexpr Cell again(std::string_view code) { return cell(code, kTries, kDone); }
constexpr Cell at_once(std::string_view code) { return cell(code, 1, code); }
// What the first request removed is gone when the second one comes.
constexpr Cell gone(std::string_view code) { return cell(code, kTries, "storage.not_found"); }
// A create-if-absent that may have happened is looked for, and sent again where it is not there.
constexpr Cell looked_for(int sent) { return cell("lake.unreachable", sent, kDone); }
// Through the door of a cluster, corrupt would speak of its data.
constexpr Cell at_the_door(Cell one) {
  one.kind = ErrorKind::unavailable;
  return one;
}

constexpr auto kRefused = again("net.unreachable");
constexpr auto kBroken = again("net.broken");
constexpr auto kSilent = again("net.timeout");
constexpr auto kBusy = again("storage.throttled");
constexpr auto kFailed = again("storage.unavailable");
constexpr auto kStrange = at_once("storage.unavailable");
constexpr auto kNoAnswer = at_once("storage.corrupt");
constexpr auto kDenied = at_once("storage.denied");
constexpr auto kUntrusted = at_once("net.tls_untrusted");
constexpr auto kLake = again("lake.unreachable");
constexpr auto kLakeDenied = at_once("lake.permission");
constexpr auto kIssuer = again("identity.unavailable");
constexpr auto kNoToken = at_once("identity.bad_answer");

// In the order of the faults and, within a family, of its operations.
constexpr std::array<Row, fakes::kFaults> kRows = {{
    // refuse
    {.cluster = all_of(cluster("net.unreachable")),
     .blob = {kRefused, kRefused, kRefused, kRefused},
     .queue = {kRefused, kRefused, kRefused, kRefused},
     .lake = {looked_for(8), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // reset_before
    {.cluster = all_of(cluster("net.broken")),
     .blob = {kBroken, kBroken, kBroken, kBroken},
     .queue = {kBroken, kBroken, at_once("net.broken"), kBroken},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // reset_after
    {.cluster = all_of(cluster("net.broken")),
     .blob = {kBroken, kBroken, kBroken, gone("net.broken")},
     .queue = {kBroken, kBroken, at_once("net.broken"), gone("net.broken")},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // black_hole
    {.cluster = all_of(cluster("net.timeout")),
     .blob = {kSilent, kSilent, kSilent, kSilent},
     .queue = {kSilent, kSilent, at_once("net.timeout"), kSilent},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // slow_drip
    {.cluster = all_of(cluster("net.timeout")),
     .blob = {kSilent, kSilent, kSilent, gone("net.timeout")},
     .queue = {kSilent, kSilent, at_once("net.timeout"), gone("net.timeout")},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // truncated; that a blob is not there stands in a header, which is whole
    {.cluster = all_of(cluster("kusto.malformed_answer")),
     .blob = {kBroken, kBroken, again("storage.corrupt"),
              cell("storage.not_found", 2, "storage.not_found")},
     .queue = {kStrange, kNoAnswer, at_once("net.broken"),
               cell("storage.not_found", 2, "storage.not_found")},
     .lake = {looked_for(5), kLake, kLake, kLake, cell(kDone, 2, kDone)},
     .issuer = {kNoToken, at_the_door(kNoToken)}},
    // wrong_content_type
    {.cluster = all_of(cluster("kusto.malformed_answer")),
     .blob = {kFailed, kFailed, kFailed, kFailed},
     .queue = {kFailed, kFailed, kStrange, kFailed},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kNoToken, at_the_door(kNoToken)}},
    // throttled
    {.cluster = all_of(cluster("kusto.throttled")),
     .blob = {kBusy, kBusy, kBusy, kBusy},
     .queue = {kBusy, kBusy, kBusy, kBusy},
     .lake = {looked_for(4), kLake, kLake, kLake, kLake},
     .issuer = {again("identity.throttled"), again("identity.throttled")}},
    // busy
    {.cluster = all_of(cluster("kusto.unavailable")),
     .blob = {kBusy, kBusy, kBusy, kBusy},
     .queue = {kBusy, kBusy, kBusy, kBusy},
     .lake = {looked_for(4), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // failed_after
    {.cluster = all_of(cluster("kusto.unavailable")),
     .blob = {kFailed, kFailed, kFailed, gone("storage.unavailable")},
     .queue = {kFailed, kFailed, kStrange, gone("storage.unavailable")},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
    // error_in_200
    {.cluster = all_of(cluster("kusto.unavailable")),
     .blob = {kFailed, kFailed, kFailed, kFailed},
     .queue = {kFailed, kFailed, kStrange, kFailed},
     .lake = {looked_for(5), kLake, kLake, kLake, kLake},
     .issuer = {kNoToken, at_the_door(kNoToken)}},
    // expired_token: a cluster is asked once more with a new one
    {.cluster = all_of(cell("kusto.denied", 2, kDone)),
     .blob = {kDenied, kDenied, kDenied, kDenied},
     .queue = {kDenied, kDenied, kDenied, kDenied},
     .lake = {kLakeDenied, kLakeDenied, kLakeDenied, kLakeDenied, kLakeDenied},
     .issuer = {at_once("identity.refused"), at_once("identity.refused")}},
    // tls_stranger
    {.cluster = all_of(kUntrusted),
     .blob = {kUntrusted, kUntrusted, kUntrusted, kUntrusted},
     .queue = {kUntrusted, kUntrusted, kUntrusted, kUntrusted},
     .lake = all_of(kUntrusted),
     .issuer = {kUntrusted, kUntrusted}},
    // tls_wrong_name
    {.cluster = all_of(kUntrusted),
     .blob = {kUntrusted, kUntrusted, kUntrusted, kUntrusted},
     .queue = {kUntrusted, kUntrusted, kUntrusted, kUntrusted},
     .lake = all_of(kUntrusted),
     .issuer = {kUntrusted, kUntrusted}},
    // tls_old
    {.cluster = all_of(cluster("net.unreachable")),
     .blob = {kRefused, kRefused, kRefused, kRefused},
     .queue = {kRefused, kRefused, kRefused, kRefused},
     .lake = {looked_for(8), kLake, kLake, kLake, kLake},
     .issuer = {kIssuer, kIssuer}},
}};

constexpr bool is_whole(const Cell& cell) {
  return cell.sent > 0 && (cell.lasting == kDone || meaning_of(cell.lasting) != nullptr) &&
         (cell.once == kDone || meaning_of(cell.once) != nullptr);
}

constexpr bool has_no_empty_cell() {
  for (const auto& row : kRows) {
    for (const auto& one : row.cluster) {
      if (!is_whole(one)) return false;
    }
    for (const auto& one : row.blob) {
      if (!is_whole(one)) return false;
    }
    for (const auto& one : row.queue) {
      if (!is_whole(one)) return false;
    }
    for (const auto& one : row.lake) {
      if (!is_whole(one)) return false;
    }
    for (const auto& one : row.issuer) {
      if (!is_whole(one)) return false;
    }
  }
  return true;
}
static_assert(has_no_empty_cell(), "a fault without an outcome");

constexpr std::array<std::string_view, kSteps> kWords = {
    "query",     "command",    "export",       "ingest",      "operations",
    "blob put",  "blob get",   "blob list",    "blob delete", "queue put",
    "queue get", "queue hold", "queue delete", "lake create", "lake put",
    "lake get",  "lake list",  "lake delete",  "token",       "sign in"};

constexpr std::array<std::size_t, 6> kFirst = {0, 5, 9, 13, 18, kSteps};  // of each family

std::string text_of(const Cell& cell) {
  const auto code = [](std::string_view one) {
    return one == kDone ? std::string(one) : "`" + std::string(one) + "`";
  };
  auto text = code(cell.lasting);
  if (cell.sent > 1) text += " ×" + std::to_string(cell.sent);
  if (cell.once != cell.lasting) text += "; " + code(cell.once);
  return text;
}

std::string table_of(Family family) {
  const auto at = static_cast<std::size_t>(family);
  std::string text = "| fault |", line = "|---|";
  for (auto i = kFirst.at(at); i < kFirst.at(at + 1); ++i) {
    text += " " + std::string(kWords.at(i)) + " |";
    line += "---|";
  }
  text += "\n" + line + "\n";
  for (std::size_t fault = 0; fault < fakes::kFaults; ++fault) {
    text += "| " + std::string(fakes::to_string(static_cast<Fault>(fault))) + " |";
    for (auto i = kFirst.at(at); i < kFirst.at(at + 1); ++i)
      text += " " + text_of(outcome(static_cast<Fault>(fault), static_cast<Step>(i))) + " |";
    text += "\n";
  }
  return text;
}

}  // namespace

std::string_view to_string(Step step) { return kWords.at(static_cast<std::size_t>(step)); }

Family family_of(Step step) {
  const auto at = static_cast<std::size_t>(step);
  std::size_t family = 0;
  while (kFirst.at(family + 1) <= at) ++family;
  return static_cast<Family>(family);
}

const Cell& outcome(Fault fault, Step step) {
  const Row& row = kRows.at(static_cast<std::size_t>(fault));
  const auto family = family_of(step);
  const auto at = static_cast<std::size_t>(step) - kFirst.at(static_cast<std::size_t>(family));
  switch (family) {
    case Family::cluster:
      return row.cluster.at(at);
    case Family::blob:
      return row.blob.at(at);
    case Family::queue:
      return row.queue.at(at);
    case Family::lake:
      return row.lake.at(at);
    case Family::issuer:
      return row.issuer.at(at);
  }
  return row.cluster.front();
}

std::string page() {
  std::string text = "\n| code | kind |\n|---|---|\n";
  for (const auto& one : kMeanings)
    text += "| `" + std::string(one.code) + "` | " + std::string(to_string(one.kind)) + " |\n";
  constexpr std::array<std::string_view, 5> kTitles = {"A cluster", "Blobs", "Queues",
                                                       "A lake on blobs", "Tokens"};
  for (std::size_t i = 0; i < kTitles.size(); ++i)
    text += "\n### " + std::string(kTitles.at(i)) + "\n\n" + table_of(static_cast<Family>(i));
  return text + "\n";
}

}  // namespace kc::faults
