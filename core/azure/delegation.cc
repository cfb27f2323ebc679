#include "core/azure/delegation.h"

#include <pugixml.hpp>

#include "core/base/base64.h"

namespace kc::azure {

Result<DelegationKey> get_delegation_key(Line& line, Ticks start, Ticks expiry) {
  if (expiry - start > kDelegationKeyLifeMax)
    return fail(ErrorKind::invalid, "storage.delegation", "a delegation key lives seven days");
  StorageCall call{.method = net::Method::post, .path = "/"};
  call.query = {{"restype", "service"}, {"comp", "userdelegationkey"}};
  call.has_request_id = false;  // Azurite's has none
  call.headers = {{"Content-Type", "application/xml"}};
  call.body = R"(<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>)" + sas_time(start) +
              "</Start><Expiry>" + sas_time(expiry) + "</Expiry></KeyInfo>";
  const std::string what = "asking for a delegation key";
  KC_TRY(const auto answer, line.send(call, {200}, what));
  pugi::xml_document document;
  document.load_buffer(answer.body.data(), answer.body.size());
  const auto root = document.child("UserDelegationKey");
  DelegationKey key{.object_id = root.child_value("SignedOid"),
                    .tenant_id = root.child_value("SignedTid"),
                    .start = root.child_value("SignedStart"),
                    .expiry = root.child_value("SignedExpiry"),
                    .service = root.child_value("SignedService"),
                    .version = root.child_value("SignedVersion"),
                    .value = root.child_value("Value")};
  const bool whole = !key.object_id.empty() && !key.tenant_id.empty() && !key.start.empty() &&
                     !key.expiry.empty() && !key.service.empty() && !key.version.empty() &&
                     unbase64(key.value) && !key.value.empty();
  if (!whole)
    return fail(ErrorKind::corrupt, "storage.corrupt", what + ": the answer is no delegation key");
  return key;
}

}  // namespace kc::azure
