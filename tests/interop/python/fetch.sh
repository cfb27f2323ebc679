#!/usr/bin/env bash
# Brings the SDKs as requirements.txt pins them, into an environment of their own; prints its python.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
place=${KC_DEPS_DIR:-$here/../../../.deps}/interop-python
stamp=$(sha256sum <"$here/requirements.txt")
if [ ! -f "$place/stamp" ] || [ "$(cat "$place/stamp")" != "$stamp" ]; then
  rm -rf "$place"
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r "$here/requirements.txt" >&2
  echo "$stamp" >"$place/stamp"
fi
echo "$place/bin/python"
