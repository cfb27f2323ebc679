#include "server/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "core/base/check.h"

namespace kc::server {
namespace {

sigset_t ending() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Wake::Wake() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  KC_ASSERT(descriptor_ >= 0, "no descriptor left at start");
}
Wake::~Wake() { ::close(descriptor_); }

void Wake::set() {
  const std::uint64_t one = 1;
  // A full counter is awake already.
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void Wake::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(descriptor_, &count, sizeof count);
}

Signals::Signals() {
  const sigset_t set = ending();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  KC_ASSERT(descriptor_ >= 0, "no descriptor left at start");
}

Signals::~Signals() { ::close(descriptor_); }

Signals::Event Signals::wait(Wake& wake, std::optional<std::chrono::milliseconds> timeout) {
  std::array<pollfd, 2> waits{pollfd{descriptor_, POLLIN, 0}, pollfd{wake.descriptor(), POLLIN, 0}};
  ::poll(waits.data(), waits.size(), timeout ? static_cast<int>(timeout->count()) : -1);
  Event event;
  signalfd_siginfo info{};
  if (::read(descriptor_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    event.signal = static_cast<int>(info.ssi_signo);
  if ((waits[1].revents & POLLIN) != 0) {
    wake.clear();
    event.woken = true;
  }
  return event;
}

void Signals::release() {
  const sigset_t set = ending();
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace kc::server
