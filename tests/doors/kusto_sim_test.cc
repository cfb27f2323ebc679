// The simulated cluster under the suite of the Kusto door: its shell ends every operation at once.
#include "tests/doors/kusto_suite.h"
#include "tests/sim/sim_cluster.h"

namespace kc::doors {
namespace {

class SimSubject final : public KustoSubject {
 public:
  explicit SimSubject(bool queues = false)
      : cluster_(blobs_, sim::SimClusterOptions{.queues = queues}) {
    cluster_.create_database(kSuiteDatabase);
  }

  kusto::Kusto& kusto() override { return cluster_; }
  void ingest(const std::string& table, const std::vector<std::int64_t>& values) override {
    cluster_.advance(Timespan::seconds(1));
    std::vector<sim::Row> rows;
    for (const std::int64_t value : values) rows.push_back({value});
    cluster_.ingest(kSuiteDatabase, table, rows);
  }
  std::string open_folder(const std::string& name) override {
    blobs_.open("lake/" + name);
    return "lake/" + name;
  }
  void close_folder(const std::string& name) override { blobs_.close("lake/" + name); }
  std::string read_uri(const std::string& path) override { return path; }
  void settle() override {
    cluster_.advance(Timespan::seconds(1));
    if (!held_) cluster_.finish_all();
  }
  void hold_exports(bool hold) override { held_ = hold; }

 private:
  sim::SimBlobs blobs_;
  sim::SimCluster cluster_;
  bool held_ = false;
};

INSTANTIATE_TEST_SUITE_P(SimCluster, KustoSuite,
                         testing::Values([] { return std::make_unique<SimSubject>(); }));
INSTANTIATE_TEST_SUITE_P(SimCluster, KustoQueuedSuite,
                         testing::Values([] { return std::make_unique<SimSubject>(true); }));

}  // namespace
}  // namespace kc::doors
