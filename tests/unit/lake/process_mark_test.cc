#include "core/lake/process_mark.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace kc {
namespace {

// A process that lives until told.
struct Child {
  Child() {
    if (::pipe(hold.data()) != 0) std::abort();
    pid = ::fork();
    if (pid == 0) {
      ::close(hold[1]);
      char c = 0;
      static_cast<void>(::read(hold[0], &c, 1));
      ::_exit(0);
    }
    ::close(hold[0]);
  }
  // Without asking for its exit code: it stays a zombie.
  void end() {
    ::close(hold[1]);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  }
  void reap() { ::waitpid(pid, nullptr, 0); }
  std::array<int, 2> hold{};
  pid_t pid = -1;
};

TEST(ProcessMark, TellsTheLivingFromTheDead) {
  EXPECT_EQ(look_for(process_mark()), Seen::alive);
  Child child;
  const auto mark = process_mark(child.pid);
  EXPECT_NE(mark, process_mark());
  EXPECT_EQ(look_for(mark), Seen::alive);
  child.end();
  EXPECT_EQ(look_for(mark), Seen::gone);
  child.reap();
  EXPECT_EQ(look_for(mark), Seen::gone);
  EXPECT_EQ(process_mark(child.pid), "");
}

TEST(ProcessMark, AnIdUsedAgainIsAnotherProcess) {
  auto mark = process_mark();
  mark += "0";  // another start
  EXPECT_EQ(look_for(mark), Seen::gone);
}

TEST(ProcessMark, OfAnotherMachineNothingIsKnown) {
  EXPECT_EQ(look_for("4b3a/pid:[4026531836]/17/4711"), Seen::unknown);
  for (const char* text : {"", "/", "nonsense", "\n"}) EXPECT_EQ(look_for(text), Seen::unknown);
  auto mark = process_mark();
  mark.resize(mark.rfind('/'));
  EXPECT_EQ(look_for(mark), Seen::unknown);
}

}  // namespace
}  // namespace kc
