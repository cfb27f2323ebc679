#include "core/pipeline/addressing.h"

#include <utility>

namespace kc::pipeline {
namespace {

Result<void> address_blobs(kusto::StartIngest& ingest, Lake& lake) {
  for (std::string& name : ingest.blob_uris) {
    KC_TRY(name, lake.read_uri(name));
  }
  return {};
}

}  // namespace

Result<std::optional<kusto::Answer>> address(kusto::Command& command, Lake& lake,
                                             Ticks grant_expiry) {
  if (const auto* read = std::get_if<kusto::Read>(&command)) {
    if (!std::holds_alternative<kusto::ReadIngestionOffer>(*read)) return std::nullopt;
    std::string why = lake.why_not_queued();
    if (why.empty()) return std::nullopt;
    return kusto::Answer{kusto::IngestionOffer{.queued = false, .why_not = std::move(why)}};
  }
  auto& write = std::get<kusto::Write>(command);
  if (auto* start = std::get_if<kusto::StartExport>(&write)) {
    KC_TRY(auto grant, lake.open_folder(start->folder_uri, grant_expiry));
    start->folder_uri = std::move(grant.uri);
  } else if (auto* ingest = std::get_if<kusto::StartIngest>(&write)) {
    KC_CHECK_OK(address_blobs(*ingest, lake));
  } else if (auto* queued = std::get_if<kusto::StartQueuedIngest>(&write)) {
    KC_CHECK_OK(address_blobs(queued->ingest, lake));
  }
  return std::nullopt;
}

SlotKind slot_of(const kusto::Write& write) {
  if (std::holds_alternative<kusto::StartExport>(write)) return SlotKind::export_;
  return std::holds_alternative<kusto::StartQueuedIngest>(write) ? SlotKind::queued
                                                                 : SlotKind::ingestion;
}

}  // namespace kc::pipeline
