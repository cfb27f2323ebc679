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
#include "core/engine/formats/row_source.h"
#include "core/engine/operations.h"
#include "core/engine/storage/catalogue.h"
#include "core/engine/storage/duck.h"
#include "core/engine/storage/files.h"

namespace kc::engine {

struct Host {
  EngineOptions options;
  std::shared_ptr<const Clock> clock;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<ExtentFiles> files;
  SourceRegistry sources;  // outlives DuckDB, whose table function refers to it
  std::unique_ptr<Duck> duck;
  Deadlines deadlines;
  Guarded<Rng> rng{Rng(1)};
  Guarded<EngineFaults> faults;
  std::atomic<std::int64_t> last_ingestion{0};
  std::atomic<bool> closed{false};
  Capacity exports, ingestions, queries;
  std::unique_ptr<Operations> operations;  // last: its workers use all the rest

  Uuid new_id() {
    return rng.with([](Rng& generator) { return Uuid::random(generator); });
  }
  std::int64_t now() const { return clock->now().value; }
  // Distinct for each ingestion, close to the clock.
  std::int64_t new_ingestion_time();
  Fate fate(std::string_view kind);
  void at(std::string_view point) const {
    if (options.at_point) options.at_point(point);
  }
};

struct Session {
  Host& host;
  std::string database;  // as the request names it
  RequestOptions options;
  bool lose_answer = false;  // set by the command's fate
};

}  // namespace kc::engine
