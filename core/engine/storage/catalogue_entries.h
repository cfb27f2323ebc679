// What the catalogue keeps beside tables and extents: stored functions, ingestion mappings, details
// of columns, principals with their roles, the journal of changes and the failures of ingestion.
// Used by the commands and by whoever obeys them. Thread promise: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/ids.h"

namespace kc::engine {

struct FunctionEntry {
  std::int64_t database = 0;
  std::string name;
  std::string parameters = "()";  // `(x:long, T:(a:string))`
  std::string body;               // with its braces
  std::string folder;
  std::string docstring;
  bool view = false;
};

struct MappingEntry {
  std::int64_t database = 0;
  std::optional<std::int64_t> table;  // none: of the database
  std::string kind;                   // csv, json, …
  std::string name;
  std::string mapping;       // JSON
  std::int64_t updated = 0;  // ticks
};

struct ColumnDetails {
  std::string docstring;
  std::string encoding;  // the profile of its encoding policy; empty: the standard
};

// Whose policies and roles these are. The owner's id is the database's or the table's; a cluster's
// is 0.
enum class Scope { cluster, database, table };

struct PrincipalEntry {
  Scope scope = Scope::database;
  std::int64_t owner = 0;
  std::string role;       // admins, users, viewers, …
  std::string principal;  // aadapp=<id>;<tenant>
  std::string notes;
};

struct JournalEntry {
  std::int64_t at = 0;     // ticks
  std::string event = {};  // CREATE-TABLE, …
  std::string database = {};
  std::string entity = {};
  std::string updated_entity = {};
  std::string version = {};
  std::string container = {};
  std::string command = {};
  std::string principal = {};
  Uuid activity = {};
  std::string request_id = {};
};

struct IngestionFailure {
  std::int64_t at = 0;  // ticks
  Uuid operation;
  std::string database, table;
  std::string source;   // the blob
  std::string details;  // the error's text
  std::string code;     // BadRequest_InvalidBlob
  std::string kind;     // of the operation
  Uuid activity;
  bool from_update_policy = false;
  bool should_retry = false;
  std::string principal;
  std::string properties;  // JSON
};

}  // namespace kc::engine
