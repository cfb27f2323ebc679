// Whole copies under every fault, once and three times in a row, at every kind of request that a
// copy makes: each ends with the destination equal and nothing left behind. And faults that last:
// the copy says what it waits for, or why it has failed, and goes on exactly when they end.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "tests/interop/faults/copy.h"

namespace kc::faults {
namespace {

using fakes::Fault;

constexpr int kBeside = 6;  // copies at once: most of their time is waiting

FaultLab*& lab() {
  static FaultLab* one = [] {
    auto* made = new FaultLab;
    make_source(*made);
    for (int i = 0; i < kBeside; ++i)
      made->must("NetDefaultDB", ".create database Copied" + std::to_string(i));
    return made;
  }();
  return one;
}
class EndOfLab final : public testing::Environment {
 public:
  void TearDown() override { delete lab(); }
};
const auto* const kEnd = testing::AddGlobalTestEnvironment(new EndOfLab);

// One kind of request that a copy makes.
struct Wire {
  const char* name;
  enum class To { cluster, blobs, queues, tables, issuer } to;
  net::Method method;
  const char* url;       // a part of it
  const char* body;      // likewise
  bool resumed = false;  // only a process that finds the copy begun sends it
  bool waits = false;    // the copy goes on asking for as long as it takes
  int begun = 1;         // the first request that a copy is well under way at
  IngestChoice ingest = IngestChoice::direct;
};
constexpr auto kQueued = IngestChoice::queued;
constexpr auto kPost = net::Method::post;
constexpr const char* kCommand = "/v1/rest/mgmt";
constexpr std::array kWires = {
    Wire{"query", Wire::To::cluster, kPost, "/v2/rest/query", ""},
    Wire{"create", Wire::To::cluster, kPost, kCommand, ".create"},
    Wire{"export", Wire::To::cluster, kPost, kCommand, ".export async"},
    Wire{"ingest", Wire::To::cluster, kPost, kCommand, ".ingest async"},
    Wire{"extents", Wire::To::cluster, kPost, kCommand, ".show tables ("},
    Wire{"move", Wire::To::cluster, kPost, kCommand, ".move async"},
    Wire{"drop_tags", Wire::To::cluster, kPost, kCommand, "extent tags ("},
    Wire{"drop_staging", Wire::To::cluster, kPost, kCommand, "ifexists"},
    Wire{"operations", Wire::To::cluster, kPost, kCommand, ".show operations (", false, true},
    Wire{"details", Wire::To::cluster, kPost, kCommand, "details"},
    Wire{"token", Wire::To::issuer, kPost, "/oauth2/", ""},
    Wire{"blob_put", Wire::To::blobs, net::Method::put, "/checkpoint/", "", false, false, 6},
    Wire{"blob_get", Wire::To::blobs, net::Method::get, "/checkpoint/", "", true},
    Wire{"blob_list", Wire::To::blobs, net::Method::get, "comp=list", ""},
    Wire{"blob_delete", Wire::To::blobs, net::Method::delete_, "/copies/", ""},
    Wire{"resources", Wire::To::cluster, kPost, kCommand, ".get ingestion", false, false, 1,
         kQueued},
    Wire{"queue_put", Wire::To::queues, kPost, "/messages", "", false, false, 1, kQueued},
    Wire{"status_put", Wire::To::tables, kPost, "/kcstatus", "", false, false, 1, kQueued},
    Wire{"status_get", Wire::To::tables, net::Method::get, "/kcstatus", "", false, true, 1,
         kQueued},
};

// `which` of the requests, counted from 1; all where none is named.
fakes::FaultRule rule(const Wire& wire, Fault fault, std::set<int> which) {
  fakes::FaultRule made{.fault = fault, .which = std::move(which)};
  made.proxy = wire.to == Wire::To::cluster  ? &lab()->cluster()
               : wire.to == Wire::To::blobs  ? &lab()->blobs()
               : wire.to == Wire::To::queues ? &lab()->queues()
               : wire.to == Wire::To::tables ? &lab()->tables()
                                             : &lab()->issuer();
  made.matches = [wire](const net::HttpCall& call) {
    return call.method == wire.method && call.url.find(wire.url) != std::string::npos &&
           call.body.find(wire.body) != std::string::npos;
  };
  return made;
}

std::string end_of(const std::optional<pipeline::JobResult>& end) {
  if (!end) return "never";
  if (end->state == JobState::succeeded) return "succeeded";
  return std::string(to_string(end->state)) + " " + (end->problem ? end->problem->code : "");
}

// Whether it ends a copy where it comes once, or a few times: nothing that is tried again.
bool is_permanent(Fault fault) {
  return fault == Fault::expired_token || fault == Fault::tls_stranger ||
         fault == Fault::tls_wrong_name;
}

// The reason is one that an operator can act on.
void expect_told(const pipeline::JobResult& end, const std::string& name) {
  ASSERT_TRUE(end.problem.has_value()) << name;
  const auto text = end.problem->code + " " + end.problem->detail + " " + end.problem->fix;
  const auto says = [&](const char* part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(says("certificate") || says("401") || says("403") || says("expired"))
      << name << ": " << text;
  EXPECT_FALSE(says("k3y") || says("sig=")) << name;
}

// A beginning that the next process finds.
void begin(Copy& copy) {
  copy.start();
  EXPECT_TRUE(copy.ear().wait_for_record("export_started"));
  copy.stop();
}

// The first request of its kind meets the fault, and the third, fourth and fifth do.
void copy_under(const Wire& wire, Fault fault, int destination) {
  const auto name = std::string(wire.name) + ", " + std::string(to_string(fault));
  Copy copy(*lab(), std::string(wire.name) + "-" + std::to_string(static_cast<int>(fault)),
            destination, wire.ingest);
  if (wire.resumed) begin(copy);
  copy.way().arm(rule(wire, fault, {1, 3, 4, 5}));
  auto end = copy.run();
  EXPECT_GE(copy.way().met(), 1) << name;
  EXPECT_NE(end_of(end), "never") << name;
  if (end && end->state != JobState::succeeded) {
    EXPECT_TRUE(is_permanent(fault))
        << name << ": " << end_of(end) << ": " << (end->problem ? end->problem->detail : "");
    if (is_permanent(fault)) expect_told(*end, name);
    copy.way().disarm();
    end = copy.run();
  }
  EXPECT_EQ(end_of(end), "succeeded") << name << (end && end->problem ? end->problem->detail : "");
  EXPECT_EQ(copy.wrong(), "") << name;
}

class CopiesUnderFaults : public testing::TestWithParam<Wire> {};

TEST_P(CopiesUnderFaults, EndExact) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&](int destination) {
    for (auto i = next++; i < fakes::kFaults; i = next++)
      copy_under(GetParam(), static_cast<Fault>(i), destination);
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < kBeside; ++i) threads.emplace_back(work, i);
}

// Where the copy as a whole cannot go on without it, its status line says so while it is tried
// again.
const std::map<std::string, std::string>& told_while_waiting() {
  static const std::map<std::string, std::string> kCodes = {{"drop_tags", "clean.tags_failed"},
                                                            {"drop_staging", "staging.drop_failed"},
                                                            {"blob_put", "lake.unreachable"},
                                                            {"blob_delete", "lake.unreachable"},
                                                            {"token", "identity.unavailable"}};
  return kCodes;
}

// From one request on nobody answers any more: the copy ends, and says why, or keeps asking;
// when somebody answers again it goes on to the exact end.
TEST_P(CopiesUnderFaults, ALastingOneIsToldAndSurvived) {
  const Wire& wire = GetParam();
  const auto name = std::string(wire.name);
  Copy copy(*lab(), "lasting-" + name, 0, wire.ingest);
  if (wire.resumed) begin(copy);
  std::set<int> late;
  for (int i = wire.begun; i < 10'000; ++i) late.insert(i);
  copy.way().arm(rule(wire, Fault::refuse, late));
  copy.start();
  std::optional<pipeline::JobResult> end;
  if (wire.waits) {
    ASSERT_TRUE(copy.way().wait_until_met(12));
  } else {
    end = copy.ear().end();
    ASSERT_TRUE(end && end->problem) << end_of(end);
    EXPECT_EQ(end->state, JobState::failed);
    EXPECT_TRUE(end->problem->retryable) << end->problem->code;
    EXPECT_NE(end->problem->detail.find("no connection"), std::string::npos)
        << end->problem->code << ": " << end->problem->detail;
    const auto told = told_while_waiting().find(name);
    if (told != told_while_waiting().end()) {
      EXPECT_EQ(copy.ear().status_at(told->second).find("Trying again: "), 0U)
          << end->problem->code;
    }
  }
  copy.way().disarm();
  end = wire.waits ? copy.ear().end() : copy.run();
  EXPECT_EQ(end_of(end), "succeeded") << (end && end->problem ? end->problem->detail : "");
  EXPECT_EQ(copy.wrong(), "");
}

INSTANTIATE_TEST_SUITE_P(All, CopiesUnderFaults, testing::ValuesIn(kWires),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace kc::faults
