// The files that rows are read from: local ones, and blobs of storage accounts by way of a copy;
// what their names and formats mean. Used by `.ingest` and by `externaldata`. Thread promise: pure
// functions apart from `local_files`, which may run on any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/engine/formats/text_reader.h"
#include "core/engine/host.h"

namespace kc::engine {

Failure format_not_supported(const std::string& format);

// By the suffix, `.gz` apart; csv where none says more.
std::string format_of(const std::string& file);
// Service code BadRequest_FormatNotSupported; parquet is no text.
Result<TextFormat> text_format(const std::string& name);

// One path for each address. Copies are made in `scratch`, which has to outlive their use. Errors
// as BlobStore::download gives them, and invalid Download_SourceNotFound, BadRequest_EmptyBlobUri,
// BadRequest_NotSupported (zip).
Result<std::vector<std::string>> local_files(Host& host, const std::vector<std::string>& addresses,
                                             std::optional<Scratch>& scratch);

}  // namespace kc::engine
