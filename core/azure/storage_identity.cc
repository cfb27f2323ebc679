#include "core/azure/storage_identity.h"

#include "core/net/transport.h"

namespace kc::azure {
namespace {

// One audience for all accounts of all clouds:
// https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
constexpr const char* kScope = "https://storage.azure.com/.default";

Error not_signed_in(Error error, std::string_view endpoint) {
  if (error.kind == ErrorKind::not_found) error.kind = ErrorKind::denied;
  if (error.kind == ErrorKind::corrupt) error.kind = ErrorKind::unavailable;
  return std::move(error).in("signing in to " + net::origin_of(std::string(endpoint)));
}

}  // namespace

Result<std::shared_ptr<TokenCredential>> StorageIdentity::credential() {
  return chain_.with(
      [&](std::shared_ptr<TokenCredential>& chain) -> Result<std::shared_ptr<TokenCredential>> {
        if (!chain) {
          KC_TRY(chain, default_chain(with_, options_));
        }
        return chain;
      });
}

Result<std::string> StorageIdentity::token(std::string_view endpoint, const std::string& refused,
                                           const std::stop_token& stop) {
  KC_CHECK_OK(trusted_.check_storage(endpoint));
  const auto chain = credential();
  if (!chain) return fail(not_signed_in(chain.error(), endpoint));
  const TokenRequest request{.scope = kScope, .cancel = stop};
  if (!refused.empty()) tokens_.drop(**chain, request, refused);
  const auto token = tokens_.token(**chain, request);
  if (!token) return fail(not_signed_in(token.error(), endpoint));
  return token->secret;
}

}  // namespace kc::azure
