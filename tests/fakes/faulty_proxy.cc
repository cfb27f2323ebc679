#include "tests/fakes/faulty_proxy.h"

#include <algorithm>
#include <chrono>

#include "core/base/text.h"
#include "tests/fakes/fault_answers.h"

namespace kc::fakes {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, kFaults> kWords = {
    "refuse",       "reset_before",       "reset_after",  "black_hole",     "slow_drip",
    "truncated",    "wrong_content_type", "throttled",    "busy",           "failed_after",
    "error_in_200", "expired_token",      "tls_stranger", "tls_wrong_name", "tls_old"};
constexpr auto kDrip = 5ms;  // between two bytes

net::Method method_named(const std::string& word) {
  for (const auto one : {net::Method::get, net::Method::head, net::Method::put, net::Method::post,
                         net::Method::patch, net::Method::delete_}) {
    if (net::to_string(one) == word) return one;
  }
  return net::Method::get;
}

template <class Take>
void each_header(const std::string& head, Take take) {
  for (auto at = head.find("\r\n"); at != std::string::npos;) {
    at += 2;
    const auto end = std::min(head.find("\r\n", at), head.size());
    const auto line = std::string_view(head).substr(at, end - at);
    const auto colon = std::min(line.find(':'), line.size());
    if (colon < line.size())
      take(std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
    at = end < head.size() ? end : std::string::npos;
  }
}

std::optional<Fault> order_in(const RawRequest& request) {
  std::optional<Fault> order;
  each_header(request.head, [&](const std::string& name, const std::string& value) {
    if (lower(name) == FaultyProxy::kOrder) order = parse_fault(value);
  });
  return order;
}

// What belongs to one connection, or is the proxy's own.
bool is_passed_on(const std::string& name) {
  constexpr std::array kOwn = {"connection", "content-length",  "transfer-encoding",
                               "expect",     "accept-encoding", "keep-alive",
                               "x-fault"};
  return std::none_of(kOwn.begin(), kOwn.end(),
                      [&](const char* one) { return lower(name) == one; });
}

std::string rendered(const net::HttpAnswer& answer, bool head) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Status\r\n";
  std::string length = std::to_string(answer.body.size());
  for (const auto& [name, value] : answer.headers) {
    if (head && name == "content-length") length = value;
    if (is_passed_on(name)) text += name + ": " + value + "\r\n";
  }
  if (answer.status != 204) text += "Content-Length: " + length + "\r\n";
  return text + "\r\n" + (head ? "" : answer.body);
}

// Half of the body under a Content-Length that agrees with it, where the body is a text with a
// form; a body that has none, and an answer without one, breaks off.
std::string half_of(const std::string& whole) {
  const auto end = whole.find("\r\n\r\n");
  const auto head = whole.substr(0, end);
  const auto body = whole.substr(end + 4);
  std::string type;
  each_header(head, [&](const std::string& name, const std::string& value) {
    if (lower(name) == "content-type") type = value;
  });
  const bool form = type.find("json") != std::string::npos || type.find("xml") != std::string::npos;
  if (body.empty()) return head.substr(0, head.size() / 2);
  if (!form) return whole.substr(0, end + 4 + body.size() / 2);
  std::string text = head.substr(0, head.find("\r\n") + 2);
  each_header(head, [&](const std::string& name, const std::string& value) {
    if (is_passed_on(name)) text += name + ": " + value + "\r\n";
  });
  return text + "Content-Length: " + std::to_string(body.size() / 2) + "\r\n\r\n" +
         body.substr(0, body.size() / 2);
}

void drip(RawConnection& client, const std::string& whole) {
  for (const char& byte : whole) {
    if (!client.send({&byte, 1}) || client.client_closed_within(kDrip)) return;
  }
}

}  // namespace

std::string_view to_string(Fault fault) { return kWords.at(static_cast<std::size_t>(fault)); }

std::optional<Fault> parse_fault(std::string_view word) {
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<Fault>(found - kWords.begin());
}

bool is_carried_out(Fault fault, Face face) {
  switch (fault) {
    case Fault::reset_after:
    case Fault::slow_drip:
    case Fault::truncated:
    case Fault::failed_after:
      return true;
    case Fault::error_in_200:
      return face == Face::cluster;
    default:
      return false;
  }
}

FaultyProxy::FaultyProxy(FaultyProxyOptions options)
    : options_(std::move(options)),
      wrong_name_(make_curve_certificate("another host", "DNS:elsewhere.example")),
      trusted_(wrong_name_.certificate +
               (options_.certificate ? options_.certificate->certificate : std::string())),
      refused_(refused_port()),
      upstream_({.ca_file = options_.upstream_ca}),
      server_([this](RawConnection& client) { serve(client); },
              options_.certificate ? options_.certificate->certificate : "",
              options_.certificate ? options_.certificate->key : "") {
  const auto count = [this](RawConnection& client) { serve(client); };
  const auto unknown = make_curve_certificate("stranger");
  stranger_ = std::make_unique<RawServer>(count, unknown.certificate, unknown.key);
  named_otherwise_ = std::make_unique<RawServer>(count, wrong_name_.certificate, wrong_name_.key);
  old_ = std::make_unique<RawServer>(count, wrong_name_.certificate, wrong_name_.key, true);
}

FaultyProxy::~FaultyProxy() {
  stop_.request_stop();
  upstream_.close();
}

std::string FaultyProxy::url_of(Fault fault) const {
  switch (fault) {
    case Fault::refuse:
      return url().substr(0, url().rfind(':') + 1) + std::to_string(refused_);
    case Fault::tls_stranger:
      return stranger_->url("");
    case Fault::tls_wrong_name:
      return named_otherwise_->url("");
    case Fault::tls_old:
      return old_->url("");
    default:
      return url();
  }
}

int FaultyProxy::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

int FaultyProxy::carried_out() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [&] { return under_way_ == 0; });
  return carried_out_;
}

void FaultyProxy::forget() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [&] { return under_way_ == 0; });
  received_ = carried_out_ = 0;
}

void FaultyProxy::serve(RawConnection& client) {
  while (const auto request = client.read_request()) {
    if (!answer(client, *request)) return;
  }
}

std::optional<std::string> FaultyProxy::forward(const RawRequest& request, bool counted) {
  const auto method = method_of(request);
  net::HttpCall call{.method = method_named(method), .url = options_.upstream + target_of(request)};
  each_header(request.head, [&](const std::string& name, const std::string& value) {
    if (is_passed_on(name)) call.headers.push_back({name, value});
  });
  // A connection of its own: none that the service has just closed.
  call.headers.push_back({"Connection", "close"});
  call.body = request.body;
  call.cancel = stop_.get_token();
  call.decompress = false;
  const auto answer = upstream_.exchange(call);
  if (counted) {
    const std::lock_guard lock(mutex_);
    carried_out_ += answer ? 1 : 0;
    --under_way_;
    settled_.notify_all();
  }
  if (!answer) return std::nullopt;
  return rendered(*answer, method == "HEAD");
}

// False where the connection ends with it.
bool FaultyProxy::answer(RawConnection& client, const RawRequest& request) {
  const auto fault = order_in(request);
  const bool passes = fault && is_carried_out(*fault, options_.face);
  if (fault) {
    const std::lock_guard lock(mutex_);
    ++received_;
    under_way_ += passes ? 1 : 0;
  }
  if (fault == Fault::black_hole) {
    client.wait_until_client_closes();
    return false;
  }
  if (fault && !passes && fault != Fault::reset_before)
    return client.send(answer_of(*fault, options_.face, request));
  if (fault == Fault::reset_before) {
    client.reset();
    return false;
  }
  const auto whole = forward(request, fault.has_value());
  if (!whole) {
    client.reset();
    return false;
  }
  if (!fault) return client.send(*whole);
  switch (*fault) {
    case Fault::reset_after:
      client.send(std::string_view(*whole).substr(0, whole->size() / 2));
      client.reset();
      return false;
    case Fault::slow_drip:
      drip(client, *whole);
      return false;
    case Fault::truncated:
      client.send(half_of(*whole));
      return false;
    default:
      return client.send(answer_of(*fault, options_.face, request));
  }
}

}  // namespace kc::fakes
