// One exchange as libcurl sees it: an easy handle set up from a call, the answer it collects, and
// the reading of how it ended. Only curl_transport.cc uses it. Thread promise: one thread at a
// time; made by the caller, run by the I/O thread.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/net/curl_transport.h"
#include "core/net/handover.h"

namespace kc::net {

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;

struct Traffic {
  std::uint64_t bytes_in = 0;
  bool sent = false, connected = false;
};

class CurlExchange {
 public:
  CurlExchange(const HttpCall& call, const CurlOptions& options, Handover& handover)
      : call_(call), options_(options), handover_(handover) {}
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;
  ~CurlExchange() { curl_slist_free_all(header_list_); }

  // Kind invalid where the call cannot be sent at all.
  Result<void> set_up(CURL* easy);
  Result<HttpAnswer> take(CURL* easy, CURLcode code);
  Error cancelled() const;
  // What is known of it before its handle is used for another; read it after the end.
  void note_traffic();
  const Traffic& traffic() const { return traffic_; }

  std::atomic<bool> cancel_wanted = false;
  std::atomic<bool> resume_wanted = false;  // the reader has room again

 private:
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static int on_request(void* self, char*, char*, int, int);
  static CURLcode on_tls(CURL*, void* tls, void* self);
  std::size_t take_body(std::string_view bytes);
  bool add_header(std::string_view line);
  Error broken(CURLcode code) const;
  Error refused_by_proxy(long status) const;

  const HttpCall& call_;
  const CurlOptions& options_;
  Handover& handover_;
  CURL* easy_ = nullptr;  // while it is set up
  HttpAnswer answer_;
  curl_slist* header_list_ = nullptr;
  std::size_t header_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  Traffic traffic_;
  int sent_ = 0;  // how often libcurl went on to send the request
  bool head_ended_ = false;
  bool too_large_ = false;
  char text_[CURL_ERROR_SIZE] = {};
};

}  // namespace kc::net
