// Every fault against every operation, by the code that ships and over real sockets: what its
// caller hears, how often it was asked for, and whether it happened at the service.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/interop/faults/steps.h"

namespace kc::faults {
namespace {

using fakes::Fault;

struct Stage {
  FaultLab lab;
  Steps steps{lab};
};
std::unique_ptr<Stage>& stage() {
  static std::unique_ptr<Stage> one = std::make_unique<Stage>();
  return one;
}
class EndOfStage final : public testing::Environment {
 public:
  void TearDown() override { stage().reset(); }
};
const auto* const kEnd = testing::AddGlobalTestEnvironment(new EndOfStage);

struct Seen {
  std::string code = "done";
  ErrorKind kind = ErrorKind::invalid;
  std::string message, fix;
  int sent = 0, received = 0, carried_out = 0;
  std::int64_t effects = -1;  // not to be seen
};

Seen see(Step step, Fault fault, bool once) {
  auto& [lab, steps] = *stage();
  auto attempt = steps.prepare(step);
  const auto rule = steps.rule(step, fault, once);
  rule.proxy->forget();
  lab.way().arm(rule);
  const auto result = attempt.run();
  lab.way().disarm();
  Seen seen;
  if (!result) {
    seen.code = result.error().code;
    seen.kind = result.error().kind;
    seen.message = result.error().message;
    seen.fix = result.error().fix;
  }
  seen.sent = lab.way().met();
  seen.carried_out = rule.proxy->carried_out();
  seen.received = rule.proxy->received();
  if (attempt.effects) seen.effects = attempt.effects();
  return seen;
}

bool is_consequential(Step step) {
  return step == Step::command || step == Step::export_ || step == Step::ingest ||
         step == Step::queue_hold;
}

// Without the table: what no outcome may get wrong.
void expect_honest(Step step, Fault fault, const Seen& seen) {
  const bool removes = to_string(step).ends_with("delete");
  if (seen.code == "done") {
    EXPECT_NE(seen.effects, 0) << "said to be done";
  } else if (seen.effects > 0) {
    // What is gone is not there: that is no claim that it was not removed.
    EXPECT_TRUE(seen.kind == ErrorKind::unavailable ||
                (removes && seen.kind == ErrorKind::not_found))
        << "it happened, and the caller hears that it did not: " << seen.message;
  }
  EXPECT_EQ(seen.message.find("k3y"), std::string::npos);
  EXPECT_EQ(seen.message.find("sig="), std::string::npos);
  const bool arrives = fault != Fault::refuse && !to_string(fault).starts_with("tls_");
  if (!arrives) {
    EXPECT_EQ(seen.received, 0);
  }
}

class FaultMatrix : public testing::TestWithParam<std::tuple<int, int>> {
 protected:
  void SetUp() override { stage()->lab.refill_retries(); }

  const Fault fault = static_cast<Fault>(std::get<0>(GetParam()));
  const Step step = static_cast<Step>(std::get<1>(GetParam()));
  const Cell cell = outcome(fault, step);
};

TEST_P(FaultMatrix, Lasting) {
  const auto seen = see(step, fault, false);
  EXPECT_EQ(seen.code, cell.lasting) << seen.message;
  if (seen.code != "done") {
    EXPECT_EQ(seen.kind, cell.kind) << seen.message;
  }
  EXPECT_EQ(seen.sent, cell.sent);
  // Nothing with consequences is sent a second time behind the caller's back.
  if (is_consequential(step)) {
    EXPECT_LE(seen.received, seen.sent);
  }
  expect_honest(step, fault, seen);
  if (seen.kind == ErrorKind::denied || seen.code == "net.tls_untrusted") {
    const bool says = !seen.fix.empty() || seen.message.find("denied") != std::string::npos ||
                      seen.message.find("401") != std::string::npos ||
                      seen.message.find("403") != std::string::npos;
    EXPECT_TRUE(says) << seen.message;
  }
  const auto face = stage()->steps.rule(step, fault, true).proxy->face();
  if (seen.effects >= 0) {
    const bool happens = fakes::is_carried_out(fault, face);
    EXPECT_EQ(seen.effects > 0, happens) << seen.effects;
  }
  if (!fakes::is_carried_out(fault, face)) {
    EXPECT_EQ(seen.carried_out, 0);
  }
}

TEST_P(FaultMatrix, Once) {
  const auto seen = see(step, fault, true);
  EXPECT_EQ(seen.code, cell.once) << seen.message;
  EXPECT_EQ(seen.sent, 1);
  expect_honest(step, fault, seen);
  // A message may come twice, as consumers of queues count on; nothing else may.
  if (step != Step::queue_put) {
    EXPECT_LE(seen.effects, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultMatrix,
    testing::Combine(testing::Range(0, static_cast<int>(fakes::kFaults)),
                     testing::Range(0, static_cast<int>(kSteps))),
    [](const auto& param) {
      std::string name(fakes::to_string(static_cast<Fault>(std::get<0>(param.param))));
      name += "_" + std::string(to_string(static_cast<Step>(std::get<1>(param.param))));
      for (char& c : name) c = c == ' ' ? '_' : c;
      return name;
    });

TEST(FaultMatrixTable, NoEmptyCell) {
  for (std::size_t fault = 0; fault < fakes::kFaults; ++fault) {
    for (std::size_t step = 0; step < kSteps; ++step) {
      const auto& cell = outcome(static_cast<Fault>(fault), static_cast<Step>(step));
      EXPECT_FALSE(cell.lasting.empty() || cell.once.empty() || cell.sent == 0)
          << fault << " " << step;
    }
  }
}

// With KC_UPDATE_GOLDEN set the page is written instead.
TEST(FaultMatrixTable, ThePageShowsIt) {
  constexpr std::string_view kBegin = "<!-- matrix -->", kStop = "<!-- end of matrix -->";
  std::ifstream in(KC_FAULTS_PAGE);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto begin = text.find(kBegin), end = text.find(kStop);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const auto shown = text.substr(begin + kBegin.size(), end - begin - kBegin.size());
  if (std::getenv("KC_UPDATE_GOLDEN") != nullptr) {
    text.replace(begin + kBegin.size(), shown.size(), page());
    std::ofstream(KC_FAULTS_PAGE) << text;
    return;
  }
  EXPECT_EQ(shown, page());
}

}  // namespace
}  // namespace kc::faults
