// What a storage account's refusal means to whoever uses a lake. Used by this room only. Thread
// promise: pure functions.
#pragma once

#include "core/base/result.h"

namespace kc {

// storage.* as lake.*: not_found lake.absent; lake.container (the container is not there), invalid;
// lake.permission, denied; lake.full, unavailable; lake.refused, invalid or conflict; everything
// that passes, and every answer that is none, is lake.unreachable, unavailable: it may have
// happened.
Error lake_error(Error error);

// KC_TRY's and KC_CHECK_OK's way through a storage call.
template <class T>
Result<T> in_lake(Result<T> result) {
  if (result) return result;
  return fail(lake_error(std::move(result).error()));
}

}  // namespace kc
