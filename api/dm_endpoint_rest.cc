#include "api/dm_endpoint_rest.h"

#include <algorithm>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/engine/dm/data_management.h"

namespace kc::api {
namespace {

using engine::ingestion_error;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t kDataBytesMax = 6'442'450'944;  // of one blob, as the service says

Failure malformed(const std::string& what) {
  return fail(ingestion_error("BadRequest_MalformedIngestionProperty", what));
}

// Members by their lower-case names: the SDKs differ in case.
std::map<std::string, json> members_of(const json& object) {
  std::map<std::string, json> members;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null()) members[lower(name)] = value;
  }
  return members;
}

Result<bool> flag(const std::string& name, const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return malformed("'" + name + "' is neither true nor false");
}

// Lists and objects go on as their JSON text, as the queue's messages have them.
Result<void> read_property(const std::string& name, const json& value, engine::QueuedWish& wish) {
  if (name == "enabletracking") {
    KC_TRY(wish.tracked, flag(name, value));
  } else if (name == "skipbatching") {
    KC_TRY(wish.skip_batching, flag(name, value));
  } else if (name == "deleteafterdownload") {
    KC_TRY(wish.remove_blobs, flag(name, value));
  } else {
    if (name == "tags" || name == "ingestifnotexists") {
      const bool texts = value.is_array() && std::all_of(value.begin(), value.end(),
                                                         [](auto& one) { return one.is_string(); });
      if (!texts) return malformed("'" + name + "' is no list of texts");
    }
    wish.properties[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return {};
}

Result<engine::IngestMessage> read_blob(engine::DataManagement& management, const json& blob) {
  if (!blob.is_object()) return malformed("a blob is no object");
  const auto members = members_of(blob);
  engine::IngestMessage message;
  const auto url = members.find("url"), id = members.find("sourceid"),
             size = members.find("rawsize");
  if (url == members.end() || !url->second.is_string() || url->second == "")
    return fail(ingestion_error("BadRequest_EmptyBlobUri", "a blob has no url"));
  message.blob = url->second.get<std::string>();
  message.id = management.engine().new_id().text();
  if (id != members.end()) {
    const auto given = id->second.is_string() ? Uuid::parse(id->second.get<std::string>())
                                              : Result<Uuid>(malformed("no guid"));
    if (!given) return malformed("'sourceId' is no guid");
    message.id = given->text();
  }
  if (size != members.end()) {
    if (!size->second.is_number_integer() || size->second.get<std::int64_t>() < 0)
      return malformed("'rawSize' is no number of bytes");
    if (size->second.get<std::int64_t>() > 0) message.raw_size = size->second.get<std::int64_t>();
  }
  return message;
}

Result<void> check_table(engine::DataManagement& management, const engine::QueuedWish& wish) {
  const auto answer =
      management.engine().command(wish.database, ".show tables | project TableName");
  if (!answer) return fail(ingestion_error("BadRequest_DatabaseNotExist", answer.error().message));
  const auto rows = engine::decode(answer->tables.front());
  if (!rows) return fail(rows.error());
  for (const auto& row : rows->rows) {
    const auto* name = std::get_if<std::string>(&row.front());
    if (name != nullptr && *name == wish.table) return {};
  }
  return fail(ingestion_error("BadRequest_TableNotExist",
                              "there is no table '" + wish.table + "' in '" + wish.database + "'"));
}

}  // namespace

Result<std::string> queue_blobs(engine::DataManagement& management, const std::string& database,
                                const std::string& table, const std::string& body) {
  const auto request = json::parse(body, nullptr, false);
  if (!request.is_object())
    return fail(ingestion_error("BadRequest_SyntaxError", "the body is no JSON object"));
  const auto members = members_of(request);
  engine::QueuedWish wish;
  wish.database = database;
  wish.table = table;
  const auto properties = members.find("properties"), blobs = members.find("blobs");
  if (properties == members.end() || !properties->second.is_object())
    return malformed("'properties' is missing or no object");
  for (const auto& [name, value] : members_of(properties->second))
    KC_CHECK_OK(read_property(name, value, wish));
  if (!wish.properties.contains("format")) return malformed("'format' is missing");
  if (blobs == members.end() || !blobs->second.is_array() || blobs->second.empty())
    return fail(ingestion_error("BadRequest_EmptyBlobUri", "'blobs' is missing or empty"));
  if (blobs->second.size() > kBlobsPerRequestMax)
    return malformed("more than " + std::to_string(kBlobsPerRequestMax) + " blobs in one request");
  for (const auto& blob : blobs->second) {
    KC_TRY(auto message, read_blob(management, blob));
    wish.blobs.push_back(std::move(message));
  }
  KC_CHECK_OK(check_table(management, wish));
  KC_TRY(const auto id, management.enqueue(wish));
  return json{{"ingestionOperationId", id}}.dump();
}

Result<std::string> queued_state(engine::DataManagement& management, const std::string& id,
                                 bool details) {
  KC_TRY(const auto operation, management.operation(id));
  ordered_json body = {{"startTime", operation.started},
                       {"lastUpdated", operation.updated},
                       {"status",
                        {{"Succeeded", operation.count("Succeeded")},
                         {"Failed", operation.count("Failed")},
                         {"InProgress", operation.count("Pending")},
                         {"Canceled", operation.count("Canceled")}}}};
  if (!details) return body.dump();
  body["details"] = ordered_json::array();
  for (const auto& blob : operation.blobs) {
    body["details"].push_back(
        {{"sourceId", blob.id},
         {"url", blob.url},
         {"status", blob.status == "Pending" ? "Queued" : blob.status},
         {"startTime", blob.started},
         {"lastUpdated", blob.completed.empty() ? blob.started : blob.completed},
         {"errorCode", blob.error_code},
         {"failureStatus", blob.failure_status},
         {"details", blob.details}});
  }
  return body.dump();
}

std::string ingestion_configuration(engine::DataManagement& management) {
  ordered_json containers = ordered_json::array();
  for (const auto& resource : management.resources()) {
    if (resource.kind == "TempStorage") containers.push_back({{"path", resource.root}});
  }
  return ordered_json{{"containerSettings",
                       {{"containers", containers},
                        {"lakeFolders", ordered_json::array()},
                        {"refreshInterval", "01:00:00"},
                        {"preferredUploadMethod", "Storage"}}},
                      {"ingestionSettings",
                       {{"maxBlobsPerBatch", kBlobsPerRequestMax},
                        {"maxDataSize", kDataBytesMax},
                        {"preferredIngestionMethod", "Rest"}}}}
      .dump();
}

}  // namespace kc::api
