#include "tests/house_test/rooms.h"

namespace house_test {
namespace {

const std::vector<std::string_view> kWhatPipelineMay = {
    "core/model", "core/plan",       "core/verify", "core/cluster",
    "core/lake",  "core/checkpoint", "core/store",  "core/kusto"};

const std::vector<std::string_view> kEverything = {
    "core/model",  "core/plan",    "core/verify",   "core/cluster",
    "core/net",    "core/azure",   "core/lake",     "core/checkpoint",
    "core/store",  "core/kusto",   "core/pipeline", "core/preflight",
    "core/notify", "core/service", "core/write",    "core/feed",
    "core/engine", "api"};

std::vector<std::string_view> everything_and(std::vector<std::string_view> more) {
  more.insert(more.end(), kEverything.begin(), kEverything.end());
  return more;
}

const std::vector<Room> kRooms = {
    {"core/base", {}},
    {"core/model", {}},
    {"core/plan", {"core/model"}},
    {"core/verify", {"core/model", "core/plan"}},
    {"core/cluster", {"core/model"}},
    {"core/net", {}},
    {"core/azure", {"core/net"}},
    {"core/lake", {"core/azure", "core/net"}},
    {"core/checkpoint", {"core/model", "core/lake"}},
    {"core/store", {"core/model"}},
    {"core/kusto", {"core/model", "core/azure", "core/net"}},
    {"core/pipeline", kWhatPipelineMay},
    {"core/preflight", {"core/model", "core/plan", "core/kusto", "core/lake"}},
    {"core/notify", {"core/model", "core/store", "core/net"}},
    {"core/write", kWhatPipelineMay},
    {"core/feed", kWhatPipelineMay},
    {"core/service",
     {"core/model", "core/plan", "core/store", "core/pipeline", "core/preflight", "core/notify",
      "core/write", "core/feed"}},
    // A house in the house: the copy meets the engine over HTTP only, as it would meet any cluster.
    {"core/engine", {"core/net", "core/azure", "core/lake"}},
    {"api", {"core/model", "core/service"}},
    {"server", kEverything},
    {"tests", everything_and({"server"})},
    {"bench", kEverything},
};

const std::vector<Exception> kExceptions = {
    {"api/kusto_endpoint", "core/engine/"},
    // The two addresses of a cluster, docs/decisions/0006.
    {"api/dm_endpoint", "core/engine/"},
    // The words of a schema (types, names that quote themselves), docs/decisions/0003.
    {"core/engine/", "core/model/schema.h"},
    {"core/engine/", "core/model/names.h"},
};

const std::vector<HeavyHeader> kHeavyHeaders = {
    {"httplib.h", {"api/http_server.cc"}},
    {"nlohmann/json.hpp", {"core/base/json.h"}, true},  // docs/decisions/0013
    {"core/base/json.h",
     {"core/base/json.cc", "api", "core/azure", "core/checkpoint", "core/store", "core/kusto",
      "core/engine", "server", "tests", "bench"}},
    {"curl/", {"core/net"}},
    {"sqlite3.h", {"core/store", "core/engine/storage", "tests"}},
    {"spdlog/", {"core/base"}},
    {"duckdb.h", {"core/engine", "tests", "bench"}},
};

}  // namespace

std::span<const Room> rooms() { return kRooms; }
std::span<const HeavyHeader> heavy_headers() { return kHeavyHeaders; }
std::span<const Exception> exceptions() { return kExceptions; }

std::string_view room_of(std::string_view path) {
  for (const Room& room : kRooms) {
    if (path.starts_with(room.folder) && path.substr(room.folder.size()).starts_with('/'))
      return room.folder;
  }
  return {};
}

}  // namespace house_test
