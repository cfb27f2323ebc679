#include "core/net/curl_exchange.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "core/base/text.h"

namespace kc::net {
namespace {

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

// Anything below a space except a tab would end the line or the request.
bool is_header_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// libcurl reads http_proxy and leaves HTTP_PROXY out, because in a CGI program that is a header of
// the request. Where it cannot be that, it is what other clients of these services read.
const char* proxy_in_capitals(std::string_view url) {
  const bool is_http = lower(url.substr(0, 7)) == "http://";
  if (!is_http || std::getenv("http_proxy") != nullptr || std::getenv("REQUEST_METHOD") != nullptr)
    return nullptr;
  return std::getenv("HTTP_PROXY");
}

std::string sha1_of(X509* certificate) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha1(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[digest.at(i) >> 4U];
    text += kHex[digest.at(i) & 15U];
  }
  return text;
}

// Instead of the usual verification: nothing counts but the certificate itself.
int verify_pinned(X509_STORE_CTX* context, void* call) {
  auto* shown = X509_STORE_CTX_get0_cert(context);
  const auto& wanted = static_cast<const HttpCall*>(call)->certificate_sha1;
  const bool same = shown != nullptr && sha1_of(shown) == lower(wanted);
  X509_STORE_CTX_set_error(context, same ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return same ? 1 : 0;
}

}  // namespace

CURLcode CurlExchange::on_tls(CURL*, void* tls, void* self) {
  const auto* call = &static_cast<CurlExchange*>(self)->call_;
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(tls), verify_pinned,
                                   const_cast<HttpCall*>(call));
  return CURLE_OK;
}

Result<void> CurlExchange::set_up(CURL* easy) {
  const std::string origin = origin_of(call_.url);
  if (host_of(call_.url).empty())
    return fail(ErrorKind::invalid, "net.invalid_call", "the address has no host");
  for (const Header& one : call_.headers) {
    if (!is_header_name(one.name) || !is_header_value(one.value)) {
      return fail(
          ErrorKind::invalid, "net.invalid_call",
          "a request to " + origin +
              " has a header that cannot be sent: its name or value has a control character");
    }
    // "Name;" is libcurl's spelling of a header with an empty value.
    const std::string line = one.value.empty() ? one.name + ";" : one.name + ": " + one.value;
    header_list_ = curl_slist_append(header_list_, line.c_str());
  }
  // No waiting for 100-continue: one round trip less, and servers answer early errors anyway.
  header_list_ = curl_slist_append(header_list_, "Expect:");

  easy_ = easy;
  curl_easy_reset(easy);
  CURLcode code = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode one = curl_easy_setopt(easy, option, value);
        one != CURLE_OK && code == CURLE_OK)
      code = one;
  };
  set(CURLOPT_URL, call_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  const auto host = host_of(call_.url);
  if (is_loopback_host(host) || is_link_local_host(host)) {
    set(CURLOPT_PROXY, "");
  } else if (const char* proxy = proxy_in_capitals(call_.url)) {
    set(CURLOPT_PROXY, proxy);
  }
  // A name that nobody resolves must not hold up the I/O thread after its deadline.
  set(CURLOPT_QUICK_EXIT, 1L);
  // A connection for each exchange: of those that share one, 7.88 loses the end where one is
  // paused.
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!call_.certificate_sha1.empty()) {
    // Neither a connection nor a session that was verified otherwise may serve this call.
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    set(CURLOPT_SSL_CTX_FUNCTION, &CurlExchange::on_tls);
    set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
  }
  set(CURLOPT_CONNECTTIMEOUT_MS,
      std::max(1L, static_cast<long>(options_.connect_deadline.to_milliseconds().count())));
  set(CURLOPT_TIMEOUT_MS,
      std::max(1L, static_cast<long>(call_.deadline.to_milliseconds().count())));
  if (call_.decompress) set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  set(CURLOPT_ERRORBUFFER, text_);
  set(CURLOPT_HTTPHEADER, header_list_);
  set(CURLOPT_WRITEFUNCTION, &CurlExchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &CurlExchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &CurlExchange::on_request);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  if (call_.method == Method::head) {
    set(CURLOPT_NOBODY, 1L);
  } else if (call_.method != Method::get || !call_.body.empty()) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, call_.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size()));
  }
  if (call_.method != Method::head) set(CURLOPT_CUSTOMREQUEST, to_string(call_.method).data());
  if (code != CURLE_OK) {
    return fail(ErrorKind::invalid, "net.invalid_call",
                "a request to " + origin + " cannot be made: " + curl_easy_strerror(code));
  }
  return {};
}

std::size_t CurlExchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<CurlExchange*>(self)->take_body({data, size * count});
}

std::size_t CurlExchange::take_body(std::string_view bytes) {
  if (bytes.size() > call_.answer_bytes_max - body_bytes_) {
    too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  long status = 0;
  if (call_.sink) curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (status == kStatusOk) {
    // libcurl offers the same bytes again once it is resumed.
    if (!handover_.offer(bytes)) return CURL_WRITEFUNC_PAUSE;
  } else {
    answer_.body.append(bytes);
  }
  body_bytes_ += bytes.size();
  return bytes.size();
}

std::size_t CurlExchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  const std::size_t bytes = size * count;
  return static_cast<CurlExchange*>(self)->add_header({data, bytes}) ? bytes : 0;
}

bool CurlExchange::add_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kAnswerHeaderBytesMax) {
    too_large_ = true;
    return false;
  }
  if (line.starts_with("HTTP/")) {  // an answer begins; one of 100 may have come before
    answer_.headers.clear();
    head_ended_ = false;
    return true;
  }
  if (line == "\r\n" || line == "\n") head_ended_ = true;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name(trim(line.substr(0, colon)));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  answer_.headers.push_back({std::move(name), std::string(trim(line.substr(colon + 1)))});
  return true;
}

// libcurl sends a request again by itself when a reused connection dies before the first byte of
// the answer. It cannot know whether the server had already executed the first one, so a second
// send needs the caller's word that it may.
int CurlExchange::on_request(void* self, char*, char*, int, int) {
  auto& one = *static_cast<CurlExchange*>(self);
  return ++one.sent_ == 1 || one.call_.repeatable ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

Error CurlExchange::cancelled() const {
  return {.kind = ErrorKind::cancelled,
          .code = "net.cancelled",
          .message = "the request to " + origin_of(call_.url) + " was cancelled"};
}

void CurlExchange::note_traffic() {
  if (easy_ == nullptr) return;
  curl_off_t bytes = 0;
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  traffic_ = {
      .bytes_in = static_cast<std::uint64_t>(bytes), .sent = sent_ > 0, .connected = connects > 0};
}

Result<HttpAnswer> CurlExchange::take(CURL* easy, CURLcode code) {
  // libcurl takes a head that breaks off for one that has ended.
  if (code == CURLE_OK && !head_ended_) code = CURLE_PARTIAL_FILE;
  if (code != CURLE_OK || too_large_) return fail(broken(code));
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer_.status = static_cast<int>(status);
  return std::move(answer_);
}

Error CurlExchange::refused_by_proxy(long status) const {
  const bool passing = status >= 500 || status == 408 || status == 429;
  Error error{.kind = passing ? ErrorKind::unavailable : ErrorKind::invalid,
              .code = passing ? "net.unreachable" : "net.proxy_refused",
              .message = "the proxy made no way to " + origin_of(call_.url) + ": it answered " +
                         std::to_string(status) + "; nothing was sent"};
  if (!passing) error.fix = "check HTTPS_PROXY and its user, or name this host in NO_PROXY";
  return error;
}

Error CurlExchange::broken(CURLcode code) const {
  const std::string origin = origin_of(call_.url);
  const std::string detail = curl_easy_strerror(code);
  const bool sent = sent_ > 0;
  Error error{.kind = ErrorKind::unavailable, .code = "net.broken", .message = {}};
  if (too_large_) {
    error.code = "net.answer_too_large";
    error.message =
        origin + " answered with more than " + std::to_string(call_.answer_bytes_max) + " bytes";
  } else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
             code == CURLE_LOGIN_DENIED) {
    error.kind = ErrorKind::invalid;
    error.code = "net.invalid_call";
    error.message = "the address of " + origin + " cannot be used: " + detail;
  } else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    error.kind = ErrorKind::invalid;
    error.code = "net.tls_untrusted";
    error.message =
        "the certificate of " + origin + " is not trusted: " + (text_[0] != '\0' ? text_ : detail);
    error.fix =
        "give the certificate authority of this server, or use the name that its certificate is "
        "made for";
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    error.code = sent ? "net.timeout" : "net.unreachable";
    error.message = sent ? origin + " did not answer within " + format_timespan(call_.deadline) +
                               "; it may have executed the request"
                         : "no connection to " + origin + " in time; nothing was sent";
  } else if (long status = 0;
             !sent && curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK &&
             status >= 300) {
    return refused_by_proxy(status);
  } else if (!sent) {
    error.code = "net.unreachable";
    error.message = "no connection to " + origin + ": " + detail + "; nothing was sent";
  } else {
    error.message =
        "the connection to " + origin + " broke: " + detail + "; it may have executed the request";
  }
  return error;
}

}  // namespace kc::net
