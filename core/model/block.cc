#include "core/model/block.h"

#include <array>
#include <utility>

#include "core/base/check.h"

namespace kc {

std::string_view to_string(BlockState state) {
  switch (state) {
    case BlockState::planned:
      return "planned";
    case BlockState::exporting:
      return "exporting";
    case BlockState::exported:
      return "exported";
    case BlockState::ingesting:
      return "ingesting";
    case BlockState::staged:
      return "staged";
    case BlockState::moving:
      return "moving";
    case BlockState::moved:
      return "moved";
    case BlockState::verified:
      return "verified";
    case BlockState::failed:
      return "failed";
    case BlockState::superseded:
      return "superseded";
    case BlockState::mismatched:
      return "mismatched";
  }
  KC_UNREACHABLE();
}

std::optional<BlockState> parse_block_state(std::string_view word) {
  for (int i = 0; i < kBlockStates; ++i) {
    if (to_string(static_cast<BlockState>(i)) == word) return static_cast<BlockState>(i);
  }
  return std::nullopt;
}

bool can_move(BlockState from, BlockState to) {
  using enum BlockState;
  static constexpr std::array<std::pair<BlockState, BlockState>, 19> kEdges{{
      {planned, exporting}, {exporting, exported}, {exporting, planned},  {exported, ingesting},
      {exported, moved},    {ingesting, staged},   {ingesting, exported}, {staged, moving},
      {staged, exported},   {moving, moving},      {moving, moved},       {moving, exported},
      {moved, verified},    {moved, mismatched},   {planned, failed},     {exporting, failed},
      {exported, failed},   {ingesting, failed},   {staged, failed},
  }};
  for (const auto& [edge_from, edge_to] : kEdges) {
    if (edge_from == from && edge_to == to) return true;
  }
  return (from == planned || from == exporting) && to == superseded;
}

}  // namespace kc
