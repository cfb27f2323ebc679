#!/usr/bin/env bash
# The full run of the kills, 20 over 2 million rows, which CI does with a few: full_kills.sh <kusto-copy> <lake_tool> <place of azurite>
set -euo pipefail
bash "$(dirname "${BASH_SOURCE[0]}")/kills.sh" "$1" "$2" "$3" "${KC_E2E_ROWS:-2000000}" "${KC_E2E_KILLS:-20}"
