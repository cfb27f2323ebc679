// Where a lake on blobs is and how it is reached, from what a user writes. Used by parse_lake.
// Thread promise: pure functions. Errors: kind invalid, code lake.unsupported; the message names
// the part and the reason, and shows no secret.
#pragma once

#include <string_view>

#include "core/lake/blob_grants.h"

namespace kc {

// A URL, and what may follow it (lake_address.h).
Result<BlobPlace> parse_blob_place(std::string_view text);

// Whether the text is one, of an account, by its first part.
bool is_storage_connection_string(std::string_view text);
// With `AccountKey=` or `SharedAccessSignature=`, and our own `Container=CONTAINER/PATH`.
Result<BlobPlace> blob_place_of_account(std::string_view text);

// What a lake asks of a SAS: it writes, reads, deletes and lists, and in more than one blob.
Result<void> check_lake_sas(std::string_view sas);

}  // namespace kc
