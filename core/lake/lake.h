// The Lake door: the folder that belongs to one job. Names are relative, `/`-separated, without
// `..` or a leading `/`. BlobLake, FolderLake and MemoryLake ship; all pass tests/doors/lake_suite.
// Thread promise: every method is safe from any thread and blocks for the time of one storage call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/ticks.h"

namespace kc {

struct LakeFile {
  std::string name;  // relative to the lake's root
  std::uint64_t bytes = 0;
};

enum class Created { created, exists };

// What a cluster is given to write into, or read from, a folder of the lake.
struct Grant {
  std::string uri;              // for .export: a folder; may hold a secret
  std::optional<Ticks> expiry;  // nullopt: ends only by Lake::close_folder
};

// Held while this process owns the job, for liveness only (safety is the journal's). Released by
// its destructor and by the end of the process, however it ends (at once, or by running out). One
// owner at a time; its calls block.
class Lease {
 public:
  virtual ~Lease() = default;
  // When `renew` is due, counted from the last; nullopt: it holds by itself.
  virtual std::optional<Timespan> renew_every() const { return std::nullopt; }
  // Kind conflict, code lake.lease_lost: another process has it now. Anything else that fails may
  // be tried again.
  virtual Result<void> renew() { return {}; }
};

class Lake {
 public:
  virtual ~Lake() = default;

  // Files below `prefix` (a plain string prefix: end it in `/` for a folder), sorted by name. Empty
  // where there are none.
  virtual Result<std::vector<LakeFile>> list(std::string_view prefix) = 0;
  // Kind not_found where absent.
  virtual Result<std::string> get(std::string_view name) = 0;
  // Durable once it returns `created`. Exactly one caller ever gets `created` for a name that is
  // never removed. Kind unavailable: it may have happened (code lake.unreachable), or there is no
  // room left (code lake.full).
  virtual Result<Created> create_if_absent(std::string_view name, std::string_view bytes) = 0;
  // Replaces the whole file, atomically and durably.
  virtual Result<void> put(std::string_view name, std::string_view bytes) = 0;
  // Idempotent: an absent file is success.
  virtual Result<void> remove(std::string_view name) = 0;

  // Opens a folder for a cluster to write export files into, until `expiry` at the latest.
  // Idempotent.
  virtual Result<Grant> open_folder(std::string_view folder, Ticks expiry) = 0;
  // The URI by which a cluster reads one file of an opened folder.
  virtual Result<std::string> read_uri(std::string_view name) = 0;
  // Why data management, which ingests what is queued, cannot read `read_uri`: one sentence; empty
  // where it can.
  virtual std::string why_not_queued() const { return {}; }
  // Removes everything below the folder (not below a longer name: `e1` does not touch `e10`). True
  // if no late writer can put a file there any more (the grant is revoked with it); false if that
  // holds only once the grant has expired.
  virtual Result<bool> close_folder(std::string_view folder) = 0;

  // Kind conflict, code lake.lease_held, naming the holder, where another process has it. `holder`
  // describes this one.
  virtual Result<std::unique_ptr<Lease>> acquire_lease(std::string_view holder) = 0;

  // For messages: the root without secrets.
  virtual std::string describe() const = 0;
};

}  // namespace kc
