#include "core/engine/dm/queue_message.h"

#include <array>

#include "core/azure/encoding.h"
#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace kc::engine {
namespace {

using nlohmann::json;

constexpr std::size_t kMessageBytesMax = 128u << 10;
constexpr std::size_t kIdLengthMax = 200;
constexpr std::string_view kToken = "authorizationcontext";
constexpr std::string_view kOperation = "queuedoperation";

using Members = std::map<std::string, const json*>;

Members members_of(const json& object) {
  Members members;
  if (!object.is_object()) return members;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null()) members[lower(name)] = &value;
  }
  return members;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, json::error_handler_t::replace);
}
std::string text(const Members& members, const char* name) {
  const auto at = members.find(name);
  return at == members.end() ? std::string() : text_of(*at->second);
}
bool flag(const Members& members, const char* name) { return lower(text(members, name)) == "true"; }

// A number, its text, or a word: `2`, "2", "FailuresAndSuccesses".
template <std::size_t N>
std::optional<std::size_t> choice(const Members& members, const char* name,
                                  const std::array<std::string_view, N>& words) {
  const auto value = lower(text(members, name));
  if (value.empty()) return 0;
  for (std::size_t i = 0; i < N; ++i) {
    if (value == words[i] || value == std::to_string(i)) return i;
  }
  return std::nullopt;
}

class Reader {
 public:
  DecodedMessage read(std::string_view text) {
    const auto body = object_of(text);
    if (!body.is_object()) {
      wrong("BadRequest_CorruptedMessage", "the message is no base64 of a JSON object");
      return std::move(out_);
    }
    const auto members = members_of(body);
    read_source(members);
    read_reporting(members);
    read_properties(members);
    return std::move(out_);
  }

 private:
  static json object_of(std::string_view text) {
    if (text.size() > kMessageBytesMax) return nullptr;
    const auto start = text.find_first_not_of(" \t\r\n");
    if (start != std::string_view::npos && text[start] == '{')
      return json::parse(text, nullptr, false);
    const auto bytes = unbase64(text);
    return bytes ? json::parse(*bytes, nullptr, false) : json(nullptr);
  }

  // The first thing that is wrong is what is told.
  void wrong(const char* code, const std::string& what) {
    if (!out_.problem) out_.problem = ingestion_error(code, what);
  }

  void read_source(const Members& members) {
    auto& message = out_.message;
    message.id = text(members, "id");
    message.blob = text(members, "blobpath");
    message.database = text(members, "databasename");
    message.table = text(members, "tablename");
    message.created = text(members, "sourcemessagecreationtime");
    message.retain_blob = flag(members, "retainblobonsuccess");
    message.flush = flag(members, "flushimmediately");
    if (const auto at = members.find("rawdatasize"); at != members.end()) {
      if (at->second->is_number_integer() && at->second->get<std::int64_t>() > 0)
        message.raw_size = at->second->get<std::int64_t>();
    }
    if (message.id.empty() || message.id.size() > kIdLengthMax)
      wrong("BadRequest_CorruptedMessage", "the message has no id of its source");
    if (message.blob.empty()) wrong("BadRequest_EmptyBlobUri", "the message names no blob");
    if (message.database.empty())
      wrong("BadRequest_EmptyDatabaseName", "the message names no database");
    if (message.table.empty())
      wrong("BadRequest_InvalidOrEmptyTableName", "the message names no table");
  }

  void read_reporting(const Members& members) {
    auto& message = out_.message;
    constexpr std::array<std::string_view, 3> kLevels = {"failuresonly", "none",
                                                         "failuresandsuccesses"};
    constexpr std::array<std::string_view, 3> kMethods = {"queue", "table", "queueandtable"};
    const auto level = choice(members, "reportlevel", kLevels);
    const auto method = choice(members, "reportmethod", kMethods);
    if (level && method) {
      message.level = static_cast<ReportLevel>(*level);
      message.method = static_cast<ReportMethod>(*method);
    } else {
      wrong("BadRequest_CorruptedMessage", "the report level or method is unknown");
    }
    const auto at = members.find("ingestionstatusintable");
    if (at == members.end() || !at->second->is_object()) return;
    const auto place = members_of(*at->second);
    message.status = StatusPlace{text(place, "tableconnectionstring"), text(place, "partitionkey"),
                                 text(place, "rowkey")};
  }

  void read_properties(const Members& members) {
    const auto at = members.find("additionalproperties");
    if (at == members.end()) return;
    if (!at->second->is_object()) {
      wrong("BadRequest_MalformedIngestionProperty", "AdditionalProperties is no object");
      return;
    }
    for (const auto& [name, value] : members_of(*at->second))
      out_.message.properties[name] = text_of(*value);
    const auto take = [&](std::string_view name, std::string& to) {
      const auto found = out_.message.properties.find(std::string(name));
      if (found == out_.message.properties.end()) return;
      to = found->second;
      out_.message.properties.erase(found);
    };
    take(kToken, out_.message.token);
    take(kOperation, out_.message.operation);
  }

  DecodedMessage out_;
};

}  // namespace

Error ingestion_error(std::string code, const std::string& what) {
  Error error{.kind = ErrorKind::invalid, .code = "engine.ingest", .message = {}};
  error.message = code + ": " + what;
  error.service_code = std::move(code);
  return error;
}

DecodedMessage decode_message(std::string_view text) { return Reader().read(text); }

std::string encode_message(const IngestMessage& message) {
  json properties = message.properties;
  properties["authorizationContext"] = message.token;
  if (!message.operation.empty()) properties[std::string(kOperation)] = message.operation;
  json body = {{"Id", message.id},
               {"BlobPath", message.blob},
               {"DatabaseName", message.database},
               {"TableName", message.table},
               {"RetainBlobOnSuccess", message.retain_blob},
               {"FlushImmediately", message.flush},
               {"ReportLevel", static_cast<int>(message.level)},
               {"ReportMethod", static_cast<int>(message.method)},
               {"SourceMessageCreationTime", message.created},
               {"AdditionalProperties", properties}};
  if (message.raw_size) body["RawDataSize"] = *message.raw_size;
  return base64(body.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace kc::engine
