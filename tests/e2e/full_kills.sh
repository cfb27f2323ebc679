#!/usr/bin/env bash
# The full run of the kills: 20 of the copying process, 20 of the service with its engine inside, over 2 million rows. It is not part
# of the CI run, which kills a few times.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
bash "$here/kill_copy.sh" "$1" 2000000 20
bash "$here/kill_serve.sh" "$1" 2000000 20
