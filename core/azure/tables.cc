#include "core/azure/tables.h"

#include "core/base/json.h"

namespace kc::azure {
namespace {

using nlohmann::json;
using Type = EntityValue::Type;

const net::Header kJson{"Content-Type", "application/json"};
const net::Header kAccept{"Accept", "application/json;odata=minimalmetadata"};
constexpr std::string_view kTypeMark = "@odata.type";

std::string odata_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// Numbers of 64 bits are strings there; a type is named where the JSON alone does not tell it.
void put_value(json& to, const std::string& name, const EntityValue& value) {
  const auto typed = [&](const char* type) {
    to[name + std::string(kTypeMark)] = type;
    to[name] = value.text;
  };
  switch (value.type) {
    case Type::string_:
      to[name] = value.text;
      return;
    case Type::boolean_:
      to[name] = value.text == "true";
      return;
    case Type::int32_: {
      const auto number = json::parse(value.text, nullptr, false);
      to[name] = number.is_number_integer() ? number : json(0);
      return;
    }
    case Type::int64_:
      return typed("Edm.Int64");
    case Type::double_:
      return typed("Edm.Double");
    case Type::datetime_:
      return typed("Edm.DateTime");
    case Type::guid_:
      return typed("Edm.Guid");
  }
}

std::string body_of(const Entity& entity, bool with_keys) {
  json body = json::object();
  if (with_keys) {
    body["PartitionKey"] = entity.key.partition;
    body["RowKey"] = entity.key.row;
  }
  for (const auto& [name, value] : entity.values) put_value(body, name, value);
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

EntityValue value_of(const json& object, const std::string& name, const json& value) {
  const auto mark = object.find(name + std::string(kTypeMark));
  const std::string type =
      mark != object.end() && mark->is_string() ? mark->get<std::string>() : std::string();
  if (value.is_boolean()) return {Type::boolean_, value.get<bool>() ? "true" : "false"};
  if (value.is_number_integer())
    return {type == "Edm.Int64" ? Type::int64_ : Type::int32_, value.dump()};
  if (value.is_number()) return {Type::double_, value.dump()};
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (type == "Edm.Int64") return {Type::int64_, text};
  if (type == "Edm.DateTime") return {Type::datetime_, text};
  if (type == "Edm.Guid") return {Type::guid_, text};
  if (type == "Edm.Double") return {Type::double_, text};
  return {Type::string_, text};
}

Entity entity_of(const json& object) {
  Entity entity;
  for (const auto& [name, value] : object.items()) {
    if (name == "PartitionKey" && value.is_string())
      entity.key.partition = value.get<std::string>();
    else if (name == "RowKey" && value.is_string())
      entity.key.row = value.get<std::string>();
    else if (name != "Timestamp" && name.find("odata.") == std::string::npos && !value.is_null())
      entity.values[name] = value_of(object, name, value);
  }
  return entity;
}

Failure no_entity(const std::string& what) {
  return fail(ErrorKind::corrupt, "storage.corrupt", what + ": the answer is no entity");
}

}  // namespace

std::string filter_literal(std::string_view text) { return odata_quoted(text); }

Table::Table(net::Transport& transport, const Clock& clock, std::string endpoint,
             Credential credential, std::string name, LineOptions options)
    : line_(transport, clock, std::move(endpoint), std::move(credential), Line::Service::table,
            std::move(options)),
      name_(std::move(name)) {}

std::string Table::entity_path(const EntityKey& key) const {
  return "/" + name_ + "(PartitionKey=" + percent_encode(odata_quoted(key.partition), "'") +
         ",RowKey=" + percent_encode(odata_quoted(key.row), "'") + ")";
}

Result<bool> Table::create() {
  StorageCall call{.method = net::Method::post, .path = "/Tables"};
  call.headers = {kJson, kAccept};
  call.body = json{{"TableName", name_}}.dump();
  KC_TRY(const auto answer, line_.send(call, {201, 204, 409}, "making table " + name_));
  if (answer.status == 409 && error_code_of(answer) != "TableAlreadyExists")
    return fail(ErrorKind::conflict, "storage.conflict",
                "making table " + name_ + ": " + error_code_of(answer));
  return answer.status != 409;
}

Result<void> Table::remove() {
  StorageCall call{.method = net::Method::delete_, .path = "/Tables('" + name_ + "')"};
  call.headers = {kJson, kAccept};
  KC_CHECK_OK(line_.send(call, {204}, "removing table " + name_));
  return {};
}

Result<void> Table::insert(const Entity& entity) {
  StorageCall call{.method = net::Method::post, .path = "/" + name_};
  call.headers = {kJson, kAccept, {"Prefer", "return-no-content"}};
  call.body = body_of(entity, true);
  call.repeatable = false;
  KC_CHECK_OK(line_.send(call, {201, 204}, "writing to table " + name_));
  return {};
}

Result<void> Table::merge(const Entity& entity) {
  StorageCall call{.method = net::Method::patch, .path = entity_path(entity.key)};
  call.headers = {kJson, kAccept};
  call.body = body_of(entity, true);
  KC_CHECK_OK(line_.send(call, {204}, "writing to table " + name_));
  return {};
}

Result<Entity> Table::get(const EntityKey& key) {
  const auto what = "reading table " + name_;
  StorageCall call{.path = entity_path(key)};
  call.headers = {kAccept};
  KC_TRY(const auto answer, line_.send(call, {200}, what));
  const auto body = json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return no_entity(what);
  return entity_of(body);
}

Result<void> Table::remove(const EntityKey& key) {
  StorageCall call{.method = net::Method::delete_, .path = entity_path(key)};
  call.headers = {kJson, kAccept, {"If-Match", "*"}};
  KC_CHECK_OK(line_.send(call, {204}, "removing from table " + name_));
  return {};
}

Result<EntityPage> Table::query(const std::string& filter, const EntityKey& from, int top) {
  const auto what = "reading table " + name_;
  StorageCall call{.path = "/" + name_ + "()"};
  call.query.emplace_back("$top", std::to_string(top));
  if (!filter.empty()) call.query.emplace_back("$filter", filter);
  if (!from.partition.empty()) call.query.emplace_back("NextPartitionKey", from.partition);
  if (!from.row.empty()) call.query.emplace_back("NextRowKey", from.row);
  call.headers = {kAccept};
  KC_TRY(const auto answer, line_.send(call, {200}, what));
  const auto body = json::parse(answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("value") || !body["value"].is_array())
    return no_entity(what);
  EntityPage page;
  for (const auto& object : body["value"]) {
    if (!object.is_object()) return no_entity(what);
    page.entities.push_back(entity_of(object));
  }
  const auto next = [&](std::string_view name) {
    const auto* value = answer.header(name);
    return value == nullptr ? std::string() : *value;
  };
  page.next = {next("x-ms-continuation-nextpartitionkey"), next("x-ms-continuation-nextrowkey")};
  return page;
}

Result<std::vector<Entity>> Table::query_all(const std::string& filter, std::size_t limit) {
  std::vector<Entity> all;
  EntityKey from;
  do {
    KC_TRY(auto page, query(filter, from));
    all.insert(all.end(), std::make_move_iterator(page.entities.begin()),
               std::make_move_iterator(page.entities.end()));
    if (all.size() > limit)
      return fail(ErrorKind::invalid, "storage.too_many",
                  "table " + name_ + " has more than " + std::to_string(limit) + " such entities");
    from = std::move(page.next);
  } while (!from.partition.empty() || !from.row.empty());
  return all;
}

}  // namespace kc::azure
