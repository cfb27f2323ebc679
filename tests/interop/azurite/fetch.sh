#!/usr/bin/env bash
# Brings Azurite, as package-lock.json pins it, into .deps/azurite (or the folder given).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=${1:-${KC_DEPS_DIR:-$here/../../../.deps}/azurite}
mkdir -p "$place"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$place/"
cd "$place"
npm ci --ignore-scripts --no-fund --no-audit
