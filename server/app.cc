#include "server/app.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "api/codec.h"
#include "api/http_server.h"
#include "api/problem.h"
#include "api/routes.h"
#include "core/net/curl_transport.h"
#include "core/net/exchange_log.h"
#include "core/net/exchange_metrics.h"
#include "core/service/copy_service.h"
#include "server/connections.h"
#include "server/runner_port.h"

namespace kc::server {
namespace {

// One service per data folder: two would both take up the jobs of its database. Let go by the end
// of the process, however it ends.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::filesystem::path& folder) {
    const std::string file = (folder / ".lock").string();
    FolderLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock.descriptor_ < 0) {
      return fail(ErrorKind::denied, "data.unwritable",
                  "the data folder " + folder.string() +
                      " cannot be written to: " + std::system_category().message(errno));
    }
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
    return fail(Error{.kind = ErrorKind::conflict,
                      .code = "data.in_use",
                      .message = "another service has the data folder " + folder.string(),
                      .fix = "stop it, or give this one another --data"});
  }
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace

// In the order of their making; taken down the other way round.
struct App::State {
  std::string host;
  std::optional<FolderLock> lock;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Embedded> embedded;
  net::ExchangeMetrics exchange_metrics;
  std::optional<net::ExchangeLog> exchange_log;
  std::optional<net::CurlTransport> transport;
  std::unique_ptr<service::CopyService> service;
  std::unique_ptr<RunnerPort> pipeline;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<api::HttpServer> http;
};

App::App(std::unique_ptr<State> state) : state_(std::move(state)) {}
App::~App() { stop(); }

Result<std::unique_ptr<App>> App::start(AppOptions options, const Clock& clock, Log& log, Rng rng) {
  std::error_code failed;
  std::filesystem::create_directories(options.data_folder, failed);
  if (failed) {
    return fail(
        ErrorKind::denied, "data.unwritable",
        "the data folder " + options.data_folder.string() + " cannot be made: " + failed.message());
  }
  std::unique_ptr<App> app(new App(std::make_unique<State>()));
  State& own = *app->state_;
  own.host = options.host;
  KC_TRY(auto lock, FolderLock::take(options.data_folder));
  own.lock.emplace(std::move(lock));
  if (options.secret_key_file.empty())
    options.secret_key_file = options.data_folder / "kusto-copy.key";
  KC_TRY(own.store,
         store::Store::open({.path = (options.data_folder / "kusto-copy.sqlite").string(),
                             .key_file = options.secret_key_file.string()}));
  own.exchange_log.emplace(log);
  own.transport.emplace(net::CurlOptions{.watchers = {&own.exchange_metrics, &*own.exchange_log}});
  own.service =
      std::make_unique<service::CopyService>(*own.store, clock, rng.fork(), api::write_progress);
  own.pipeline = std::make_unique<RunnerPort>(
      clock, make_connections(*own.transport, clock, options.trusted, options.secret_references),
      pipeline::RunnerOptions{.job = options.job, .cluster = {}, .holder = holder()}, *own.store,
      *own.service, log, rng.fork());
  own.api = std::make_unique<api::Api>(*own.service, rng.fork(),
                                       [&own] { return own.exchange_metrics.text(); });
  // The port first: a second server on it must not begin to work. Until the jobs are taken up,
  // /readyz says no.
  KC_TRY(own.http,
         api::HttpServer::start(
             {.host = options.host, .port = options.port, .refusal = api::refusal},
             [&own](const api::HttpRequest& request) { return own.api->handle(request); }));
  if (options.embedded) {
    KC_TRY(own.embedded, Embedded::start(*options.embedded));
  }
  KC_CHECK_OK(own.service->start(*own.pipeline));
  log.log(Level::info, "server.ready", {{"url", app->url()}, {"engine", app->engine_url()}});
  return app;
}

std::string App::url() const {
  return "http://" + state_->host + ":" + std::to_string(state_->http->port());
}

std::string App::engine_url() const { return state_->embedded ? state_->embedded->url() : ""; }

void App::stop() {
  State& own = *state_;
  if (own.http) own.http->stop();
  if (own.service) own.service->shutdown();
  if (own.pipeline) own.pipeline->stop();
  if (own.transport) own.transport->close();
  if (own.embedded) own.embedded->stop();
}

}  // namespace kc::server
