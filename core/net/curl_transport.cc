#include "core/net/curl_transport.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/net/curl_exchange.h"

namespace kc::net {
namespace {

constexpr int kPollMillisecondsMax =
    60'000;  // curl_multi_wakeup ends it; libcurl's own timers shorten it
constexpr std::size_t kEasyHandlesKeptMax = 64;

struct MultiDelete {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// A caller waits here; the I/O thread answers exactly once.
struct Waiting {
  Waiting(const HttpCall& call, const CurlOptions& options) : exchange(call, options, handover) {}

  Handover handover;
  CurlExchange exchange;
  Easy easy;  // the I/O thread's
};

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] { KC_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

// As OpenSSL's own programs read it, and libcurl does not.
CurlOptions with_ca_file(CurlOptions options) {
  const char* trusted = std::getenv("SSL_CERT_FILE");
  if (options.ca_file.empty() && trusted != nullptr) options.ca_file = trusted;
  return options;
}

// Without the query, where a signature would be.
std::string_view path_of(std::string_view url) {
  const auto scheme = url.find("://");
  const auto path = url.find_first_of("/?#", scheme == std::string_view::npos ? 0 : scheme + 3);
  if (path == std::string_view::npos || url[path] != '/') return "/";
  url.remove_prefix(path);
  return url.substr(0, url.find_first_of("?#"));
}

}  // namespace

struct CurlTransport::State {
  explicit State(CurlOptions given) : options(with_ca_file(std::move(given))) {
    initialise_curl();
    multi.reset(curl_multi_init());
    KC_ASSERT(multi != nullptr, "curl_multi_init");
    curl_multi_setopt(multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS,
                      options.connections_per_origin_max);
    curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, options.connections_idle_max);
    io = std::jthread([this] { run(); });
  }

  void wake() { curl_multi_wakeup(multi.get()); }

  // ---- The I/O thread.
  void run();
  void begin(Waiting* one);
  void end(Waiting* one, Result<HttpAnswer> result);
  void take_finished();
  void take_cancelled();
  void resume();
  // ---- The waiting thread.
  Result<HttpAnswer> exchange(const HttpCall& call, Waiting& waiting);
  Result<HttpAnswer> feed(Waiting& one, const BodySink& sink);
  void tell(const HttpCall& call, const Waiting& one, const Result<HttpAnswer>& answer,
            Timespan took) const;

  const CurlOptions options;
  std::unique_ptr<CURLM, MultiDelete> multi;

  std::mutex mutex;               // guards the next two
  std::vector<Waiting*> arrived;  // not yet seen by the I/O thread
  bool closed = false;
  std::atomic<bool> look_for_cancelled = false;
  std::atomic<bool> look_for_resumed = false;

  std::vector<Waiting*> active;  // the I/O thread's
  std::vector<Easy> spare;       // likewise
  std::jthread io;               // last: it ends before the rest goes
};

void CurlTransport::State::run() {
  // A peer that closes while OpenSSL writes would otherwise end the process.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  while (true) {
    std::vector<Waiting*> fresh;
    bool closing = false;
    {
      std::lock_guard lock(mutex);
      fresh.swap(arrived);
      closing = closed;
    }
    for (Waiting* one : fresh) begin(one);
    if (look_for_cancelled.exchange(false)) take_cancelled();
    if (look_for_resumed.exchange(false)) resume();
    if (closing) {
      while (!active.empty()) end(active.back(), fail(active.back()->exchange.cancelled()));
      return;
    }
    int running = 0;
    curl_multi_perform(multi.get(), &running);
    take_finished();
    curl_multi_poll(multi.get(), nullptr, 0, kPollMillisecondsMax, nullptr);
  }
}

void CurlTransport::State::begin(Waiting* one) {
  if (!spare.empty()) {
    one->easy = std::move(spare.back());
    spare.pop_back();
  } else {
    one->easy.reset(curl_easy_init());
    KC_ASSERT(one->easy != nullptr, "curl_easy_init");
  }
  active.push_back(one);
  if (one->exchange.cancel_wanted) return end(one, fail(one->exchange.cancelled()));
  if (auto ready = one->exchange.set_up(one->easy.get()); !ready)
    return end(one, fail(std::move(ready).error()));
  curl_multi_add_handle(multi.get(), one->easy.get());
}

void CurlTransport::State::end(Waiting* one, Result<HttpAnswer> result) {
  one->exchange.note_traffic();
  curl_multi_remove_handle(multi.get(), one->easy.get());
  if (spare.size() < kEasyHandlesKeptMax) {
    curl_easy_reset(one->easy.get());  // it must not point into the call any more
    spare.push_back(std::move(one->easy));
  } else {
    one->easy.reset();
  }
  std::erase(active, one);
  one->handover.end(std::move(result));
}

void CurlTransport::State::take_finished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;  // `message` is gone once the handle is removed
    const auto found = std::find_if(active.begin(), active.end(),
                                    [&](Waiting* one) { return one->easy.get() == easy; });
    KC_ASSERT(found != active.end());
    Waiting* one = *found;
    end(one, one->exchange.take(easy, code));
  }
}

void CurlTransport::State::take_cancelled() {
  const std::vector<Waiting*> now = active;
  for (Waiting* one : now) {
    if (one->exchange.cancel_wanted) end(one, fail(one->exchange.cancelled()));
  }
}

void CurlTransport::State::resume() {
  const std::vector<Waiting*> now = active;
  for (Waiting* one : now) {
    if (!one->exchange.resume_wanted.exchange(false)) continue;
    // What libcurl had kept is offered at once; a refusal of that is told here and nowhere else.
    const CURLcode code = curl_easy_pause(one->easy.get(), CURLPAUSE_CONT);
    if (code != CURLE_OK) end(one, one->exchange.take(one->easy.get(), code));
  }
}

Result<HttpAnswer> CurlTransport::State::feed(Waiting& one, const BodySink& sink) {
  std::string piece;
  bool room = false;
  while (one.handover.next(piece, room)) {
    if (room) {
      one.exchange.resume_wanted = true;
      look_for_resumed = true;
      wake();
    }
    if (auto taken = sink(piece); !taken) {
      one.exchange.cancel_wanted = true;
      look_for_cancelled = true;
      wake();
      std::ignore = one.handover.result();
      return fail(std::move(taken).error());
    }
  }
  return one.handover.result();
}

Result<HttpAnswer> CurlTransport::State::exchange(const HttpCall& call, Waiting& waiting) {
  if (call.cancel.stop_requested()) return fail(waiting.exchange.cancelled());
  {
    std::lock_guard lock(mutex);
    if (closed) return fail(waiting.exchange.cancelled());
    arrived.push_back(&waiting);
  }
  wake();
  // Declared after `waiting`, so it is gone before it; its destructor waits for a running callback.
  const std::stop_callback on_cancel(call.cancel, [&] {
    waiting.exchange.cancel_wanted = true;
    look_for_cancelled = true;
    wake();
  });
  return call.sink ? feed(waiting, call.sink) : waiting.handover.result();
}

void CurlTransport::State::tell(const HttpCall& call, const Waiting& one,
                                const Result<HttpAnswer>& answer, Timespan took) const {
  const std::string origin = origin_of(call.url);
  const auto id = std::find_if(call.headers.begin(), call.headers.end(), [](const Header& each) {
    return lower(each.name) == "x-ms-client-request-id";
  });
  const auto& traffic = one.exchange.traffic();
  const ExchangeSeen seen{
      .method = call.method,
      .origin = origin,
      .path = path_of(call.url),
      .request_id = id == call.headers.end() ? std::string_view() : std::string_view(id->value),
      .attempt = call.attempt,
      .status = answer ? answer->status : 0,
      .error = answer ? std::string_view() : std::string_view(answer.error().code),
      .bytes_out = traffic.sent ? call.body.size() : 0,
      .bytes_in = traffic.bytes_in,
      .took = took,
      .sent = traffic.sent,
      .connected = traffic.connected};
  for (ExchangeWatcher* watcher : options.watchers) watcher->saw(seen);
}

CurlTransport::CurlTransport(CurlOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}

CurlTransport::~CurlTransport() { close(); }

Result<HttpAnswer> CurlTransport::exchange(const HttpCall& call) {
  Waiting waiting(call, state_->options);
  const auto begin = std::chrono::steady_clock::now();
  auto answer = state_->exchange(call, waiting);
  if (!state_->options.watchers.empty())
    state_->tell(call, waiting, answer, Timespan::from(std::chrono::steady_clock::now() - begin));
  return answer;
}

void CurlTransport::close() {
  {
    std::lock_guard lock(state_->mutex);
    state_->closed = true;
  }
  state_->wake();
}

}  // namespace kc::net
