#!/usr/bin/env bash
# kill -9 of the copying process at random moments, its lake on Azurite and its clusters in other processes, with the account's key
# and with a SAS, ingesting by queue and by command, in turns: kills.sh <kusto-copy> <lake_tool> <place of azurite> <rows> <kills>.
# KC_E2E_ROWS, KC_E2E_KILLS and KC_E2E_SEED as in tests/e2e.
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../../e2e/processes.sh"
. "$here/../../e2e/kill_loops.sh"
. "$here/azurite.sh"
. "$here/kill_ways.sh"
kill_copies
