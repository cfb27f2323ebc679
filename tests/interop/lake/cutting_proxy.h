// A loopback port in front of an HTTP server that loses what a test says: the request, half of its
// body, or the answer. Used by the tests of the lake on blobs. Thread promise: `plan` is called by
// several threads, one request each; the destructor ends all of them.
#pragma once

#include <functional>

#include "tests/fakes/raw_server.h"

namespace kc {

enum class Cut {
  nothing,
  request,      // the server never sees it
  body,         // the server sees its head and half of its body
  answer,       // the server has carried it out
  half_answer,  // and half of the answer comes through
  busy,         // 503 ServerBusy, and nothing was done
  throttled,    // 429, and nothing was done
  failed,       // 500 OperationTimedOut, and it was done
  silence,      // it was done, and nothing is said until the client gives up
  stranger,     // 200 with a page of HTML, and nothing was done
};

class CuttingProxy {
 public:
  using Plan = std::function<Cut(const fakes::RawRequest&)>;
  CuttingProxy(int port, Plan plan);
  int port() const { return server_.port(); }

 private:
  void serve(fakes::RawConnection& client);

  const int port_;
  const Plan plan_;
  fakes::RawServer server_;  // last: its threads use what is above
};

}  // namespace kc
