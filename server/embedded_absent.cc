#include "server/embedded.h"

namespace kc::server {
namespace {

Failure absent() {
  return fail(Error{.kind = ErrorKind::invalid,
                    .code = "engine.absent",
                    .message = "this program was built without the embedded engine",
                    .fix = "build it with -DKC_EMBEDDED=ON"});
}

}  // namespace

struct Embedded::State {};

Embedded::Embedded(std::unique_ptr<State> state) : state_(std::move(state)) {}
Embedded::~Embedded() = default;
Result<std::unique_ptr<Embedded>> Embedded::start(const EmbeddedOptions&) { return absent(); }
std::string Embedded::url() const { return {}; }
std::string Embedded::dm_url() const { return {}; }
Result<void> Embedded::create_database(const std::string&) { return absent(); }
void Embedded::stop() {}

}  // namespace kc::server
