// Names that are never resolved and connections that are never accepted end in time, and hold
// nothing else up.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include "core/net/curl_transport.h"
#include "tests/fakes/full_backlog.h"
#include "tests/fakes/raw_server.h"
#include "tests/unit/net/exchanges.h"

namespace {

// A resolver that says nothing about names of this kind until the test lets it.
struct SilentNames {
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  int asked = 0, answered = 0;

  int wait() {
    std::unique_lock lock(mutex);
    ++asked;
    changed.notify_all();
    changed.wait(lock, [&] { return released; });
    ++answered;
    changed.notify_all();
    return EAI_AGAIN;
  }
  void release_and_wait() {
    std::unique_lock lock(mutex);
    released = true;
    changed.notify_all();
    changed.wait(lock, [&] { return answered == asked; });
  }
} silent_names;

}  // namespace

// In the place of the C library's, for every caller in this program.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  if (node != nullptr && std::strcmp(node, "silent.example.invalid") == 0)
    return silent_names.wait();
  static const auto kReal =
      reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return kReal(node, service, hints, result);
}

namespace kc::net {
namespace {

using fakes::raw_answer;
using fakes::RawConnection;
using fakes::RawServer;

TEST(CurlBlackHole, AConnectionThatIsNeverAcceptedEndsAtItsOwnDeadline) {
  const fakes::FullBacklog hole;
  CurlTransport transport({.connect_deadline = Timespan::milliseconds(100)});
  HttpCall call{.method = Method::post, .url = hole.url() + "/"};
  call.deadline = Timespan::seconds(100);
  const auto answer = transport.exchange(call);
  expect_unavailable(answer, "net.unreachable", "nothing was sent");
}

TEST(CurlBlackHole, ANameThatIsNeverResolvedHoldsNothingElseUp) {
  RawServer server([](RawConnection& c) { answer_all(c, raw_answer(200, "ok")); });
  {
    CurlTransport transport({.connect_deadline = Timespan::milliseconds(100)});
    HttpCall call{.url = "https://silent.example.invalid/"};
    call.deadline = Timespan::seconds(100);
    const auto answer = transport.exchange(call);
    expect_unavailable(answer, "net.unreachable", "nothing was sent");
    // The resolver is still silent: the I/O thread must not be waiting for it, nor must the end.
    EXPECT_TRUE(transport.exchange({.url = server.url()}));
  }
  silent_names.release_and_wait();
}

}  // namespace
}  // namespace kc::net
