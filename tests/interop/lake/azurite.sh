# What the scripts of this folder share: an Azurite that ends with the script, lakes on it, and what is left in them. Sourced after
# tests/e2e/processes.sh, with the program, lake_tool and the place of Azurite as the script's first arguments, and `secure` as the
# fourth where it is to speak https and take tokens.
tool=$(realpath "$2")
place=$3

azurite_files=$(dirname "${BASH_SOURCE[0]}")/../azurite
certificate=()
if [ "${4:-}" = secure ]; then
  mkdir "$folder/certificate"
  bash "$azurite_files/certificate.sh" "$folder/certificate"
  certificate=("$folder/certificate")
  # For all that is started here.
  export SSL_CERT_FILE=$folder/certificate/cert.pem
fi
coproc azurite { exec node "$azurite_files/azurite.mjs" "$place" "${certificate[@]}" 2>"$folder/azurite.log"; }
azurite_pid=$azurite_PID
exec {azurite_input}>&"${azurite[1]}"-
end_azurite() {
  exec {azurite_input}>&-
  wait "$azurite_pid" 2>/dev/null
}
at_end=end_azurite
read -r -t 60 word connection <&"${azurite[0]}" || fail "azurite did not start"
[ "$word" = ready ] || fail "azurite said $word"

container=lakes
"$tool" make "$connection" $container
# lake_at <path> key|sas|token: an address for -l.
lake_at() { "$tool" address "$connection" "$container/$1" "$2"; }
# check_lake <address> <job>: no file but those of the checkpoint.
check_lake() {
  local found
  found=$("$tool" files "$1" "$2")
  grep -q ^checkpoint/ <<<"$found" || fail "the lake of $2 has no checkpoint"
  found=$(grep -v ^checkpoint/ <<<"$found" || true)
  [ -z "$found" ] || fail "left in the lake: $found"
}
