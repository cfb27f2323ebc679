#!/usr/bin/env bash
# Brings the language service as package-lock.json pins it; prints the node to run it with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/../fetch_node.sh" "$here" "${KC_DEPS_DIR:-$here/../../../.deps}/interop-language-service"
