#include "core/pipeline/opening.h"

#include <utility>
#include <vector>

#include "core/base/redact.h"
#include "core/lake/lake_address.h"

namespace kc::pipeline {
namespace {

// Of several lakes the places alone: where a folder is follows from their list, and a SAS that was
// renewed is no other list.
std::string places_of(const std::string& text) {
  const auto lakes = parse_lakes(text);
  if (!lakes) return redact(text);
  std::string places;
  for (const auto& lake : *lakes) places += (places.empty() ? "" : "\n") + lake.describe();
  return places;
}

// What goes into the lake says where, never with which secret.
JobSpec without_secrets(JobSpec spec) {
  if (has_several_lakes(spec.lake)) spec.lake = places_of(spec.lake);
  for (std::string* text : {&spec.lake, &spec.source, &spec.destination}) *text = redact(*text);
  return spec;
}

// The first field in which the two differ, as the user wrote it; empty if none. Slots may change at
// any time.
std::string difference(const JobSpec& a, const JobSpec& b) {
  if (a.lake != b.lake && (has_several_lakes(a.lake) || has_several_lakes(b.lake))) return "lake";
  if (a.source != b.source) return "source";
  if (a.destination != b.destination) return "destination";
  if (a.db != b.db) return "db";
  if (a.destination_db != b.destination_db) return "destinationDb";
  if (a.tables_include != b.tables_include) return "tablesInclude";
  if (a.tables_exclude != b.tables_exclude) return "tablesExclude";
  if (a.format != b.format) return "format";
  return {};
}

Failure missing(const JobWish& wish, const Lake& lake) {
  return fail(Error{
      .kind = ErrorKind::conflict,
      .code = "checkpoint.missing",
      .message = "job '" + wish.spec.id +
                 "' has made progress before, but its checkpoint is not in " + lake.describe(),
      .fix = "restore the lake folder, or give the job a new id to copy from the beginning"});
}

Failure of_another(const Lake& lake, const std::string& field) {
  return fail(Error{.kind = ErrorKind::conflict,
                    .code = "job.exists",
                    .message = "the lake folder " + lake.describe() +
                               " belongs to a job with another '" + field + "'",
                    .fix = "use another lake folder or another job id"});
}

}  // namespace

Result<OpenedJob> open_job(const JobWish& wish, std::unique_ptr<Lake> lake,
                           const std::string& holder, const Clock& clock,
                           const std::function<Uuid()>& new_id) {
  OpenedJob job;
  job.lake = std::move(lake);
  KC_TRY(job.lease, job.lake->acquire_lease(holder));
  KC_TRY(const auto files, job.lake->list(kJournalFolder));
  Ledger& ledger = job.ledger;
  const JobSpec spec = without_secrets(wish.spec);
  if (files.empty()) {
    if (wish.progress_known) return missing(wish, *job.lake);
    const std::vector<Record> first{
        record::JobCreated{.spec = spec, .uid = new_id(), .at = clock.now()}};
    for (const Record& record : first) KC_CHECK_OK(ledger.apply(record));
    KC_TRY(job.journal, Journal::create(*job.lake, new_id(), first));
    return job;
  }
  const JournalReplay replay{
      .begin = [&ledger] { ledger = Ledger{}; },
      .apply = [&ledger](const Record& record) { return ledger.apply(record); }};
  KC_CHECK_OK(Journal::read_only(*job.lake, replay));
  const bool retry = ledger.state == JobState::failed && wish.resume_failed;
  // A job that failed before it began anything may be corrected.
  const bool may_change = retry && ledger.iteration == 0;
  const std::string field = difference(spec, ledger.spec);
  if (!field.empty() && !may_change) return of_another(*job.lake, field);
  if (is_terminal(ledger.state) && !retry) return job;
  if (retry) job.resume = may_change ? spec : ledger.spec;
  KC_TRY(job.journal, Journal::open(*job.lake, new_id(), clock.now(), replay));
  return job;
}

}  // namespace kc::pipeline
