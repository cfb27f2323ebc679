// The entities of one storage table. Used by the engine's data management for the status of
// ingestions. Thread promise: safe from any thread, as its Line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/azure/line.h"

namespace kc::azure {

struct EntityValue {
  enum class Type { string_, boolean_, int32_, int64_, double_, datetime_, guid_ };
  Type type = Type::string_;
  std::string text;  // `true`, `42`, an ISO datetime with Z, …
};
// Without PartitionKey, RowKey and Timestamp.
using EntityValues = std::map<std::string, EntityValue>;

struct EntityKey {
  std::string partition, row;
};
struct Entity {
  EntityKey key;
  EntityValues values;
};
struct EntityPage {
  std::vector<Entity> entities;
  EntityKey next;  // both empty: the end
};

// `text` as a literal of a filter, its quotes doubled.
std::string filter_literal(std::string_view text);

class Table {
 public:
  Table(net::Transport& transport, const Clock& clock, std::string endpoint, Credential credential,
        std::string name, LineOptions options = {});

  Result<bool> create();  // false: it was there
  Result<void> remove();

  // Kind conflict, EntityAlreadyExists, where it is there.
  Result<void> insert(const Entity& entity);
  // What the entity does not name keeps its value; the entity is made where there is none.
  Result<void> merge(const Entity& entity);
  Result<Entity> get(const EntityKey& key);
  Result<void> remove(const EntityKey& key);
  // `filter` as OData, may be empty.
  Result<EntityPage> query(const std::string& filter, const EntityKey& from = {}, int top = 1000);
  Result<std::vector<Entity>> query_all(const std::string& filter, std::size_t limit);

  const std::string& name() const { return name_; }

 private:
  std::string entity_path(const EntityKey& key) const;

  Line line_;
  std::string name_;
};

}  // namespace kc::azure
