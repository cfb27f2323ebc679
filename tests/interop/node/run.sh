#!/usr/bin/env bash
# run.sh <kusto-copy> <place of fetched parts>: the Node suite against an engine of its own.
. "$(dirname "${BASH_SOURCE[0]}")/../../e2e/processes.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node=$(KC_DEPS_DIR=$2 "$here/fetch.sh")
start engine engine --port 0 --data "$folder/data"
# A module finds its packages from the folder it lies in.
mkdir "$folder/suite"
ln -s "$2/interop-node/node_modules" "$folder/suite/node_modules"
cp "$here"/*.test.mjs "$here/../all_types.json" "$folder/suite/"
KC_ENGINE=$(url_of engine) KC_FOLDER=$folder "$node" --test --test-reporter=spec "$folder"/suite/*.test.mjs
