// Ingestion: its properties, its mappings, and the work itself, shared by the commands and by the
// faces that bring data by other ways. Thread promise: pure functions apart from `run_ingest`,
// which may run on any thread.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/commands/command.h"
#include "core/engine/formats/text_reader.h"
#include "core/engine/storage/ingestor.h"

namespace kc::engine {

// Kind invalid: `code: what`.
Failure ingest_error(const std::string& code, const std::string& what);

struct IngestProperties {
  std::string format;                            // lower case; empty: from the file's name
  std::optional<std::string> mapping;            // inline, JSON
  std::optional<std::string> mapping_reference;  // by name
  bool ignore_first_record = false;
  bool any_width = false;  // records of separated text may differ in the number of fields
  bool extend_schema = false;
  bool recreate_schema = false;
  bool persist_details = true;
  bool distributed = false;  // of a query's rows: several threads may make an extent each
  std::vector<std::string> tags;
  std::vector<std::string> skip_if_tags;
  std::optional<std::int64_t> creation_time;
};

// Property names in lower case. Service codes BadRequest_MalformedIngestionProperty,
// BadRequest_DuplicateMapping, BadRequest_IngestionPropertyNotSupportedInThisContext.
Result<IngestProperties> ingest_properties(const Properties& properties, bool from_query);

struct MappingElement {
  std::string column, type;
  std::optional<std::size_t> ordinal;
  std::optional<std::string> constant;
  std::string transform;
  std::map<std::string, std::string> properties;  // as given, by the protocol's names
  FieldMapping field;
};
Result<MappingElement> read_mapping_element(const std::string& kind, const nlohmann::json& element);
Result<MappingElement> read_mapping_element(const std::string& kind,
                                            const nlohmann::ordered_json& element);
// Whose mappings a format uses: csv for every separated one.
std::string mapping_kind(const std::string& format);
// One per column of the table: by the mapping, or by position and name.
Result<std::vector<FieldMapping>> field_mappings(const CatalogueTable& table,
                                                 const std::string& format,
                                                 const std::optional<std::string>& mapping);
// Of the table, else of its database. Service code BadRequest_MappingReferenceWasNotFound.
Result<MappingEntry> find_mapping(CatalogueView& view, const CatalogueTable& table,
                                  const std::string& kind, const std::string& name);

struct IngestPlan {
  CatalogueTable table;
  IngestProperties properties;
  std::vector<std::string> addresses;
  std::optional<std::string> text;  // inline
};
// The catalogue's checks that need no data: the mapping, the retention of the creation time.
Result<void> check_plan(Host& host, const IngestPlan& plan);
// The rows become visible in one transaction, which also ends the operation. The answer is that of
// `.ingest into table`.
Result<ResultTable> run_ingest(Host& host, IngestPlan plan, Execution& execution);

}  // namespace kc::engine
