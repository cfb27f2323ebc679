#include "core/azure/regional_authority.h"

#include <algorithm>
#include <array>

#include "core/base/json.h"
#include "core/base/text.h"

namespace kc::azure {
namespace {

constexpr const char* kRegionVariable = "AZURE_REGIONAL_AUTHORITY_NAME";
constexpr const char* kForcedRegionVariable = "MSAL_FORCE_REGION";
constexpr const char* kNoForcedRegion = "DisableMsalForceRegion";
constexpr const char* kFoundRegionVariable = "REGION_NAME";
constexpr std::array<std::string_view, 2> kFindIt = {"TryAutoDetect", "AutoDiscoverRegion"};

constexpr std::array<std::string_view, 4> kPublicHosts = {
    "login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"};
constexpr std::string_view kPublicRegionalHost = "login.microsoft.com";

constexpr const char* kMachine =
    "http://169.254.169.254/metadata/instance/compute?api-version=2021-02-01";
constexpr Timespan kMachineDeadline = Timespan::seconds(2);
constexpr std::size_t kMachineBytesMax = std::size_t{1} << 20;
constexpr std::size_t kRegionLengthMax = 63;  // of one part of a name

// What stands in front of a host's name must not change which host it is.
bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= kRegionLengthMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

Result<std::string> named(const char* variable, std::string_view value) {
  auto region = lower(trim(value));
  if (is_region(region)) return region;
  return fail(ErrorKind::invalid, "identity.invalid",
              std::string(variable) + " is no region's name: letters, digits and hyphens");
}

// Nothing where the machine is not one of Azure, or does not say.
std::string region_of_machine(const Surroundings& with, const TokenRequest& request) {
  net::HttpCall call{.url = kMachine, .headers = {{"Metadata", "true"}}};
  call.deadline = std::min(kMachineDeadline, request.deadline);
  call.cancel = request.cancel;
  call.answer_bytes_max = kMachineBytesMax;
  const auto answer = with.transport.exchange(call);
  if (!answer || answer->status != net::kStatusOk) return {};
  const auto body = nlohmann::json::parse(answer->body, nullptr, false);
  if (!body.is_object() || !body.contains("location") || !body["location"].is_string()) return {};
  const auto region = lower(body["location"].get<std::string>());
  return is_region(region) ? region : std::string();
}

Result<std::string> wanted_region(const Surroundings& with, const TokenRequest& request) {
  const auto* variable = kRegionVariable;
  auto value = with.variable(variable);
  if (value == kNoForcedRegion) return std::string();
  if (!value) {
    variable = kForcedRegionVariable;
    value = with.variable(variable);
  }
  if (!value) return std::string();
  if (std::find(kFindIt.begin(), kFindIt.end(), *value) == kFindIt.end())
    return named(variable, *value);
  if (const auto found = with.variable(kFoundRegionVariable))
    return named(kFoundRegionVariable, *found);
  return region_of_machine(with, request);
}

}  // namespace

Result<std::string> regional_authority(const Surroundings& with, const std::string& authority,
                                       const TokenRequest& request) {
  constexpr std::string_view kScheme = "https://";
  KC_TRY(const auto region, wanted_region(with, request));
  if (region.empty() || !authority.starts_with(kScheme)) return authority;
  auto host = std::string_view(authority).substr(kScheme.size());
  if (std::find(kPublicHosts.begin(), kPublicHosts.end(), host) != kPublicHosts.end())
    host = kPublicRegionalHost;
  return std::string(kScheme) + region + "." + std::string(host);
}

}  // namespace kc::azure
