#!/usr/bin/env bash
# Brings the official clients of queued ingestion, pinned, into .deps/queued-node and .deps/queued-python.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=${KC_DEPS_DIR:-$here/../../../.deps}
mkdir -p "$deps/queued-node"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$deps/queued-node/"
(cd "$deps/queued-node" && npm ci --ignore-scripts --no-fund --no-audit)
python3 -m venv "$deps/queued-python"
"$deps/queued-python/bin/pip" install --quiet --no-deps -r "$here/requirements.txt"
