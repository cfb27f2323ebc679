#!/usr/bin/env bash
# run.sh <identity_compare> <place of fetched parts>: the comparison of our requests with those of Microsoft's library.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KC_NODE=$(KC_DEPS_DIR=$2 "$here/fetch.sh")
KC_SUITE=$(mktemp -d)
export KC_NODE KC_SUITE
trap 'rm -rf "$KC_SUITE"' EXIT
# A module finds its packages from the folder it lies in.
ln -s "$2/interop-identity/node_modules" "$KC_SUITE/node_modules"
cp "$here"/*.mjs "$KC_SUITE/"
"$1"
