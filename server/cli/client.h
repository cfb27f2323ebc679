// A client of the service's own HTTP API, for the commands that drive it. Used by demo. Thread
// promise: one owner at a time.
#pragma once

#include <string>

#include "core/model/progress.h"
#include "core/net/transport.h"

namespace kc::server {

class Client {
 public:
  // `transport` outlives it.
  Client(net::Transport& transport, std::string url)
      : transport_(transport), url_(std::move(url)) {}

  // The curl line that does the same as `create_job`.
  std::string curl_of_create(const std::string& body) const;
  std::string curl_of_progress(const std::string& id) const;
  // Kind invalid with the problem's own code where the service refuses.
  Result<std::string> create_job(const std::string& body);  // its id
  Result<Progress> progress(const std::string& id);

 private:
  Result<net::HttpAnswer> ask(net::Method method, const std::string& path, std::string body);
  net::Transport& transport_;
  std::string url_;
};

}  // namespace kc::server
