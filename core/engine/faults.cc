#include "core/engine/faults.h"

#include "core/base/json.h"

namespace kc::engine {
namespace {

using nlohmann::json;

constexpr int kPlacesMax = 100'000;

Failure bad(const std::string& what) { return fail(ErrorKind::invalid, "faults.invalid", what); }
Failure bad_member(const std::string& owner, const std::string& name) {
  return bad("the faults of " + owner + ": " + name + " is unknown or out of range");
}

Result<Timespan> span_of(const std::string& owner, const std::string& name, const json& value) {
  if (!value.is_string()) return bad_member(owner, name);
  auto span = parse_duration(value.get<std::string>());
  if (!span) return bad("the faults of " + owner + ": " + name + ": " + span.error().message);
  if (span->ticks < 0) return bad_member(owner, name);
  return *span;
}

Result<double> share_of(const std::string& owner, const std::string& name, const json& value) {
  if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1)
    return bad_member(owner, name);
  return value.get<double>();
}

Result<int> places_of(const std::string& owner, const std::string& name, const json& value) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
      value.get<std::int64_t>() > kPlacesMax)
    return bad_member(owner, name);
  return value.get<int>();
}

Result<FaultRule> parse_rule(const std::string& kind, const json& members) {
  FaultRule rule;
  const std::pair<const char*, double*> shares[] = {{"throttle", &rule.throttle},
                                                    {"failBefore", &rule.fail_before},
                                                    {"abandon", &rule.abandon},
                                                    {"applyLate", &rule.apply_late},
                                                    {"leaveBlobs", &rule.leave_blobs},
                                                    {"failAfter", &rule.fail_after},
                                                    {"loseAnswer", &rule.lose_answer},
                                                    {"errorInAnswer", &rule.error_in_answer},
                                                    {"partialAnswer", &rule.partial_answer}};
  for (const auto& [name, value] : members.items()) {
    const auto& word = name;
    const auto share = std::find_if(std::begin(shares), std::end(shares),
                                    [&word](const auto& entry) { return word == entry.first; });
    if (share != std::end(shares)) {
      KC_TRY(*share->second, share_of(kind, name, value));
    } else if (name == "delay") {
      KC_TRY(rule.delay, span_of(kind, name, value));
    } else if (name == "lateBy") {
      KC_TRY(rule.late_by, span_of(kind, name, value));
    } else if (name == "queue") {
      KC_TRY(rule.queue, places_of(kind, name, value));
    } else {
      return bad_member(kind, name);
    }
  }
  return rule;
}

Result<Background> parse_background(const json& members) {
  const std::string owner = "background";
  Background background;
  for (const auto& [name, value] : members.items()) {
    if (name == "mergeEvery") {
      KC_TRY(background.merge_every, span_of(owner, name, value));
      if (background.merge_every->ticks == 0) return bad_member(owner, name);
    } else if (name == "mergeChance") {
      KC_TRY(background.merge_chance, share_of(owner, name, value));
    } else if (name == "cursorLag") {
      KC_TRY(background.cursor_lag, span_of(owner, name, value));
    } else {
      return bad_member(owner, name);
    }
  }
  return background;
}

Result<CapacityRule> parse_capacity(const json& members) {
  const std::string owner = "capacity";
  CapacityRule rule;
  const std::pair<const char*, std::optional<int>*> places[] = {{"exports", &rule.exports},
                                                                {"ingestions", &rule.ingestions},
                                                                {"queries", &rule.queries},
                                                                {"merges", &rule.merges}};
  for (const auto& [name, value] : members.items()) {
    const auto& word = name;
    const auto place = std::find_if(std::begin(places), std::end(places),
                                    [&word](const auto& entry) { return word == entry.first; });
    if (place == std::end(places)) return bad_member(owner, name);
    KC_TRY(*place->second, places_of(owner, name, value));
  }
  return rule;
}

}  // namespace

Result<EngineFaults> EngineFaults::parse(std::string_view text) {
  const auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) return bad("the faults are no JSON object");
  EngineFaults faults;
  for (const auto& [name, members] : object.items()) {
    if (!members.is_object()) return bad("the faults of " + name + " are no JSON object");
    if (name == "background") {
      KC_TRY(faults.background, parse_background(members));
    } else if (name == "capacity") {
      KC_TRY(faults.capacity, parse_capacity(members));
    } else {
      KC_TRY(faults.rules[name], parse_rule(name, members));
    }
  }
  return faults;
}

const FaultRule* EngineFaults::rule(std::string_view kind) const {
  auto found = rules.find(kind);
  if (found == rules.end()) found = rules.find("*");
  return found == rules.end() ? nullptr : &found->second;
}

Fate draw_fate(const EngineFaults& faults, std::string_view kind, Rng& rng) {
  const auto* rule = faults.rule(kind);
  if (rule == nullptr) return {};
  Fate fate{.delay = rule->delay, .late_by = rule->late_by, .queue = rule->queue};
  fate.throttle = rng.chance(rule->throttle);
  fate.fail_before = rng.chance(rule->fail_before);
  fate.abandon = rng.chance(rule->abandon);
  fate.apply_late = rng.chance(rule->apply_late);
  fate.leave_blobs = rng.chance(rule->leave_blobs);
  fate.fail_after = rng.chance(rule->fail_after);
  fate.lose_answer = rng.chance(rule->lose_answer);
  fate.error_in_answer = rng.chance(rule->error_in_answer);
  fate.partial_answer = rng.chance(rule->partial_answer);
  return fate;
}

}  // namespace kc::engine
