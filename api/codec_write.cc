#include <algorithm>

#include "api/codec.h"
#include "core/base/json.h"
#include "core/base/redact.h"

namespace kc::api {

namespace {

using json = nlohmann::ordered_json;

template <class T>
json nullable(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}
json time(const std::optional<Ticks>& at) {
  return at ? json(format_datetime(*at)) : json(nullptr);
}
json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json problem_json(const Problem& problem) {
  return {{"code", problem.code},
          {"detail", redact(problem.detail)},
          {"fix", problem.fix.empty() ? json(nullptr) : json(redact(problem.fix))},
          {"retryable", problem.retryable}};
}
json problem_json(const std::optional<Problem>& problem) {
  return problem ? problem_json(*problem) : json(nullptr);
}

// Always an object in answers, so that a typed client needs no union; what the clusters grant is
// not known here.
json slots_json(const SlotShare& share) {
  return {{"requested", write_slots(share)}, {"effective", nullptr}, {"capacity", nullptr}};
}

// As it was given: one, or a list.
json lake_json(const std::string& lakes) {
  if (lakes.find('\n') == lakes.npos) return redact(lakes);
  auto all = json::array();
  for (std::size_t at = 0; at <= lakes.size();) {
    const auto end = std::min(lakes.find('\n', at), lakes.size());
    all.push_back(redact(lakes.substr(at, end - at)));
    at = end + 1;
  }
  return all;
}

json spec_json(const JobSpec& spec) {
  return {
      {"lake", lake_json(spec.lake)},
      {"source", redact(spec.source)},
      {"destination", redact(spec.destination)},
      {"db", spec.db},
      {"destinationDb", spec.destination_db},
      {"tablesInclude", spec.tables_include},
      {"tablesExclude", spec.tables_exclude},
      {"querySlots", slots_json(spec.query_slots)},
      {"exportSlots", slots_json(spec.export_slots)},
      {"ingestionSlots", slots_json(spec.ingestion_slots)},
      {"continuous", spec.continuous},
      {"rpo", format_iso_duration(spec.rpo)},
      {"backfillHorizon",
       spec.backfill_horizon ? json(format_iso_duration(*spec.backfill_horizon)) : json(nullptr)},
      {"verbose", spec.verbose},
      {"format", to_string(spec.format)},
      {"ingest", to_string(spec.ingest)},
      {"onError", to_string(spec.on_error)},
      {"blockRowsMax", spec.block_rows_max},
      {"blockBytesMax", spec.block_bytes_max},
      {"maxFailures", spec.max_failures},
      {"setNewIngestionTime", spec.new_ingestion_time}};
}

json job_json(const service::Job& job) {
  const auto self = "/v1/jobs/" + job.spec.id;
  return {
      {"id", job.spec.id},
      {"uid", job.uid ? json(job.uid->text()) : json(nullptr)},
      {"state", to_string(job.state)},
      {"desiredState", job.cancel_wished ? "canceled" : "running"},
      {"phase", job.phase ? json(to_string(*job.phase)) : json(nullptr)},
      {"statusReason", redact(job.status_reason)},
      {"problem", problem_json(job.problem)},
      {"spec", spec_json(job.spec)},
      {"createdAt", format_datetime(job.created_at)},
      {"endedAt", time(job.ended_at)},
      {"revision", job.revision},
      {"links", {{"self", self}, {"progress", self + "/progress"}, {"cancel", self + "/cancel"}}}};
}

json stage_json(const StageProgress& stage) {
  return {{"name", stage.name},
          {"blocks", stage.blocks},
          {"rows", stage.rows},
          {"inFlight", stage.in_flight}};
}

json table_json(const TableProgress& table) {
  return {{"name", table.name},
          {"state", to_string(table.state)},
          {"stage", text_or_null(table.stage)},
          {"percent", nullable(table.percent)},
          {"rows", {{"total", nullable(table.rows_total)}, {"done", table.rows_done}}},
          {"problem", problem_json(table.problem)}};
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json actions(JobState state) {
  const bool open = !is_terminal(state) && state != JobState::canceling;
  return open ? json::array({"cancel"}) : json::array();
}

}  // namespace

std::string write_slots(const SlotShare& share) {
  return std::to_string(share.amount) + (share.percent ? "%" : "");
}

std::string write_job(const service::Job& job) { return dump(job_json(job)); }

std::string write_job_page(const service::JobPage& page, std::string_view next_token,
                           std::string_view next_link) {
  auto items = json::array();
  for (const auto& job : page.jobs) items.push_back(job_json(job));
  return dump({{"items", std::move(items)},
               {"nextPageToken", next_token},
               {"nextLink", next_link.empty() ? json(nullptr) : json(next_link)}});
}

std::string write_progress(const Progress& p) {
  json body{{"job", p.job},
            {"revision", p.revision},
            {"asOf", format_datetime(p.as_of)},
            {"state", to_string(p.state)},
            {"phase", to_string(p.phase)},
            {"statusReason", redact(p.status_reason)},
            {"percent", nullable(p.percent)}};
  body["totals"] = {{"final", p.totals_final},
                    {"rows", nullable(p.rows_total)},
                    {"sourceBytes", nullable(p.bytes_total)},
                    {"blocks", nullable(p.blocks_total)},
                    {"tables", p.tables_total}};
  body["done"] = {{"rows", p.rows_done},
                  {"blocks", p.blocks_done},
                  {"tables", p.tables_done},
                  {"lakeBytes", p.lake_bytes}};
  body["rates"] = {{"rowsPerSecondAverage", nullable(p.rows_per_second_average)}};
  body["eta"] = {{"seconds", nullable(p.eta_seconds)}};
  body["elapsedSeconds"] = p.elapsed_seconds;
  body["lastAdvanceAt"] = time(p.last_advance_at);
  body["stages"] = json::array();
  for (const auto& stage : p.stages) body["stages"].push_back(stage_json(stage));
  body["slots"] = json::array();
  for (const auto& slot : p.slots) {
    body["slots"].push_back({{"cluster", slot.cluster},
                             {"kind", slot.kind},
                             {"used", slot.used},
                             {"limit", nullable(slot.limit)}});
  }
  body["errors"] = {{"open", p.problems.size()}, {"retried", p.retried}};
  body["problems"] = json::array();
  for (const auto& each : p.problems) body["problems"].push_back(problem_json(each));
  body["tables"] = json::array();
  for (const auto& table : p.tables) {
    if (body["tables"].size() == kProgressTablesMax) break;
    body["tables"].push_back(table_json(table));
  }
  body["tablesTruncated"] = p.tables_truncated || p.tables.size() > kProgressTablesMax;
  body["actions"] = actions(p.state);
  return dump(body);
}

}  // namespace kc::api
