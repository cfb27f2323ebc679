#include "tests/interop/faults/lab.h"

#include <cstdlib>
#include <fstream>

#include "core/base/check.h"

namespace kc::faults {
namespace {

using fakes::Face;
using fakes::FaultyProxy;

template <class T>
T need(Result<T> result) {
  KC_ASSERT(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}

std::filesystem::path fresh_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "kc-faults-XXXXXX").string();
  KC_ASSERT(::mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

engine::EngineOptions small(const std::filesystem::path& folder) {
  engine::EngineOptions options;
  options.data_folder = folder;
  options.threads = 1;
  options.memory_limit_bytes = 256 << 20;
  return options;
}

std::string file_with(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  return path.string();
}

std::unique_ptr<FaultyProxy> proxy(Face face, const std::string& upstream) {
  return std::make_unique<FaultyProxy>(
      fakes::FaultyProxyOptions{.face = face, .upstream = upstream});
}

// `http://127.0.0.1:1234` + `/devstoreaccount1` of an endpoint.
std::string moved(const std::string& endpoint, const std::string& origin) {
  return origin + endpoint.substr(net::origin_of(endpoint).size());
}

}  // namespace

FaultLab::FaultLab()
    : folder_(fresh_folder()),
      engine_(need(engine::Engine::open(small(folder_ / "engine")))),
      endpoint_(need(api::KustoEndpoint::start(*engine_, face()))),
      cluster_(proxy(Face::cluster, endpoint_->url())),
      curl_({.ca_file = certificates()}),
      way_(curl_),
      elsewhere_(way_, issuer_->url()) {
  const azure::BlobAddress container = address("", false);
  KC_ASSERT(azure::Blobs(straight_, clock_, container, line()).create_container().has_value());
  // Clients are told of queues and tables behind the proxies.
  engine::DataManagementOptions wish;
  wish.account = account_;
  wish.account.queue = moved(account_.queue, queues_->url());
  wish.account.table = moved(account_.table, tables_->url());
  management_ = need(engine::DataManagement::start(*engine_, wish));
}

api::KustoEndpointOptions FaultLab::face() {
  api::KustoEndpointOptions face{.threads = 16, .require_token = true};
  face.management = [this](const auto& database, const auto& text, const auto& request) {
    return management_ ? management_->own_command(database, text, request) : std::nullopt;
  };
  return face;
}

// Starts what has certificates or an address that only it knows, too: the transport comes after it.
std::string FaultLab::certificates() {
  KC_ASSERT(azurite_.running(), "tests/interop/azurite/fetch.sh brings it");
  account_ = need(azure::parse_account(azurite_.connection_string()));
  blobs_ = proxy(Face::storage, net::origin_of(account_.blob));
  queues_ = proxy(Face::storage, net::origin_of(account_.queue));
  tables_ = proxy(Face::storage, net::origin_of(account_.table));
  const auto own = fakes::make_curve_certificate("issuer behind a proxy");
  issuer_ = std::make_unique<FaultyProxy>(fakes::FaultyProxyOptions{
      .face = Face::issuer,
      .upstream = identity_.login_url(),
      .upstream_ca = file_with(folder_ / "issuer.pem", identity_.certificate().certificate),
      .certificate = own});
  return file_with(folder_ / "trusted.pem", cluster_->certificates() + blobs_->certificates() +
                                                queues_->certificates() + tables_->certificates() +
                                                issuer_->certificates());
}

FaultLab::~FaultLab() {
  curl_.close();
  straight_.close();
  endpoint_->stop();
  management_->close();
  engine_->close();
  endpoint_.reset();
  management_.reset();
  engine_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void FaultLab::refill_retries() {
  constexpr int kAnswers = static_cast<int>(net::RetryBudget::kKept / net::RetryBudget::kPerAnswer);
  for (const auto* proxy : {cluster_.get(), blobs_.get(), queues_.get(), issuer_.get()}) {
    for (int i = 0; i < kAnswers; ++i)
      elsewhere_.retry_budget().answered(net::origin_of(proxy->url()));
  }
}

std::int64_t FaultLab::count(const std::string& database, const std::string& command) {
  const auto answer = need(engine_->command(database, command));
  const auto table = need(engine::decode(answer.tables.at(0)));
  return std::get<std::int64_t>(table.rows.at(0).at(0));
}

void FaultLab::must(const std::string& database, const std::string& command) {
  static_cast<void>(need(engine_->command(database, command)));
}

std::shared_ptr<kusto::Identities> FaultLab::new_identities(net::Transport& by) {
  auto made = std::make_shared<kusto::Identities>(by, clock_);
  made->surroundings.wait = [](Timespan, const std::stop_token& stop) {
    return !stop.stop_requested();
  };
  return made;
}

std::string FaultLab::connection(const std::string& database) const {
  return cluster_->url() + "/" + database +
         ";Fed=True;AppClientId=app;AppKey=k3y;Authority Id=tenant-1";
}

std::unique_ptr<kusto::Kusto> FaultLab::kusto(const std::string& database,
                                              std::shared_ptr<kusto::Identities> identities) {
  kusto::RestKustoOptions options;
  options.identities = std::move(identities);
  return need(kusto::connect(need(kusto::ConnectionString::parse(connection(database))), elsewhere_,
                             clock_, std::move(options)));
}

azure::LineOptions FaultLab::line() const {
  azure::LineOptions options;
  options.wait = [](Timespan) { return true; };
  return options;
}

azure::BlobAddress FaultLab::address(const std::string& path, bool through_proxy) const {
  return {through_proxy ? moved(account_.blob, blobs_->url()) : account_.blob, account_.name,
          kContainer, path, account_.credential()};
}

std::unique_ptr<azure::Queue> FaultLab::queue(const std::string& name, bool through_proxy) {
  auto& by = through_proxy ? transport() : straight_;
  const auto endpoint = through_proxy ? moved(account_.queue, queues_->url()) : account_.queue;
  return std::make_unique<azure::Queue>(by, clock_, endpoint, account_.credential(), name, line());
}

std::unique_ptr<BlobLake> FaultLab::lake(const std::string& path, net::Transport& by) {
  BlobPlace place;
  place.root = address(path);
  BlobLakeOptions options;
  options.line = line();
  return std::make_unique<BlobLake>(by, clock_, Rng::from_entropy(), std::move(place),
                                    std::move(options));
}

}  // namespace kc::faults
