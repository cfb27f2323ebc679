#include "core/azure/azure_cli.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "core/azure/program_run.h"
#include "tests/unit/azure/identity_machine.h"

namespace kc::azure {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct AzureCliTest : ::testing::Test {
  IdentityMachine machine;
  // A program in the place of `az`.
  AzureCliOptions az(const std::string& script) {
    const auto path = machine.write("az", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    AzureCliOptions options;
    options.program = path;
    return options;
  }
  Result<AccessToken> ask(const std::string& script, const TokenRequest& request = asking()) {
    return std::move(azure_cli(machine.with, az(script))).value()->token(request);
  }
  std::string words() const {
    std::ifstream file(machine.folder / "words");
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

constexpr const char* kAnswer =
    R"(echo '{"accessToken":"cli-token","expiresOn":"2001-01-01 00:00:00.000000","expires_on":1795003600,"tokenType":"Bearer"}')";

TEST_F(AzureCliTest, RunsAzAsDocumented) {
  const auto token = ask("echo \"$@\" > " + (machine.folder / "words").string() + "\n" + kAnswer,
                         {.scope = kScope, .tenant = "tenant-1"});
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->secret, "cli-token");
  EXPECT_EQ(token->expires, kStart + Timespan::seconds(3600));
  EXPECT_EQ(words(),
            "account get-access-token --output json --resource https://kusto.kusto.windows.net "
            "--tenant tenant-1\n");
}

TEST_F(AzureCliTest, ReadsLocalTimeWhereAnOlderAzSaysNothingElse) {
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TZ", "Europe/Berlin", 1);
  ::tzset();
  const auto read = [](const char* local) {
    const auto token = read_cli_answer(
        std::string(R"(WARNING: old {"accessToken":"t","expiresOn":")") + local + R"("} )",
        Ticks{kTicksAtUnixEpoch});
    return token ? format_datetime(token->expires) : token.error().message;
  };
  EXPECT_EQ(read("2026-11-21 01:00:00.000000"), "2026-11-21T00:00:00.0000000Z");
  EXPECT_EQ(read("2026-07-21 01:00:00.000000"), "2026-07-20T23:00:00.0000000Z");
  before == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", kept.c_str(), 1);
  ::tzset();
}

TEST_F(AzureCliTest, TellsNotThereFromRefused) {
  const auto code = [&](const std::string& script) { return ask(script).error().code; };
  EXPECT_EQ(code("echo 'ERROR: Please run az login to setup account.' >&2; exit 1"),
            "identity.not_configured");
  EXPECT_EQ(code("exit 127"), "identity.not_configured");
  EXPECT_EQ(code("echo 'AADSTS700082: The refresh token has expired' >&2; exit 1"),
            "identity.refused");
  EXPECT_EQ(code("echo oops >&2; exit 3"), "identity.unavailable");
  EXPECT_EQ(code("echo no json"), "identity.bad_answer");
  EXPECT_EQ(code("echo '{\"accessToken\":\"a\"}'"), "identity.bad_answer");
  EXPECT_EQ(code("echo '{\"accessToken\":\"a\",\"expires_on\":7}'"), "identity.bad_answer");
  EXPECT_EQ(code("kill -9 $$"), "identity.unavailable");
  EXPECT_THAT(ask("echo secret-words >&2; exit 3").error().message, Not(HasSubstr("secret-words")));
  AzureCliOptions absent;
  absent.program = "no-such-program-az";
  const auto token = std::move(azure_cli(machine.with, absent)).value()->token(asking());
  EXPECT_EQ(token.error().code, "identity.not_configured");
}

TEST_F(AzureCliTest, NeverPassesWhatCouldBeAnOption) {
  EXPECT_FALSE(ask(kAnswer, asking("--debug/.default")));
  EXPECT_FALSE(ask(kAnswer, asking("x; rm/.default")));
  EXPECT_FALSE(ask(kAnswer, {.scope = kScope, .tenant = "a b"}));
  auto options = az(kAnswer);
  for (const char* subscription : {"--x", "a;b", "$(x)", "a\nb"}) {
    options.subscription = subscription;
    EXPECT_FALSE(azure_cli(machine.with, options)) << subscription;
  }
  options.subscription = "My Subscription (1)";
  EXPECT_TRUE(azure_cli(machine.with, options));
}

TEST_F(AzureCliTest, IsBoundedInTimeWithWhatItStarted) {
  // Whatever it started holds the pipe open for as long as it lives.
  const auto pipe = (machine.folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int end = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(end, 0);
  auto options = az("exec 3>" + pipe + "; echo begun >&3; tail -f /dev/null & wait");
  options.deadline = Timespan::milliseconds(500);
  const auto token = std::move(azure_cli(machine.with, options)).value()->token(asking());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "identity.unavailable");
  char begun[16];
  ASSERT_EQ(::read(end, begun, sizeof begun), 6) << "the program was not even begun";
  pollfd closed{.fd = end, .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&closed, 1, 20'000), 1) << "something it started lives on";
  EXPECT_EQ(::read(end, begun, sizeof begun), 0);
  ::close(end);
}

TEST(ProgramRun, ReadsBothOutputsAndTheStatus) {
  const auto end = run_program({.words = {"sh", "-c", "echo out; echo err >&2; exit 7"}});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->output, "out\n");
  EXPECT_EQ(end->errors, "err\n");
  EXPECT_EQ(end->status, 7);
}

TEST(ProgramRun, WaitsForAProgramThatHasClosedItsOutputs) {
  const auto end = run_program({.words = {"sh", "-c", "exec >&- 2>&-; kill -TERM $$"}});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 128 + 15);
}

TEST(ProgramRun, StopsAtItsLimits) {
  ProgramRun much{.words = {"sh", "-c", "yes"}};
  much.bytes_max = 100'000;
  EXPECT_EQ(run_program(much).error().code, "program.output");
  ProgramRun slow{.words = {"sleep", "60"}, .deadline = Timespan::milliseconds(50)};
  EXPECT_EQ(run_program(slow).error().code, "program.timeout");
  std::stop_source stop;
  stop.request_stop();
  ProgramRun stopped{.words = {"sleep", "60"}};
  stopped.cancel = stop.get_token();
  EXPECT_EQ(run_program(stopped).error().kind, ErrorKind::cancelled);
  EXPECT_EQ(run_program({.words = {"no-such-program"}}).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace kc::azure
