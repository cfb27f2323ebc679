// The HTTP face of data management, on a port of its own: /v1/rest/mgmt, /v1/rest/auth/metadata and
// the REST form of queued ingestion under /v1/rest/ingestion, as official SDKs speak to an
// `ingest-` address. Used by the program and by tests. Thread promise: start and stop belong to one
// owner; requests run on the server's threads.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"

namespace kc::engine {
class DataManagement;
}

namespace kc::api {

class HttpServer;

struct DmEndpointOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any free one
  int threads = 32;
};

class DmEndpoint {
 public:
  // Listening once this returns; the management must outlive it. Kind conflict,
  // server.port_in_use.
  static Result<std::unique_ptr<DmEndpoint>> start(engine::DataManagement& management,
                                                   const DmEndpointOptions& options);
  ~DmEndpoint();
  DmEndpoint(const DmEndpoint&) = delete;
  DmEndpoint& operator=(const DmEndpoint&) = delete;

  int port() const;
  std::string url() const;  // http://127.0.0.1:<port>
  void stop();

 private:
  DmEndpoint(std::unique_ptr<HttpServer> server, std::string host);
  std::unique_ptr<HttpServer> server_;
  std::string host_;
};

}  // namespace kc::api
