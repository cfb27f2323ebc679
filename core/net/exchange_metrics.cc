#include "core/net/exchange_metrics.h"

#include <cstdio>
#include <string_view>

namespace kc::net {
namespace {

constexpr const char* kOther = "other";

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text + "\"";
}

void begin(std::string& text, const std::string& name, const char* help) {
  text += "# HELP " + name + " " + help + "\n# TYPE " + name + " counter\n";
}

std::string decimal(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

}  // namespace

void ExchangeMetrics::saw(const ExchangeSeen& exchange) {
  const std::string outcome =
      exchange.status != 0 ? std::to_string(exchange.status) : std::string(exchange.error);
  origins_.with([&](auto& all) {
    const bool room = all.size() < kOriginsMax;
    const std::string name(exchange.origin);
    auto& origin = all[room || all.contains(name) ? name : kOther];
    const bool known = origin.outcomes.size() < kOutcomesMax || origin.outcomes.contains(outcome);
    auto& counted = origin.outcomes[known ? outcome : kOther];
    counted.exchanges += 1;
    counted.seconds += exchange.took.to_seconds();
    origin.retries += exchange.attempt > 1 ? 1U : 0U;
    origin.bytes_out += exchange.bytes_out;
    origin.bytes_in += exchange.bytes_in;
    if (exchange.sent) (exchange.connected ? origin.connected : origin.reused) += 1;
  });
}

std::string ExchangeMetrics::text() const {
  const auto all = origins_.with([](const auto& origins) { return origins; });
  std::string text;
  const auto each_outcome = [&](const std::string& name, const char* help, const auto& value) {
    begin(text, name, help);
    for (const auto& [origin, counts] : all) {
      for (const auto& [outcome, counted] : counts.outcomes)
        text += name + "{origin=" + quoted(origin) + ",outcome=" + quoted(outcome) + "} " +
                value(counted) + "\n";
    }
  };
  const auto each_origin = [&](const std::string& name, const char* help, const auto& value) {
    begin(text, name, help);
    for (const auto& [origin, counts] : all)
      text += name + "{origin=" + quoted(origin) + "} " + std::to_string(value(counts)) + "\n";
  };
  each_outcome("kusto_copy_exchanges_total", "HTTP exchanges, by status or error code.",
               [](const Outcome& one) { return std::to_string(one.exchanges); });
  each_outcome("kusto_copy_exchange_seconds_total", "Time that they took.",
               [](const Outcome& one) { return decimal(one.seconds); });
  each_origin("kusto_copy_exchange_retries_total", "Exchanges that repeated another.",
              [](const Origin& one) { return one.retries; });
  each_origin("kusto_copy_exchange_sent_bytes_total", "Bytes of the bodies sent.",
              [](const Origin& one) { return one.bytes_out; });
  each_origin("kusto_copy_exchange_received_bytes_total",
              "Bytes of the bodies received, as they came.",
              [](const Origin& one) { return one.bytes_in; });
  const std::string connections = "kusto_copy_exchange_connections_total";
  begin(text, connections, "Exchanges by connection: made for it, or kept from another.");
  for (const auto& [origin, counts] : all) {
    for (const auto& [kind, count] :
         {std::pair("made", counts.connected), std::pair("kept", counts.reused)})
      text += connections + "{connection=" + quoted(kind) + ",origin=" + quoted(origin) + "} " +
              std::to_string(count) + "\n";
  }
  return text;
}

}  // namespace kc::net
