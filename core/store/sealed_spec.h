// The connection strings inside a job's definition, sealed and opened, and the rows of older
// databases brought to that form. Used by Store. Thread promise: pure functions, apart from
// `seal_plain_rows`, which belongs to the connection's owner.
#pragma once

#include <string>
#include <string_view>

#include "core/store/sealing.h"
#include "core/store/sqlite.h"

namespace kc::store {

// `text` is a definition as spec_text writes it; lake, source and destination are sealed for this
// job and their field. Kind corrupt, code store.corrupt, for a text that is no definition.
Result<std::string> seal_spec(std::string_view text, std::string_view job, const Sealer& sealer);
// Errors: as Sealer::open.
Result<std::string> open_spec(std::string_view text, std::string_view job, const Sealer& sealer);
// The same definition with `***` in place of what is sealed.
Result<std::string> mask_spec(std::string_view text);

// Seals what an older program wrote as it was given, and takes its traces out of the file at
// `path`, its log and the copies that were kept before migrations. Goes on where an earlier try
// ended.
Result<void> seal_plain_rows(Connection& connection, const std::string& path, const Sealer& sealer);

}  // namespace kc::store
