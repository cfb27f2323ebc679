#include "core/azure/trusted_hosts.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/base/text.h"
#include "core/net/transport.h"

namespace kc::azure {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 29> kPublicClusters = {
    ".dxp.aad.azure.com",
    ".dxp-dev.aad.azure.com",
    ".kusto.azuresynapse.net",
    ".kusto.windows.net",
    ".kustodev.azuresynapse-dogfood.net",
    ".kustodev.windows.net",
    ".kustomfa.windows.net",
    ".playfabapi.com",
    ".playfab.com",
    ".azureplayfab.com",
    ".kusto.data.microsoft.com",
    ".kusto.fabric.microsoft.com",
    ".api.securityplatform.microsoft.com",
    ".securitycenter.windows.com",
    ".arg-int.core.windows.net",
    ".arg-df.core.windows.net",
    ".arg.core.windows.net",
    "ade.applicationinsights.io",
    "ade.loganalytics.io",
    "adx.aimon.applicationinsights.azure.com",
    "adx.applicationinsights.azure.com",
    "adx.int.applicationinsights.azure.com",
    "adx.int.loganalytics.azure.com",
    "adx.int.monitor.azure.com",
    "adx.loganalytics.azure.com",
    "adx.monitor.azure.com",
    "kusto.aria.microsoft.com",
    "eu.kusto.aria.microsoft.com",
    "api.securityplatform.microsoft.com"};
constexpr std::array<std::string_view, 6> kGovernmentClusters = {
    ".kusto.usgovcloudapi.net",    ".kustomfa.usgovcloudapi.net",
    ".arg.core.usgovcloudapi.net", "adx.applicationinsights.azure.us",
    "adx.loganalytics.azure.us",   "adx.monitor.azure.us"};
constexpr std::array<std::string_view, 8> kChinaClusters = {
    ".kusto.azuresynapse.azure.cn", ".kusto.chinacloudapi.cn",
    ".kustomfa.chinacloudapi.cn",   ".playfab.cn",
    ".arg.core.chinacloudapi.cn",   "adx.applicationinsights.azure.cn",
    "adx.loganalytics.azure.cn",    "adx.monitor.azure.cn"};
constexpr std::array<std::string_view, 6> kEaglexClusters = {
    ".kusto.core.eaglex.ic.gov",
    ".kustomfa.core.eaglex.ic.gov",
    ".arg.core.eaglex.ic.gov",
    "adx.applicationinsights.azure.eaglex.ic.gov",
    "adx.loganalytics.azure.eaglex.ic.gov",
    "adx.monitor.azure.eaglex.ic.gov"};
constexpr std::array<std::string_view, 6> kScloudClusters = {
    ".kusto.core.microsoft.scloud",
    ".kustomfa.core.microsoft.scloud",
    ".arg.core.microsoft.scloud",
    "adx.applicationinsights.azure.microsoft.scloud",
    "adx.loganalytics.azure.microsoft.scloud",
    "adx.monitor.azure.microsoft.scloud"};
constexpr std::array<std::string_view, 5> kFranceClusters = {
    ".kusto.sovcloud-api.fr", ".kustomfa.sovcloud-api.fr", "adx.applicationinsights.azure.fr",
    "adx.loganalytics.azure.fr", "adx.monitor.azure.fr"};
constexpr std::array<std::string_view, 5> kGermanyClusters = {
    ".kusto.sovcloud-api.de", ".kustomfa.sovcloud-api.de", "adx.applicationinsights.azure.de",
    "adx.loganalytics.azure.de", "adx.monitor.azure.de"};
constexpr std::array<std::string_view, 5> kSingaporeClusters = {
    ".kusto.sovcloud-api.sg", ".kustomfa.sovcloud-api.sg", "adx.applicationinsights.azure.sg",
    "adx.loganalytics.azure.sg", "adx.monitor.azure.sg"};

struct Cloud {
  std::array<std::string_view, 4> logins;  // other names of the first behind it; empty: none
  Names clusters;
};
constexpr std::array<Cloud, 8> kClouds = {
    Cloud{{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com",
           "sts.windows.net"},
          kPublicClusters},
    Cloud{{"login.microsoftonline.us"}, kGovernmentClusters},
    Cloud{{"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"}, kChinaClusters},
    Cloud{{"login.microsoftonline.eaglex.ic.gov"}, kEaglexClusters},
    Cloud{{"login.microsoftonline.microsoft.scloud"}, kScloudClusters},
    Cloud{{"login.sovcloud-identity.fr"}, kFranceClusters},
    Cloud{{"login.sovcloud-identity.de"}, kGermanyClusters},
    Cloud{{"login.sovcloud-identity.sg"}, kSingaporeClusters},
};

constexpr std::array<std::string_view, 14> kStorage = {
    ".blob.core.windows.net",       ".dfs.core.windows.net",         ".queue.core.windows.net",
    ".table.core.windows.net",      ".blob.storage.azure.net",       ".dfs.storage.azure.net",
    ".blob.core.usgovcloudapi.net", ".dfs.core.usgovcloudapi.net",   ".blob.core.chinacloudapi.cn",
    ".dfs.core.chinacloudapi.cn",   ".queue.core.usgovcloudapi.net", ".queue.core.chinacloudapi.cn",
    ".blob.fabric.microsoft.com",   ".dfs.fabric.microsoft.com"};

// `.suffix` or the whole name.
template <class Rules>
bool matches(const std::string& host, const Rules& rules) {
  return std::any_of(std::begin(rules), std::end(rules), [&](std::string_view rule) {
    if (!rule.starts_with('.')) return host == rule;
    return host.size() > rule.size() && host.ends_with(rule);
  });
}

// Labels of letters, digits and hyphens between single dots: no trailing dot, no escape, nothing
// that a resolver and a comparison could read differently.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  char before = '.';
  for (const char c : host) {
    if (c == '.') {
      if (label == 0 || before == '-') return false;
      label = 0;
    } else {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (!letter && (c != '-' || label == 0)) return false;
      if (++label > 63) return false;
    }
    before = c;
  }
  return label > 0 && before != '-';
}

Failure refuse(const std::string& what) {
  Error error{.kind = ErrorKind::denied, .code = "identity.untrusted_host", .message = what};
  error.fix = "if this host is yours, name it in --trusted-hosts";
  return fail(std::move(error));
}

}  // namespace

struct TrustedHosts::Place {
  std::string host;
  bool granted = false;  // this machine, or allowed by the operator
};

bool TrustedHosts::allowed(const std::string& host) const { return matches(host, allowed_); }

Result<TrustedHosts> TrustedHosts::allowing(const std::vector<std::string>& entries) {
  TrustedHosts hosts;
  for (const auto& entry : entries) {
    auto small = lower(trim(entry));
    const std::string_view name = std::string_view(small).substr(small.starts_with('.') ? 1 : 0);
    // A single label, such as `.com`, would allow whoever buys a name.
    if (!is_name(name) || name.find('.') == std::string_view::npos)
      return fail(ErrorKind::invalid, "identity.invalid",
                  "the allowed host '" + entry + "' is neither a host name nor .suffix of one");
    hosts.allowed_.push_back(std::move(small));
  }
  return hosts;
}

// Reads the URL more strictly than a client would: what is odd is not trusted.
Result<TrustedHosts::Place> TrustedHosts::place_of(std::string_view url) const {
  const auto colon = url.find("://");
  const auto scheme = lower(url.substr(0, colon));
  if (colon == std::string_view::npos || (scheme != "https" && scheme != "http"))
    return refuse("a token is sent by https only");
  const auto rest = url.substr(colon + 3);
  const auto authority = lower(rest.substr(0, rest.find_first_of("/?")));
  auto host = authority;
  if (const auto port = authority.rfind(':');
      port != std::string::npos && authority.find(']', port) == std::string::npos) {
    const auto digits = std::string_view(authority).substr(port + 1);
    const bool fine = !digits.empty() && digits.size() <= 5 &&
                      digits.find_first_not_of("0123456789") == std::string_view::npos;
    if (!fine) return refuse("a token is not sent to an address with such a port");
    host = authority.substr(0, port);
  }
  if (host == "[::1]" || (is_name(host) && net::is_loopback_host(host))) return Place{host, true};
  if (!is_name(host)) return refuse("a token is not sent to an address without a plain host name");
  if (scheme != "https") return refuse("a token is sent to " + host + " by https only");
  return Place{host, allowed(host)};
}

Result<void> TrustedHosts::check_cluster(std::string_view url) const {
  KC_TRY(const auto place, place_of(url));
  if (place.granted) return {};
  for (const auto& cloud : kClouds) {
    if (matches(place.host, cloud.clusters)) return {};
  }
  return refuse("a token is not sent to " + place.host + ": it is no known host of a cluster");
}

Result<void> TrustedHosts::check_cluster(std::string_view url,
                                         std::string_view login_endpoint) const {
  KC_TRY(const auto place, place_of(url));
  if (place.granted) return {};
  KC_TRY(const auto login, place_of(login_endpoint));
  for (const auto& cloud : kClouds) {
    if (matches(login.host, cloud.logins) && matches(place.host, cloud.clusters)) return {};
  }
  return refuse("a token of " + login.host + " is not sent to " + place.host +
                ": it is no known host of a cluster in that cloud");
}

Result<void> TrustedHosts::check_storage(std::string_view url) const {
  KC_TRY(const auto place, place_of(url));
  if (place.granted || matches(place.host, kStorage)) return {};
  return refuse("a token is not sent to " + place.host + ": it is no known host of storage");
}

Result<void> TrustedHosts::check_login(std::string_view url) const {
  KC_TRY(const auto place, place_of(url));
  if (place.granted) return {};
  for (const auto& cloud : kClouds) {
    if (matches(place.host, cloud.logins)) return {};
  }
  return refuse("no credential is shown to " + place.host + ": it is no known login endpoint");
}

}  // namespace kc::azure
