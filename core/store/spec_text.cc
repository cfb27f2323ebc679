#include "core/store/spec_text.h"

#include "core/base/json.h"
#include "core/base/redact.h"

namespace kc::store {

namespace {

using nlohmann::json;

json slots(const SlotShare& share) {
  return {{"percent", share.percent}, {"amount", share.amount}};
}
SlotShare slots(const json& value) {
  return {.percent = value.at("percent"), .amount = value.at("amount")};
}

template <class Enum, class Parse>
Enum word(const json& value, Parse parse) {
  const auto found = parse(value.get<std::string>());
  if (!found) throw std::invalid_argument("unknown word");
  return *found;
}

template <class Read>
auto guarded(std::string_view what, std::string_view text, Read read)
    -> Result<decltype(read(json()))> {
  try {
    return read(json::parse(text));
  } catch (const std::exception&) {
    return fail(ErrorKind::corrupt, "store.corrupt",
                "the database holds a " + std::string(what) + " that cannot be read");
  }
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string to_text(const JobSpec& spec) {
  json value{{"id", spec.id},
             {"lake", spec.lake},
             {"source", spec.source},
             {"destination", spec.destination},
             {"db", spec.db},
             {"destinationDb", spec.destination_db},
             {"tablesInclude", spec.tables_include},
             {"tablesExclude", spec.tables_exclude},
             {"querySlots", slots(spec.query_slots)},
             {"exportSlots", slots(spec.export_slots)},
             {"ingestionSlots", slots(spec.ingestion_slots)},
             {"continuous", spec.continuous},
             {"rpoTicks", spec.rpo.ticks},
             {"backfillHorizonTicks", nullptr},
             {"verbose", spec.verbose},
             {"format", to_string(spec.format)},
             {"ingest", to_string(spec.ingest)},
             {"onError", to_string(spec.on_error)},
             {"blockRowsMax", spec.block_rows_max},
             {"blockBytesMax", spec.block_bytes_max},
             {"maxFailures", spec.max_failures},
             {"setNewIngestionTime", spec.new_ingestion_time}};
  if (spec.backfill_horizon) value["backfillHorizonTicks"] = spec.backfill_horizon->ticks;
  return dump(value);
}

Result<JobSpec> spec_from_text(std::string_view text) {
  return guarded("job definition", text, [](const json& value) {
    JobSpec spec;
    spec.id = value.at("id");
    spec.lake = value.at("lake");
    spec.source = value.at("source");
    spec.destination = value.at("destination");
    spec.db = value.at("db");
    spec.destination_db = value.at("destinationDb");
    spec.tables_include = value.at("tablesInclude").get<std::vector<std::string>>();
    spec.tables_exclude = value.at("tablesExclude").get<std::vector<std::string>>();
    spec.query_slots = slots(value.at("querySlots"));
    spec.export_slots = slots(value.at("exportSlots"));
    spec.ingestion_slots = slots(value.at("ingestionSlots"));
    spec.continuous = value.at("continuous");
    spec.rpo = {value.at("rpoTicks").get<std::int64_t>()};
    if (const auto& horizon = value.at("backfillHorizonTicks"); !horizon.is_null()) {
      spec.backfill_horizon = Timespan{horizon.get<std::int64_t>()};
    }
    spec.verbose = value.at("verbose");
    spec.format = word<FormatChoice>(value.at("format"), parse_format_choice);
    // Definitions of before this choice ingested directly.
    spec.ingest = value.contains("ingest")
                      ? word<IngestChoice>(value.at("ingest"), parse_ingest_choice)
                      : IngestChoice::direct;
    spec.on_error = word<OnError>(value.at("onError"), parse_on_error);
    spec.block_rows_max = value.at("blockRowsMax");
    spec.block_bytes_max = value.at("blockBytesMax");
    spec.max_failures = value.at("maxFailures");
    spec.new_ingestion_time = value.at("setNewIngestionTime");
    return spec;
  });
}

std::string to_text(const Problem& problem) {
  return dump({{"code", problem.code},
               {"detail", redact(problem.detail)},
               {"fix", redact(problem.fix)},
               {"retryable", problem.retryable}});
}

Result<Problem> problem_from_text(std::string_view text) {
  return guarded("problem", text, [](const json& value) {
    return Problem{.code = value.at("code"),
                   .detail = value.at("detail"),
                   .fix = value.at("fix"),
                   .retryable = value.at("retryable")};
  });
}

}  // namespace kc::store
