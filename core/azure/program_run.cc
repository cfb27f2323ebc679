#include "core/azure/program_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

extern char** environ;
extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 does not say itself that this is C
}

namespace kc::azure {
namespace {

class Handle {
 public:
  explicit Handle(int number = -1) : number_(number) {}
  ~Handle() { close(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  int number() const { return number_; }
  void set(int number) {
    close();
    number_ = number;
  }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct Pipe {
  Handle read, write;
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read.set(ends[0]);
    write.set(ends[1]);
    return true;
  }
};

// What must be released after posix_spawn, however it went.
struct Plan {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  Plan() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~Plan() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
};

Failure broken(const char* code, const std::string& what) {
  return fail(ErrorKind::unavailable, code, what);
}

// A child in a process group of its own, so that what it starts ends with it.
class Child {
 public:
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    reap();
  }
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int start(const std::vector<std::string>& words, const Pipe& output, const Pipe& errors) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    Plan plan;
    ::posix_spawn_file_actions_addopen(&plan.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&plan.files, output.write.number(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&plan.files, errors.write.number(), STDERR_FILENO);
    sigset_t none, usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    ::sigaddset(&usual, SIGPIPE);
    ::sigaddset(&usual, SIGINT);
    ::sigaddset(&usual, SIGTERM);
    ::posix_spawnattr_setsigmask(&plan.attributes, &none);
    ::posix_spawnattr_setsigdefault(&plan.attributes, &usual);
    ::posix_spawnattr_setpgroup(&plan.attributes, 0);
    ::posix_spawnattr_setflags(
        &plan.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return ::posix_spawnp(&pid_, arguments[0], &plan.files, &plan.attributes, arguments.data(),
                          environ);
  }
  pid_t pid() const { return pid_; }
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
};

// False once the other side has closed it.
bool read_some(Handle& from, std::string& into) {
  std::array<char, 8192> bytes{};
  const auto size = ::read(from.number(), bytes.data(), bytes.size());
  if (size > 0) into.append(bytes.data(), static_cast<std::size_t>(size));
  return size > 0 || (size < 0 && errno == EINTR);
}

}  // namespace

Result<ProgramEnd> run_program(const ProgramRun& run) {
  using Steady = std::chrono::steady_clock;
  const auto until = Steady::now() + run.deadline.to_milliseconds();
  const std::string name = run.words.front();
  Pipe output, errors;
  const Handle stopped(::eventfd(0, EFD_CLOEXEC));
  if (!output.open() || !errors.open() || stopped.number() < 0)
    return broken("program.start", name + " cannot be started: " + std::strerror(errno));
  const std::stop_callback wake(run.cancel, [&] {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(stopped.number(), &one, sizeof(one)));
  });
  Child child;
  if (const int code = child.start(run.words, output, errors); code != 0) {
    if (code == ENOENT || code == EACCES)
      return fail(ErrorKind::not_found, "program.absent", name + " is not installed");
    return broken("program.start", name + " cannot be started: " + std::strerror(code));
  }
  output.write.close();
  errors.write.close();
  ProgramEnd end;
  // Readable once the child has ended; it may end before or after its outputs do.
  const Handle ended(::pidfd_open(child.pid(), 0));
  if (ended.number() < 0)
    return broken("program.start", name + " cannot be watched: " + std::strerror(errno));
  bool running = true;
  while (running || output.read.number() >= 0 || errors.read.number() >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now()).count();
    std::array<pollfd, 4> waits{
        pollfd{output.read.number(), POLLIN, 0}, pollfd{errors.read.number(), POLLIN, 0},
        pollfd{stopped.number(), POLLIN, 0}, pollfd{running ? ended.number() : -1, POLLIN, 0}};
    if (left <= 0 ||
        ::poll(waits.data(), waits.size(), static_cast<int>(std::min<long>(left, 60'000))) < 0) {
      if (left > 0 && errno == EINTR) continue;
      return broken("program.timeout", name + " did not end within " +
                                           std::to_string(run.deadline.to_milliseconds().count()) +
                                           " ms");
    }
    if (waits[2].revents != 0)
      return fail(ErrorKind::cancelled, "program.cancelled", name + " was stopped");
    if (waits[0].revents != 0 && !read_some(output.read, end.output)) output.read.close();
    if (waits[1].revents != 0 && !read_some(errors.read, end.errors)) errors.read.close();
    if (waits[3].revents != 0) running = false;
    if (end.output.size() > run.bytes_max || end.errors.size() > run.bytes_max)
      return broken("program.output",
                    name + " wrote more than " + std::to_string(run.bytes_max) + " bytes");
  }
  end.status = child.reap();
  return end;
}

}  // namespace kc::azure
