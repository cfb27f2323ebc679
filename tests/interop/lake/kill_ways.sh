# What the two kill scripts on Azurite share: the clusters, the destination's with data management, and the ways of a copy in turns.
# Sourced after azurite.sh and tests/e2e/kill_loops.sh.
rows=${KC_E2E_ROWS:-$4} kills=${KC_E2E_KILLS:-$5} kills_of_one=6

start source engine --port 0 --data "$folder/source" --samples 0 --log-rows "$rows"
start destination engine --port 0 --data "$folder/destination" --samples 0 --dm-storage "$connection"
src=$(url_of source) dst=$(url_of destination)

prepare() {
  local access ingest
  access=$([ $(($1 % 2)) = 0 ] && echo key || echo sas)
  ingest=$([ $(($1 / 2 % 2)) = 0 ] && echo queued || echo direct)
  lake=$(lake_at kills "$access") kind="$access, $ingest"
  # An export in doubt is swept when its grant has ended: a short one, so that the test does not wait for hours.
  options=(--ingest "$ingest" --export-grant 20s)
  members=",\"ingest\":\"$ingest\""
}
check() {
  check_destination "$dst" "$db" 1
  check_lake "$lake" "$2"
}
