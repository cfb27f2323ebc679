#!/usr/bin/env bash
# run.sh <source tree> <place of fetched parts>: Microsoft's language service over every KQL text of the tree.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node=$(KC_DEPS_DIR=$2 "$here/fetch.sh")
exec "$node" "$here/lint.mjs" "$2/interop-language-service" "$1/tests/kql" "$1/tests/unit/kusto/golden" "$here/allowed.txt"
