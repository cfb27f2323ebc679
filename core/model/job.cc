#include "core/model/job.h"

#include "core/base/check.h"

namespace kc {
namespace {

template <class Enum>
std::optional<Enum> parse_word(std::string_view word, int count) {
  for (int i = 0; i < count; ++i) {
    if (to_string(static_cast<Enum>(i)) == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::pending:
      return "pending";
    case JobState::blocked:
      return "blocked";
    case JobState::running:
      return "running";
    case JobState::pausing:
      return "pausing";
    case JobState::paused:
      return "paused";
    case JobState::canceling:
      return "canceling";
    case JobState::canceled:
      return "canceled";
    case JobState::succeeded:
      return "succeeded";
    case JobState::failed:
      return "failed";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(JobPhase phase) {
  switch (phase) {
    case JobPhase::preflight:
      return "preflight";
    case JobPhase::schema:
      return "schema";
    case JobPhase::planning:
      return "planning";
    case JobPhase::backfill:
      return "backfill";
    case JobPhase::replicating:
      return "replicating";
    case JobPhase::verifying:
      return "verifying";
    case JobPhase::finalizing:
      return "finalizing";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(TableState state) {
  switch (state) {
    case TableState::waiting:
      return "waiting";
    case TableState::running:
      return "running";
    case TableState::done:
      return "done";
    case TableState::failed:
      return "failed";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(ExportFormat format) {
  switch (format) {
    case ExportFormat::csv:
      return "csv";
    case ExportFormat::parquet:
      return "parquet";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(FormatChoice choice) {
  switch (choice) {
    case FormatChoice::auto_:
      return "auto";
    case FormatChoice::csv:
      return "csv";
    case FormatChoice::parquet:
      return "parquet";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(IngestChoice choice) {
  switch (choice) {
    case IngestChoice::auto_:
      return "auto";
    case IngestChoice::direct:
      return "direct";
    case IngestChoice::queued:
      return "queued";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(OnError choice) {
  switch (choice) {
    case OnError::continue_:
      return "continue";
    case OnError::stop:
      return "stop";
  }
  KC_UNREACHABLE();
}

std::optional<JobState> parse_job_state(std::string_view word) {
  return parse_word<JobState>(word, 9);
}
std::optional<FormatChoice> parse_format_choice(std::string_view word) {
  return parse_word<FormatChoice>(word, 3);
}
std::optional<ExportFormat> parse_export_format(std::string_view word) {
  return parse_word<ExportFormat>(word, 2);
}
std::optional<IngestChoice> parse_ingest_choice(std::string_view word) {
  return parse_word<IngestChoice>(word, 3);
}
std::optional<OnError> parse_on_error(std::string_view word) {
  return parse_word<OnError>(word, 2);
}

bool is_valid_job_id(std::string_view id) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  if (id.empty() || id.size() > 63 || !letter_or_digit(id.front())) return false;
  for (const char c : id) {
    if (!letter_or_digit(c) && c != '-') return false;
  }
  return true;
}

}  // namespace kc
