#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that says whether this tree is sound: builds, lints, unit, golden and integration tests, fuzz
# corpora, and the same again under the sanitizers. The last line is `N passed, N failed, N skipped`;
# exit 1 on any failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 3

usage() {
    cat <<'USAGE'
usage: scripts/check.sh [--fast | --long]
  (none)   all of it
  --fast   build, cheap lints, unit and golden tests only
  --long   and 60 s of libFuzzer for each parser, longer measurements
USAGE
}
mode=full
case "${1:-}" in
'') ;;
--fast) mode=fast ;;
--long) mode=long ;;
-h | --help) usage && exit 0 ;;
*) usage >&2 && exit 2 ;;
esac

mkdir -p .cache
exec 9>.cache/check.lock
flock -n 9 || { echo 'check: another run is under way in this tree; waiting for it' >&2 && flock 9; }

jobs=$(nproc)
logs=.cache/check
rm -rf "$logs" && mkdir -p "$logs"
passed=0 failed=0 skipped=0
failures=()
venv=.cache/venv
# Warnings are errors here; quickstart, which a test runs, lets them pass on compilers we have not seen.
export WERROR=1
export LIZARD=$venv/bin/lizard
export PATH="$PATH:$PWD/.cache/prometheus/usr/bin"

count() { # NAME PASSED FAILED SKIPPED SECONDS
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    local verdict=ok
    [ "$3" -eq 0 ] || { verdict=FAIL && failures+=("$1"); }
    printf '%-4s  %-34s %4d passed %3d failed %3d skipped  %4d s\n' "$verdict" "$1" "$2" "$3" "$4" "$5"
}

# One command is one test; its output is shown only if it fails.
one() { # NAME COMMAND...
    local name=$1 log start=$SECONDS
    log="$logs/${name//[^a-zA-Z0-9]/-}.log"
    shift
    if "$@" >"$log" 2>&1; then
        count "$name" 1 0 0 $((SECONDS - start))
    else
        sed 's/^/      /' "$log" | tail -n 60
        count "$name" 0 1 0 $((SECONDS - start))
        return 1
    fi
}

# Sum of the figures that cmocka prints after a label, as in "[  PASSED  ] 12 test(s)."
cmocka_sum() { awk -v label="$1" 'index($0, "[  " label) == 1 && / test\(s\)/ { n += $4 + 0 } END { print n + 0 }' "$2"; }

unit_tests() { # BUILD
    local build=$1 name log start=$SECONDS p=0 f=0 s=0 rc source
    for source in tests/unit/*_test.c; do
        name=$(basename "$source" .c)
        log="$logs/$build-$name.log"
        timeout 120 "$build/tests/$name" >"$log" 2>&1
        rc=$?
        local this_p this_f this_s
        this_p=$(cmocka_sum 'PASSED' "$log") this_f=$(cmocka_sum 'FAILED' "$log") this_s=$(cmocka_sum 'SKIPPED' "$log")
        # A program that crashed, hung, was caught by a sanitizer or ran nothing has no failure of its own to count.
        [ "$rc" -ne 0 ] && [ "$this_f" -eq 0 ] && this_f=1
        [ $((this_p + this_f + this_s)) -eq 0 ] && this_f=1
        if [ "$this_f" -gt 0 ]; then
            printf '      %s: exit status %d\n' "$build/tests/$name" "$rc"
            grep -v -E '^\[ (RUN     |      OK) \]' "$log" | tail -n 40 | sed 's/^/      /'
        fi
        p=$((p + this_p)) f=$((f + this_f)) s=$((s + this_s))
    done
    count "unit tests ($build)" "$p" "$f" "$s" $((SECONDS - start))
}

python_tests() { # BUILD FOLDER
    local build=$1 folder=$2 log start=$SECONDS rc figures
    compgen -G "$folder/test_*.py" >/dev/null || return 0
    log="$logs/$build-$(basename "$folder")"
    BUILD=$build KEPLER_LONG=$([ $mode = long ] && echo 1) timeout 1200 \
        "$venv/bin/python" -m pytest -q -rs --tb=short -p no:cacheprovider --junitxml="$log.xml" "$folder" >"$log.log" 2>&1
    rc=$?
    figures=$("$venv/bin/python" - "$log.xml" "$rc" <<'PY'
import sys, xml.etree.ElementTree as xml
try:
    s = xml.parse(sys.argv[1]).getroot().find("testsuite")
    n, bad, skip = int(s.get("tests")), int(s.get("failures")) + int(s.get("errors")), int(s.get("skipped"))
except (OSError, xml.ParseError):
    n = bad = skip = 0
if sys.argv[2] != "0" and bad == 0:  # no test ran, or pytest itself stopped
    n, bad = n + 1, 1
print(max(n - bad - skip, 0), bad, skip)
PY
    )
    [ "$rc" -eq 0 ] || sed 's/^/      /' "$log.log" | tail -n 150
    [ "$rc" -ne 0 ] || grep '^SKIPPED' "$log.log" | sed 's/^/      /'
    count "$(basename "$folder") tests ($build)" $figures $((SECONDS - start))
}

fuzz_replay() { # BUILD
    local source name
    for source in tests/fuzz/*_fuzz.c; do
        [ -f "$source" ] || return 0
        name=$(basename "$source" .c)
        one "corpus of $name" timeout 300 "$1/fuzz/$name" "tests/fuzz/corpus/${name%_fuzz}"
    done
}

fuzz_long() {
    local source name found
    one 'fuzzers build' make -j"$jobs" CC=clang FUZZ=1 fuzz || return
    for source in tests/fuzz/*_fuzz.c; do
        [ -f "$source" ] || return 0
        name=$(basename "$source" .c)
        found=$logs/$name.found
        mkdir -p "$found"
        one "libFuzzer $name, 60 s" "build-clang-fuzz/fuzz/$name" -max_total_time=60 -timeout=10 -rss_limit_mb=1024 \
            -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/${name%_fuzz}"
    done
}

python_tools() {
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || return
    cmp -s tests/requirements.txt "$venv/requirements.stamp" && return
    "$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt &&
        cp tests/requirements.txt "$venv/requirements.stamp"
}

shell_scripts() {
    local script
    for script in scripts/*.sh .ci/run; do bash -n "$script" || return; done
    shellcheck -S warning scripts/*.sh .ci/run
}

static_probe() {
    make -j"$jobs" static || return
    local said
    said=$(ldd build/bin/kepler-probe-static 2>&1 || true) # exit 1 is its answer to what is not dynamic
    case "$said" in *'statically linked'* | *'not a dynamic executable'*) ;; *)
        printf 'kepler-probe-static needs shared libraries:\n%s\n' "$said" && return 1
        ;;
    esac
}

stack_without_libbpf() {
    make -n -B kepler-stack | grep -E -e '-lbpf|lib/bpf/' && { echo 'kepler-stack must build without libbpf' && return 1; }
    make -j"$jobs" kepler-stack
}

lints() {
    one 'lint: format' make format-check
    one 'lint: headers compile alone' make -j"$jobs" check-headers
    one 'lint: layers' make check-layers
    one 'lint: function budgets' make budgets
    one 'lint: shell scripts' shell_scripts
    [ ! -f tests/tools/metrics_doc.c ] || one 'lint: docs/metrics.md is current' make docs-check
    [ $mode = fast ] && return
    one 'static probe builds' static_probe
    [ -z "$(compgen -G 'provision/*.c')" ] || one 'kepler-stack without libbpf' stack_without_libbpf
}

# Integration tests mostly wait; what only computes goes on beside them with what they leave of the CPUs.
beside() {
    renice -n 19 -p "$BASHPID" >/dev/null 2>&1
    passed=0 failed=0 skipped=0 failures=()
    one 'lint: cppcheck' make cppcheck
    one 'lint: clang-tidy' make -j"$jobs" -k tidy
    one 'clang builds all' make -j"$jobs" -k CC=clang all unit
    one 'sanitizers build all' make -j"$jobs" -k SAN=1 all unit fuzz
    printf '%d %d %d\n' "$passed" "$failed" "$skipped" >"$logs/beside.counts"
    printf '%s\n' ${failures[@]+"${failures[@]}"} >"$logs/beside.failures"
}

take_beside() {
    local p=0 f=1 s=0 name # without its figures it has failed
    cat "$logs/beside.out"
    read -r p f s <"$logs/beside.counts" || failures+=('what goes on beside the integration tests')
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    while read -r name; do [ -z "$name" ] || failures+=("$name"); done <"$logs/beside.failures"
}

finish() {
    if [ ${#failures[@]} -gt 0 ]; then
        printf '\nfailed:\n'
        printf '  %s\n' "${failures[@]}"
        printf 'logs: %s\n' "$logs"
    fi
    printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ]
}

# A function, so that an edit of this file does not change the run that is under way.
main() {
    scripts/setup.sh --test || exit 3
    python_tools || { echo "check: the Python tools of tests/requirements.txt could not be installed into $venv" >&2 && exit 3; }

    one 'gcc builds all' make -j"$jobs" -k all unit
    unit_tests build
    python_tests build tests/golden
    lints
    if [ $mode != fast ]; then
        beside >"$logs/beside.out" 2>&1 &
        python_tests build tests/integration
        wait $!
        take_beside
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
        unit_tests build-san
        python_tests build-san tests/golden
        python_tests build-san tests/integration
        fuzz_replay build-san
    fi
    [ $mode != long ] || fuzz_long
    finish
}
main
exit
