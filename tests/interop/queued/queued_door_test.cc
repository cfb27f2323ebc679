// The client that ships, against the embedded engine with its data management on Azurite, under the
// suite of queued ingestion: what SimCluster promises is what a client, queues and tables do. The
// engine's clock is moved by hand, so that no batch is waited for.
#include <filesystem>
#include <string>

#include "api/kusto_endpoint.h"
#include "core/azure/blobs.h"
#include "core/base/check.h"
#include "core/engine/dm/data_management.h"
#include "core/kusto/rest_kusto.h"
#include "core/net/curl_transport.h"
#include "tests/doors/kusto_suite.h"
#include "tests/interop/azurite/azurite.h"

namespace kc::doors {
namespace {

namespace fs = std::filesystem;

template <class T>
T need(Result<T> result) {
  KC_ASSERT(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}

// One for all tests of the program.
Azurite& azurite() {
  static Azurite one;
  return one;
}

class QueuedSubject final : public KustoSubject {
 public:
  QueuedSubject() {
    static int nth = 0;
    container_ = "suite-" + std::to_string(++nth);
    folder_ = fs::path(testing::TempDir()) / ("queued_door_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    account_ = need(azure::parse_account(azurite().connection_string()));
    blobs_.emplace(transport_, system_,
                   azure::BlobAddress{.endpoint = account_.blob,
                                      .account = account_.name,
                                      .container = container_,
                                      .path = {},
                                      .credential = account_.credential()});
    KC_ASSERT(blobs_->create_container().has_value());
    engine::EngineOptions options;
    options.data_folder = folder_;
    options.clock = clock_;
    options.threads = 1;
    options.seed = static_cast<std::uint64_t>(nth) + 1000;  // ids are names in the account
    engine_ = need(engine::Engine::open(options));
    KC_ASSERT(engine_->command("NetDefaultDB", std::string(".create database ") + kSuiteDatabase)
                  .has_value());
    engine::DataManagementOptions wish;
    wish.account = account_;
    wish.worker = false;
    management_ = need(engine::DataManagement::start(*engine_, wish));
    api::KustoEndpointOptions face{.threads = 4};
    face.management = [this](const auto& database, const auto& text, const auto& request) {
      return management_->own_command(database, text, request);
    };
    endpoint_ = need(api::KustoEndpoint::start(*engine_, face));
    kusto_ = need(kusto::connect(need(kusto::ConnectionString::parse(endpoint_->url())), transport_,
                                 system_));
  }
  ~QueuedSubject() override {
    kusto_->close();
    endpoint_->stop();
    management_->close();
    engine_->close();
    endpoint_.reset();
    management_.reset();
    engine_.reset();
    fs::remove_all(folder_);
  }

  kusto::Kusto& kusto() override { return *kusto_; }
  void ingest(const std::string& table, const std::vector<std::int64_t>& values) override {
    clock_->advance(Timespan::seconds(1));
    std::string text = ".ingest inline into table ['" + table + "'] <|\n";
    for (const std::int64_t value : values) {
      std::string field = "\"";
      for (const char c : suite_text(value)) field += c == '"' ? "\"\"" : std::string(1, c);
      text += std::to_string(value) + "," + field + "\"\n";
    }
    const auto done = engine_->command(kSuiteDatabase, text);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string open_folder(const std::string& name) override { return with_key(name); }
  void close_folder(const std::string& name) override {
    const auto all = need(blobs_->list_all(name + "/", 100));
    for (const auto& one : all) KC_ASSERT(blobs_->remove(one.name).has_value());
  }
  std::string read_uri(const std::string& path) override {
    return with_key(path.substr(path.find(container_) + container_.size() + 1));
  }
  // A round, a batch's time, a round.
  void settle() override {
    management_->work_once();
    clock_->advance(Timespan::seconds(11));
    management_->work_once();
  }

 private:
  std::string with_key(const std::string& path) const {
    return account_.blob + "/" + container_ + "/" + path + ";" + account_.key;
  }

  std::string container_;
  fs::path folder_;
  SystemClock system_;
  std::shared_ptr<ManualClock> clock_ =
      std::make_shared<ManualClock>(*parse_datetime("2026-01-02T03:04:05Z"));
  net::CurlTransport transport_;
  azure::StorageAccount account_;
  std::optional<azure::Blobs> blobs_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::DataManagement> management_;
  std::unique_ptr<api::KustoEndpoint> endpoint_;
  std::unique_ptr<kusto::Kusto> kusto_;
};

INSTANTIATE_TEST_SUITE_P(EngineOnAzurite, KustoQueuedSuite,
                         testing::Values([] { return std::make_unique<QueuedSubject>(); }));

}  // namespace
}  // namespace kc::doors
