#!/usr/bin/env bash
# Brings what the suites of this folder run, each as its own lock file pins it, into .deps/ (another place: KC_DEPS_DIR). A folder with a
# fetch.sh takes part. What is there is not fetched again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=${KC_DEPS_DIR:-$here/../../.deps}
mkdir -p "$deps"
export KC_DEPS_DIR
KC_DEPS_DIR=$(cd "$deps" && pwd)
for script in "$here"/*/fetch.sh; do
  echo "fetch ${script#"$here"/}"
  bash "$script"
done
