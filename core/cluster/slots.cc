#include "core/cluster/slots.h"

#include "core/base/check.h"

namespace kc {

std::string_view to_string(Side side) {
  switch (side) {
    case Side::source:
      return "source";
    case Side::destination:
      return "destination";
  }
  KC_UNREACHABLE();
}

std::string_view to_string(SlotKind kind) {
  switch (kind) {
    case SlotKind::query:
      return "query";
    case SlotKind::export_:
      return "export";
    case SlotKind::ingestion:
      return "ingestion";
    case SlotKind::queued:
      return "queued";
  }
  KC_UNREACHABLE();
}

}  // namespace kc
