#include "server/cli/client.h"

#include "core/base/json.h"

namespace kc::server {
namespace {

using nlohmann::json;

Failure malformed(const std::string& what) {
  return fail(ErrorKind::corrupt, "client.malformed_answer", "the service's answer has no " + what);
}

JobPhase phase_of(const std::string& word) {
  for (const JobPhase phase :
       {JobPhase::preflight, JobPhase::schema, JobPhase::planning, JobPhase::backfill,
        JobPhase::replicating, JobPhase::verifying, JobPhase::finalizing}) {
    if (word == to_string(phase)) return phase;
  }
  return JobPhase::preflight;
}

template <class T>
std::optional<T> known(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<T>());
}

std::optional<Problem> problem_of(const json& value) {
  if (!value.is_object()) return std::nullopt;
  return Problem{.code = value.value("code", ""),
                 .detail = value.value("detail", ""),
                 .fix = value.contains("fix") && value["fix"].is_string()
                            ? value["fix"].get<std::string>()
                            : "",
                 .retryable = value.value("retryable", false)};
}

TableProgress table_of(const json& table) {
  TableProgress progress;
  progress.name = table.at("name").get<std::string>();
  const auto state = table.at("state").get<std::string>();
  for (const TableState each :
       {TableState::waiting, TableState::running, TableState::done, TableState::failed}) {
    if (state == to_string(each)) progress.state = each;
  }
  progress.stage = known<std::string>(table.at("stage")).value_or("");
  progress.percent = known<double>(table.at("percent"));
  progress.rows_total = known<std::int64_t>(table.at("rows").at("total"));
  progress.rows_done = table.at("rows").at("done").get<std::int64_t>();
  progress.problem = problem_of(table.at("problem"));
  return progress;
}

// What the output shows; the rest of the document stays unread.
Progress progress_of(const json& body) {
  Progress progress;
  progress.job = body.at("job").get<std::string>();
  progress.revision = body.at("revision").get<std::uint64_t>();
  progress.as_of = parse_datetime(body.at("asOf").get<std::string>()).value_or(Ticks{});
  progress.state = parse_job_state(body.at("state").get<std::string>()).value_or(JobState::pending);
  progress.phase = phase_of(body.at("phase").get<std::string>());
  progress.status_reason = body.at("statusReason").get<std::string>();
  progress.percent = known<double>(body.at("percent"));
  const json& totals = body.at("totals");
  progress.rows_total = known<std::int64_t>(totals.at("rows"));
  progress.blocks_total = known<std::int64_t>(totals.at("blocks"));
  progress.tables_total = totals.at("tables").get<std::int64_t>();
  const json& done = body.at("done");
  progress.rows_done = done.at("rows").get<std::int64_t>();
  progress.blocks_done = done.at("blocks").get<std::int64_t>();
  progress.tables_done = done.at("tables").get<std::int64_t>();
  progress.rows_per_second_average = known<double>(body.at("rates").at("rowsPerSecondAverage"));
  progress.eta_seconds = known<double>(body.at("eta").at("seconds"));
  progress.elapsed_seconds = body.at("elapsedSeconds").get<double>();
  for (const json& table : body.at("tables")) progress.tables.push_back(table_of(table));
  for (const json& each : body.at("problems")) {
    if (auto problem = problem_of(each)) progress.problems.push_back(std::move(*problem));
  }
  return progress;
}

}  // namespace

std::string Client::curl_of_create(const std::string& body) const {
  return "curl -s --json '" + body + "' " + url_ + "/v1/jobs";
}

std::string Client::curl_of_progress(const std::string& id) const {
  return "curl -s " + url_ + "/v1/jobs/" + id + "/progress";
}

Result<net::HttpAnswer> Client::ask(net::Method method, const std::string& path, std::string body) {
  net::HttpCall call{.method = method, .url = url_ + path};
  if (!body.empty()) call.headers.push_back({"Content-Type", "application/json"});
  call.body = std::move(body);
  call.deadline = Timespan::seconds(30);
  call.repeatable = method == net::Method::get;
  KC_TRY(auto answer, transport_.exchange(call));
  if (answer.status < 400) return answer;
  const json problem = json::parse(answer.body, nullptr, false);
  if (!problem.is_object())
    return fail(ErrorKind::unavailable, "client.unexpected_status",
                "the service answered " + std::to_string(answer.status));
  return fail(answer.status >= 500 ? ErrorKind::unavailable : ErrorKind::invalid,
              problem.value("code", "client.unexpected_status"),
              problem.value("detail", "the service refused"));
}

Result<std::string> Client::create_job(const std::string& body) {
  KC_TRY(const auto answer, ask(net::Method::post, "/v1/jobs", body));
  const json job = json::parse(answer.body, nullptr, false);
  if (!job.is_object() || !job.contains("id")) return malformed("id");
  return job["id"].get<std::string>();
}

Result<Progress> Client::progress(const std::string& id) {
  KC_TRY(const auto answer, ask(net::Method::get, "/v1/jobs/" + id + "/progress", {}));
  try {
    return progress_of(json::parse(answer.body));
  } catch (const json::exception& error) {
    return malformed(std::string("progress as it should be (") + error.what() + ")");
  }
}

}  // namespace kc::server
