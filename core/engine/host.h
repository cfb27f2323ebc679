// What every command and query of one engine works with: execution, catalogue, files, ids,
// capacity, workers. Private to the engine's own folder. Thread promise: each part keeps its own; a
// Session belongs to one request.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "core/base/guarded.h"
#include "core/engine/deadlines.h"
#include "core/engine/engine.h"
#include "core/engine/engine_clock.h"
#include "core/engine/formats/row_source.h"
#include "core/engine/housekeeping.h"
#include "core/engine/operations.h"
#include "core/engine/principal.h"
#include "core/engine/request_log.h"
#include "core/engine/storage/catalogue.h"
#include "core/engine/storage/duck.h"
#include "core/engine/storage/files.h"

namespace kc::engine {

struct Host {
  EngineOptions options;
  std::shared_ptr<EngineClock> clock;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<ExtentFiles> files;
  SourceRegistry sources;  // outlives DuckDB, whose table function refers to it
  std::unique_ptr<Duck> duck;
  Deadlines deadlines;
  RequestLog requests;
  Guarded<Rng> rng{Rng(1)};
  Guarded<EngineFaults> faults;
  std::atomic<std::int64_t> last_ingestion{0};
  std::atomic<bool> closed{false};
  Capacity exports, ingestions, queries, merges;
  std::unique_ptr<Housekeeping> housekeeping;
  std::unique_ptr<Operations> operations;  // last: its workers use all the rest

  Uuid new_id() {
    return rng.with([](Rng& generator) { return Uuid::random(generator); });
  }
  std::int64_t now() const { return clock->now().value; }
  // Distinct for each ingestion, close to the clock.
  std::int64_t new_ingestion_time();
  // What is due by the clock happens; each request begins with it.
  void look();
  Fate fate(std::string_view kind);
  Background background() const {
    return faults.with([](const EngineFaults& current) { return current.background; });
  }
  void at(std::string_view point) const {
    if (options.at_point) options.at_point(point);
  }
};

struct Session {
  Host& host;
  std::string database;  // as the request names it
  RequestOptions options;
  Fate fate = {};                       // of the command, for what concerns its answer
  bool fate_drawn = false;              // what runs inside a command shares its fate
  Access needs = Access::anyone;        // of a table, where no wider role allows the command
  Cancellation cancellation = nullptr;  // of the request, or of the operation that it started
};

}  // namespace kc::engine
