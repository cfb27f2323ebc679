#!/usr/bin/env bash
# clang-tidy over the sources, within a time budget. A file found clean is remembered under the hash of all that it is made of, so
# that only changed files cost time; the most recently changed come first. Whatever the budget leaves unread is said.
set -uo pipefail

usage() {
  cat <<'TEXT'
usage: cmake/tidy.sh <build folder> [seconds] [parallel runs]

Checks every .cc of the build folder's compile database that lies in the tree. Results are remembered in
${XDG_CACHE_HOME:-~/.cache}/kusto-copy/tidy (another place: KC_TIDY_CACHE).
TEXT
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '') usage >&2; exit 2 ;;
esac
build=$1
seconds=${2:-240}
jobs=${3:-$(nproc)}
cache=${KC_TIDY_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/kusto-copy/tidy}
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --build "$build" --target generated >"$work/generate.log" 2>&1 || { tail -n 20 "$work/generate.log"; exit 1; }

# Sources of the tree that some target compiles; the newest commits first, so that a spent budget leaves out what was read before.
sed -nE "s|^ *\"file\": \"$PWD/([^\"]+)\".*|\1|p" "$build/compile_commands.json" | grep -vE '^build/' | sort -u >"$work/compiled"
{ git diff --name-only HEAD; git log --format= --name-only -n 200; cat "$work/compiled"; } 2>/dev/null |
  awk 'NR == FNR { compiled[$0]; next } $0 in compiled && !seen[$0]++' "$work/compiled" - >"$work/files"

# Each source with every header of the tree that it reaches, found by following the #include lines.
git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | xargs grep -HoE '^#include "[^"]+"' 2>/dev/null |
  sed -E 's/^([^:]+):#include "([^"]+)"/\1 \2/' | awk -v files="$work/files" '
    { direct[$1] = direct[$1] " " $2 }
    END {
      while ((getline file < files) > 0) {
        split("", seen); count = 1; queue[1] = file; seen[file] = 1; line = file
        for (i = 1; i <= count; i++) {
          n = split(direct[queue[i]], next_files, " ")
          for (j = 1; j <= n; j++) if (!(next_files[j] in seen)) { seen[next_files[j]] = 1; queue[++count] = next_files[j]; line = line " " next_files[j] }
        }
        print line
      }
    }' >"$work/reach"

key_of() {  # source and headers, one line
  local file existing=()
  for file in $1; do [ -f "$file" ] && existing+=("$file"); done
  { clang-tidy-14 --version; sha256sum .clang-tidy "${existing[@]}"; } | sha256sum | cut -d' ' -f1
}

check_one() {
  local file=${1%% *} key
  key=$(key_of "$1")
  if [ -f "$cache/$key" ]; then echo "$file" >>"$work/remembered"; return; fi
  if [ "$(date +%s)" -ge "$deadline" ]; then echo "$file" >>"$work/unread"; return; fi
  if clang-tidy-14 --quiet -p "$build" --extra-arg=-w "$file" >"$work/out.$key" 2>&1; then
    : >"$cache/$key"
    echo "$file" >>"$work/clean"
    echo "clean: $file"
  else
    echo "$file" >>"$work/bad"
    { echo "tidy: $file"; grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated' "$work/out.$key"; } | head -n 60
  fi
}
export -f check_one key_of
export cache build work
deadline=$(($(date +%s) + seconds))
export deadline

touch "$work/remembered" "$work/unread" "$work/clean" "$work/bad"
xargs -d '\n' -r -P "$jobs" -I{} bash -c 'check_one "$1"' _ {} <"$work/reach"

count() { wc -l <"$work/$1"; }
echo "clang-tidy: $(($(wc -l <"$work/reach") - $(count unread))) of $(wc -l <"$work/reach") files: $(count clean) clean, $(count remembered) unchanged since found clean, $(count bad) with findings, $(count unread) not read within $seconds s"
[ "$(count unread)" = 0 ] || { echo "not read:"; sed 's/^/  /' "$work/unread"; }
if [ "$(count bad)" != 0 ]; then sed 's/^/findings in: /' "$work/bad"; exit 1; fi
if [ $(($(count clean) + $(count remembered))) = 0 ]; then echo "no file was checked"; exit 1; fi
