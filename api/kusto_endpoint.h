// The embedded engine's Kusto-compatible HTTP face: queries, management commands, streaming
// ingestion and what clients ask first, on one loopback port, as official SDKs speak to a cluster.
// Used by the program and by tests. Thread promise: start and stop belong to one owner; requests
// run on the server's threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"

namespace kc::api {

class HttpServer;

struct KustoEndpointOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any free one
  int threads = 64;
  bool require_token =
      false;           // requests without a bearer token are refused; which one is not asked
  bool admin = false;  // serves kusto_endpoint_admin.h too
  // Answers the commands of data management, for clients that know one address for both faces;
  // nullopt: it is none of them. Called from the server's threads.
  std::function<std::optional<Result<engine::DataSet>>(
      const std::string& database, const std::string& text, const engine::RequestOptions& options)>
      management = {};
};

class KustoEndpoint {
 public:
  // Listening once this returns; the engine must outlive it. Kind conflict, server.port_in_use.
  static Result<std::unique_ptr<KustoEndpoint>> start(engine::Engine& engine,
                                                      const KustoEndpointOptions& options);
  ~KustoEndpoint();
  KustoEndpoint(const KustoEndpoint&) = delete;
  KustoEndpoint& operator=(const KustoEndpoint&) = delete;

  int port() const;
  std::string url() const;  // http://127.0.0.1:<port>
  void stop();

 private:
  KustoEndpoint(std::unique_ptr<HttpServer> server, std::string host);
  std::unique_ptr<HttpServer> server_;
  std::string host_;
};

}  // namespace kc::api
