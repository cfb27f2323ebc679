#include "core/engine/dm/outcome.h"

#include "core/azure/encoding.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/redact.h"

namespace kc::engine {
namespace {

using nlohmann::json;
using Type = azure::EntityValue::Type;
using Status = Outcome::Status;

constexpr std::size_t kDetailsMax = 4000;

std::string details_of(const Error& error) { return redact(error.message).substr(0, kDetailsMax); }

std::string status_word(Status status) {
  switch (status) {
    case Status::succeeded:
      return "Succeeded";
    case Status::skipped:
      return "Skipped";
    case Status::failed:
      return "Failed";
  }
  return "Failed";
}

// The place that the message names, if it is in our own table.
bool is_ours(const StatusPlace& place, const azure::Table& table) {
  const auto address = azure::parse_resource_address(place.table);
  return address && address->name == table.name() && !place.partition.empty();
}

}  // namespace

bool is_passing(const Error& error) {
  switch (error.kind) {
    case ErrorKind::throttled:
    case ErrorKind::unavailable:
    case ErrorKind::cancelled:
      return true;
    default:
      return false;
  }
}

std::string failure_status(const Error& error, bool exhausted) {
  if (!is_passing(error)) return "Permanent";
  return exhausted ? "Exhausted" : "Transient";
}

std::string error_code(const Error& error) {
  const auto& code = error.service_code;
  for (const auto* family :
       {"BadRequest_", "Stream_", "Download_", "General_", "UpdatePolicy_", "Schema_"}) {
    if (code.starts_with(family)) return code;
  }
  switch (error.kind) {
    case ErrorKind::not_found:
      return "BadRequest_EntityNotFound";
    case ErrorKind::throttled:
      return "General_ThrottledIngestion";
    case ErrorKind::unavailable:
    case ErrorKind::cancelled:
    case ErrorKind::corrupt:
      return "General_InternalServerError";
    case ErrorKind::denied:
      return "Forbidden";
    default:
      return "General_BadRequest";
  }
}

std::string shown_path(const std::string& blob) {
  const auto address = azure::parse_blob_address(blob);
  return address ? address->url() : redact(blob.substr(0, blob.find_first_of("?;")));
}

Result<void> Outcomes::tell(const IngestMessage& message, const Outcome& outcome) {
  if (!message.operation.empty()) KC_CHECK_OK(tell_operation(message, outcome));
  const bool failed = outcome.status == Status::failed;
  if (message.level == ReportLevel::none) return {};
  if (!failed && message.level == ReportLevel::failures) return {};
  if (message.method != ReportMethod::queue) KC_CHECK_OK(tell_table(message, outcome));
  if (message.method != ReportMethod::table) KC_CHECK_OK(tell_queue(message, outcome));
  return {};
}

Result<void> Outcomes::tell_table(const IngestMessage& message, const Outcome& outcome) {
  if (!message.status || !is_ours(*message.status, statuses_)) return {};
  azure::Entity entity{{message.status->partition, message.status->row}, {}};
  auto& values = entity.values;
  values["Status"] = {Type::string_, status_word(outcome.status)};
  values["Database"] = {Type::string_, message.database};
  values["Table"] = {Type::string_, message.table};
  values["IngestionSourcePath"] = {Type::string_, shown_path(message.blob)};
  values["UpdatedOn"] = {Type::datetime_, format_datetime(outcome.at)};
  values["OperationId"] = {Type::guid_, outcome.operation.text()};
  values["ActivityId"] = {Type::guid_, outcome.activity.text()};
  values["OriginatesFromUpdatePolicy"] = {Type::boolean_, "false"};
  const bool is_guid = Uuid::parse(message.id).has_value();
  values["IngestionSourceId"] = {is_guid ? Type::guid_ : Type::string_, message.id};
  if (outcome.error) {
    values["ErrorCode"] = {Type::string_, error_code(*outcome.error)};
    values["FailureStatus"] = {Type::string_, failure_status(*outcome.error, outcome.exhausted)};
    values["Details"] = {Type::string_, details_of(*outcome.error)};
  }
  return statuses_.merge(entity);
}

Result<void> Outcomes::tell_queue(const IngestMessage& message, const Outcome& outcome) {
  json body = {{"OperationId", outcome.operation.text()},
               {"Database", message.database},
               {"Table", message.table},
               {"IngestionSourceId", message.id},
               {"IngestionSourcePath", shown_path(message.blob)},
               {"RootActivityId", outcome.activity.text()}};
  const bool failed = outcome.status == Status::failed;
  body[failed ? "FailedOn" : "SucceededOn"] = format_datetime(outcome.at);
  if (failed && outcome.error) {
    body["Details"] = details_of(*outcome.error);
    body["ErrorCode"] = error_code(*outcome.error);
    body["FailureStatus"] = failure_status(*outcome.error, outcome.exhausted);
    body["OriginatesFromUpdatePolicy"] = false;
    body["ShouldRetry"] = is_passing(*outcome.error);
  }
  const auto text = base64(body.dump(-1, ' ', false, json::error_handler_t::replace));
  return (failed ? failed_ : successful_).put(text);
}

Result<void> Outcomes::tell_operation(const IngestMessage& message, const Outcome& outcome) {
  azure::Entity entity{{message.operation, message.id}, {}};
  auto& values = entity.values;
  const bool failed = outcome.status == Status::failed;
  values["Status"] = {Type::string_, failed ? "Failed" : "Succeeded"};
  values["CompletedAt"] = {Type::datetime_, format_datetime(outcome.at)};
  if (failed && outcome.error) {
    values["ErrorCode"] = {Type::string_, error_code(*outcome.error)};
    values["FailureStatus"] = {Type::string_, failure_status(*outcome.error, outcome.exhausted)};
    values["Details"] = {Type::string_, details_of(*outcome.error)};
  }
  return operations_.merge(entity);
}

}  // namespace kc::engine
