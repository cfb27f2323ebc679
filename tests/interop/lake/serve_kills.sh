#!/usr/bin/env bash
# The same of the service. A restart takes up what was running, at once: the lease of the killed one does not hold it up.
# serve_kills.sh <kusto-copy> <lake_tool> <place of azurite> <rows> <kills>; KC_E2E_ROWS, KC_E2E_KILLS, KC_E2E_SEED as in tests/e2e.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../e2e/processes.sh"
. "$here/../../e2e/kill_loops.sh"
. "$here/azurite.sh"
. "$here/kill_ways.sh"
api=''
serve_again() {
  local port=${api##*:}
  start serve serve --listen "127.0.0.1:${port:-0}" --data "$folder/data" --export-grant 20s
  api=$(url_of serve)
}
kill_services
