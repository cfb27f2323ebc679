#!/usr/bin/env bash
# Brings Microsoft's identity library and a JWT library as package-lock.json pins them; prints the node to run them with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/../fetch_node.sh" "$here" "${KC_DEPS_DIR:-$here/../../../.deps}/interop-identity"
