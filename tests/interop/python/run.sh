#!/usr/bin/env bash
# run.sh <kusto-copy> <place of fetched parts>: the Python suite against an engine of its own.
. "$(dirname "${BASH_SOURCE[0]}")/../../e2e/processes.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$(KC_DEPS_DIR=$2 "$here/fetch.sh")
start engine engine --port 0 --data "$folder/data"
export KC_ENGINE KC_ALL_TYPES=$here/../all_types.json KC_FOLDER=$folder PYTHONDONTWRITEBYTECODE=1
KC_ENGINE=$(url_of engine)
cd "$here"
"$python" -m unittest -v
