// The client that ships, against the embedded engine over HTTP, under the suite of the Kusto door:
// so that the simulated cluster cannot drift from what a cluster does.
#include <atomic>
#include <filesystem>
#include <string>

#include "api/kusto_endpoint.h"
#include "core/base/check.h"
#include "core/engine/engine.h"
#include "core/kusto/rest_kusto.h"
#include "core/net/curl_transport.h"
#include "tests/doors/kusto_suite.h"

namespace kc::doors {
namespace {

namespace fs = std::filesystem;

template <class T>
T need(Result<T> result) {
  KC_ASSERT(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}

fs::path fresh_folder() {
  std::string pattern = (fs::temp_directory_path() / "kc-kusto-suite-XXXXXX").string();
  KC_ASSERT(mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

std::string csv_field(const std::string& text) {
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + "\"";
}

class EngineSubject final : public KustoSubject {
 public:
  EngineSubject() : root_(fresh_folder()) {
    engine::EngineOptions options;
    options.data_folder = root_ / "engine";
    options.threads = 1;
    options.memory_limit_bytes = 256 << 20;
    engine_ = need(engine::Engine::open(options));
    KC_ASSERT(engine_->command("NetDefaultDB", std::string(".create database ") + kSuiteDatabase)
                  .has_value());
    endpoint_ = need(api::KustoEndpoint::start(*engine_, {.threads = 4}));
    kusto_ = need(kusto::connect(
        need(kusto::ConnectionString::parse(endpoint_->url() + "/" + kSuiteDatabase)), transport_,
        clock_));
  }

  ~EngineSubject() override {
    kusto_->close();
    transport_.close();
    endpoint_->stop();
    engine_->close();
    endpoint_.reset();
    engine_.reset();
    fs::remove_all(root_);
  }

  kusto::Kusto& kusto() override { return *kusto_; }

  void ingest(const std::string& table, const std::vector<std::int64_t>& values) override {
    std::string text = ".ingest inline into table ['" + table + "'] <|\n";
    for (const std::int64_t value : values)
      text += std::to_string(value) + "," + csv_field(suite_text(value)) + "\n";
    const auto done = engine_->command(kSuiteDatabase, text);
    ASSERT_TRUE(done) << done.error().message;
  }

  std::string open_folder(const std::string& name) override {
    fs::create_directories(root_ / "lake" / name);
    return (root_ / "lake" / name).string();
  }
  void close_folder(const std::string& name) override { fs::remove_all(root_ / "lake" / name); }
  std::string read_uri(const std::string& path) override { return path; }
  void settle() override {}
  void hold_exports(bool hold) override {
    constexpr Timespan kLong = Timespan::seconds(1800);
    if (!hold) engine_->advance_clock(kLong);
    engine::EngineFaults faults;
    if (hold) faults.rules["DataExport"].delay = kLong;
    engine_->set_faults(std::move(faults));
  }

 private:
  fs::path root_;
  SystemClock clock_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<api::KustoEndpoint> endpoint_;
  net::CurlTransport transport_;
  std::unique_ptr<kusto::Kusto> kusto_;
};

INSTANTIATE_TEST_SUITE_P(EngineOverHttp, KustoSuite,
                         testing::Values([] { return std::make_unique<EngineSubject>(); }));

}  // namespace
}  // namespace kc::doors
