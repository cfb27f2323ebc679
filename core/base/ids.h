// Uuid: 128 bits, printed lower-case and hyphenated. Names that leave the process carry the job's
// uid, which is one. Thread promise: values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/rng.h"

namespace kc {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  static Uuid random(Rng& rng);  // version 4
  static Result<Uuid> parse(
      std::string_view text);  // 8-4-4-4-12 hex digits; kind invalid otherwise
  std::string text() const;
  bool is_nil() const { return *this == Uuid{}; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace kc
