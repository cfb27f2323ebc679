#!/usr/bin/env bash
# The full run of the kills, 20 of the command line and 20 of the service over 2 million rows, which CI does with a few:
# full_kills.sh <kusto-copy> <lake_tool> <place of azurite>
set -euo pipefail
for script in kills serve_kills; do
  bash "$(dirname "${BASH_SOURCE[0]}")/$script.sh" "$1" "$2" "$3" "${KC_E2E_ROWS:-2000000}" "${KC_E2E_KILLS:-20}"
done
