#include "server/embedded.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "api/dm_endpoint.h"
#include "api/kusto_endpoint.h"
#include "core/engine/dm/data_management.h"
#include "core/engine/engine.h"
#include "core/engine/samples/samples.h"

namespace kc::server {

namespace {

Result<engine::EngineFaults> read_faults(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail(ErrorKind::invalid, "faults.invalid", "cannot read " + path.string());
  return engine::EngineFaults::parse(text);
}

}  // namespace

struct Embedded::State {
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<engine::DataManagement> management;
  std::unique_ptr<api::KustoEndpoint> endpoint;
  std::unique_ptr<api::DmEndpoint> dm_endpoint;
};

namespace {

Result<void> start_management(const EmbeddedOptions& options, engine::Engine& engine,
                              std::unique_ptr<engine::DataManagement>& management) {
  if (options.dm_storage.empty()) return {};
  engine::DataManagementOptions wish;
  KC_TRY(wish.account, azure::parse_account(options.dm_storage));
  wish.trouble = options.dm_trouble;
  auto started = engine::DataManagement::start(engine, std::move(wish));
  if (!started) return fail(std::move(started).error().in("preparing the storage of --dm-storage"));
  management = std::move(*started);
  return {};
}

// The engine's own face answers for data management too, as it does where both are one address.
api::KustoEndpointOptions face_options(const EmbeddedOptions& options,
                                       engine::DataManagement* management) {
  api::KustoEndpointOptions face{.host = options.host,
                                 .port = options.port,
                                 .require_token = options.require_token,
                                 .admin = options.admin};
  if (management == nullptr) return face;
  face.management = [management](const auto& database, const auto& text, const auto& request) {
    return management->own_command(database, text, request);
  };
  return face;
}

}  // namespace

Embedded::Embedded(std::unique_ptr<State> state) : state_(std::move(state)) {}
Embedded::~Embedded() { stop(); }

Result<std::unique_ptr<Embedded>> Embedded::start(const EmbeddedOptions& options) {
  auto state = std::make_unique<State>();
  engine::EngineOptions engine_options;
  engine_options.data_folder = options.data_folder;
  engine_options.threads = options.threads;
  engine_options.memory_limit_bytes = options.memory_bytes;
  engine_options.name = options.name;
  if (!options.faults_file.empty()) {
    KC_TRY(engine_options.faults, read_faults(options.faults_file));
  }
  KC_TRY(state->engine, engine::Engine::open(std::move(engine_options)));
  std::unique_ptr<Embedded> embedded(new Embedded(std::move(state)));
  State& own = *embedded->state_;
  engine::SampleOptions samples;
  samples.database = options.database;
  samples.factor = options.samples;
  samples.public_tables = samples.all_types = options.samples > 0;
  samples.log_rows = options.log_rows;
  KC_CHECK_OK(engine::create_samples(*own.engine, samples));
  KC_CHECK_OK(start_management(options, *own.engine, own.management));
  // Only now: whoever finds the port finds the samples whole.
  KC_TRY(own.endpoint,
         api::KustoEndpoint::start(*own.engine, face_options(options, own.management.get())));
  if (own.management) {
    KC_TRY(own.dm_endpoint, api::DmEndpoint::start(
                                *own.management, {.host = options.host, .port = options.dm_port}));
  }
  return embedded;
}

std::string Embedded::url() const { return state_->endpoint->url(); }
std::string Embedded::dm_url() const {
  return state_->dm_endpoint ? state_->dm_endpoint->url() : std::string();
}

Result<void> Embedded::create_database(const std::string& name) {
  KC_CHECK_OK(state_->engine->command("", ".create database ['" + name + "'] volatile"));
  return {};
}

void Embedded::stop() {
  if (state_->dm_endpoint) state_->dm_endpoint->stop();
  if (state_->management) state_->management->close();
  if (state_->endpoint) state_->endpoint->stop();
  if (state_->engine) state_->engine->close();
}

}  // namespace kc::server
