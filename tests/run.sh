#!/usr/bin/env bash
# Command two of the README: everything that CI runs, from a bare Debian 12 to one closing line with the counts.
# A group is a ctest label, run in the presets named by presets_of; format, tidy and threads are groups of their own kind.
set -uo pipefail

readonly root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
readonly logs=$root/build/logs
readonly ctest_groups=(house unit doors contract kql sim e2e interop)
readonly tidy_seconds=${KC_TIDY_SECONDS:-240}

# Where a group runs: dev has the address and undefined-behaviour sanitizers; release gives sim and e2e their full size.
presets_of() {
  case $1 in
    sim | e2e) echo "dev release" ;;
    *) echo dev ;;
  esac
}

usage() {
  cat <<'TEXT'
usage: tests/run.sh [group...]

Installs the packages that are missing, fetches the pinned parts, builds, and runs the groups; all of them by default.
  format    clang-format over every source
  house     the rules of the tree (tests/house_test), embedding
  unit      one room at a time
  doors     one suite per door, against each of its implementations
  contract  openapi.yaml against the running service
  kql       the engine's language
  sim       simulated copies under faults and crashes: a part of the seeds under sanitizers, all of them in release
  e2e       whole processes: copies, kills, restarts; under sanitizers and in release
  interop   other people's clients
  threads   the threaded tests under the thread sanitizer
  tidy      clang-tidy over every room, the newest changes first, as far as its time reaches

Environment: KC_SIM_SEEDS (seeds of the release run, 20000), KC_SIM_SEEDS_DEV (500), KC_TIDY_SECONDS (240),
KC_DEPS_DIR (where the fetched parts are), JOBS (parallel compilations and tests; the number of cores).
Logs are in build/logs. Exit code 0 when nothing failed and at least one test ran.
TEXT
}

passed=0
failed=0
skipped=0
times=()
jobs=${JOBS:-$(nproc)}

say() { printf '%s\n' "$*"; }

# step <name> <command...>: runs it with its output in a log and a sign of life every ten seconds; a failure shows the log's tail.
step() {
  local name=$1 log=$logs/${1//[ \/]/_}.log begin=$SECONDS code
  shift
  say "== $name"
  "$@" </dev/null 2>&1 | tee "$log" | awk '{ now = systime(); if (now - last >= 10) { print "   " substr($0, 1, 150); fflush(); last = now } }'
  code=${PIPESTATUS[0]}
  times+=("$(printf '%5d s  %s' $((SECONDS - begin)) "$name")")
  [ "$code" = 0 ] && return 0
  say "== FAILED: $name (exit code $code). The end of ${log#"$root"/}:"
  grep -nE '(: (fatal )?error:|^FAILED: |CMake Error|Sanitizer: )' "$log" | cut -c1-200 | head -n 20
  grep -A 6 ': Failure$' "$log" | cut -c1-200 | head -n 60
  tail -n 40 "$log"
  return 1
}

# For steps that are no test themselves: nothing that follows could run without them.
must() {
  step "$@" && return
  failed=$((failed + 1))
  finish
}

finish() {
  say ""
  say "Time of each step:"
  printf '%s\n' "${times[@]}"
  printf '%5d s  in all\n' "$SECONDS"
  if [ $((passed + failed)) = 0 ]; then
    say "no test ran"
    failed=1
  fi
  if [ "$skipped" = 0 ]; then
    say "$passed passed, $failed failed"
  else
    say "$passed passed, $failed failed, $skipped skipped"
  fi
  [ "$failed" = 0 ]
  exit
}

configured=" "
configure() {  # preset
  case $configured in *" $1 "*) return ;; esac
  local bench=OFF
  [ "$1" = release ] && bench=ON
  must "configure $1" cmake --preset "$1" -DKC_TESTS=ON -DKC_BENCH=$bench
  configured+="$1 "
}

run_label() {  # preset, label
  local preset=$1 label=$2 junit=$logs/$2.$1.xml seeds p f s
  rm -rf "build/$preset/reports" "$junit"
  seeds=${KC_SIM_SEEDS_DEV:-500}
  [ "$preset" = release ] && seeds=${KC_SIM_SEEDS:-20000}
  [ "$preset" = tsan ] && seeds=50
  step "test $label ($preset)" env ${seeds:+KC_SIM_SEEDS="$seeds"} \
    ctest --preset "$preset" -L "^$label\$" -j "$jobs" --output-junit "$junit"
  local code=$?
  [ -f "$junit" ] || : >"$junit"
  read -r p f s < <(tests/count.sh "$junit" "build/$preset/reports")
  [ "$code" != 0 ] && [ "$f" = 0 ] && f=1
  if [ $((p + f)) = 0 ]; then
    say "== FAILED: group $label ran no test in preset $preset"
    f=1
  fi
  say "   $label ($preset): $p passed, $f failed, $s skipped"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# One build per preset for all the groups that need it: the compiler is then never waiting for a test.
run_preset() {  # preset, label...
  local preset=$1 targets=() label
  shift
  configure "$preset"
  for label in "$@"; do targets+=("tests_$label"); done
  must "build $preset" cmake --build "build/$preset" -j "$jobs" --target "${targets[@]}"
  for label in "$@"; do run_label "$preset" "$label"; done
}

count_check() {  # name, command...
  if step "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

check_format() {
  git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h' |
    xargs -0 -r -n 20 -P "$jobs" clang-format-14 --dry-run --Werror
}

wanted() {
  case " ${groups[*]} " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# By default: every group that has a folder. One asked for by name must have tests.
groups=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    format | tidy | threads) groups+=("$argument") ;;
    *)
      case " ${ctest_groups[*]} " in
        *" $argument "*) groups+=("$argument") ;;
        *) usage >&2; say "unknown group: $argument" >&2; exit 2 ;;
      esac ;;
  esac
done
if [ ${#groups[@]} = 0 ]; then
  groups=(format house)
  for group in "${ctest_groups[@]}"; do
    [ "$group" != house ] && [ -f "tests/$group/CMakeLists.txt" ] && groups+=("$group")
  done
  groups+=(threads tidy)
fi

mkdir -p "$logs"
wanted_packages=(build tests)
wanted interop && wanted_packages+=(interop)
must "packages" cmake/packages.sh "${wanted_packages[@]}"
must "fetch" cmake/fetch.sh
if wanted interop; then must "fetch interop" tests/interop/fetch.sh; fi
# Precompiled headers and generated files must not cost cache hits.
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

if wanted format; then count_check "format" check_format; fi
for preset in dev release; do
  labels=()
  for group in "${ctest_groups[@]}"; do
    wanted "$group" || continue
    case " $(presets_of "$group") " in *" $preset "*) labels+=("$group") ;; esac
  done
  [ ${#labels[@]} = 0 ] || run_preset "$preset" "${labels[@]}"
done
if wanted threads; then run_preset tsan threads; fi
if wanted tidy; then
  configure dev
  count_check "tidy" cmake/tidy.sh build/dev "$tidy_seconds" "$jobs"
fi
finish
