#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a build needs (--test: what the tests need too) from the distribution's own archive:
# Debian 12, Ubuntu 22.04 and 24.04. Well under a second when nothing is missing; no service is started.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)

build_packages=(gcc libc6-dev make pkg-config clang dpkg-dev ca-certificates linux-libc-dev
    libbpf-dev libelf-dev zlib1g-dev libzstd-dev libcjson-dev libmicrohttpd-dev libyaml-dev
    libcurl4-openssl-dev libssl-dev uthash-dev curl)
test_packages=(libcmocka-dev clang-format clang-tidy cppcheck shellcheck stress-ng python3 python3-venv
    libcap2-bin util-linux)

die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

usage() {
    cat <<'USAGE'
usage: scripts/setup.sh [--test] [--print]
  (none)    install what `make` needs
  --test    and what scripts/check.sh needs (Prometheus is unpacked into .cache, not installed)
  --print   say what is missing, install nothing; exit 1 if something is
USAGE
}

# The packages of "$@" that dpkg does not have.
missing_of() {
    local have
    have=" $(dpkg-query -W -f='${Package}:${db:Status-Status} ' "$@" 2>/dev/null || true)"
    local package
    for package in "$@"; do
        case "$have" in *" $package:installed "*) ;; *) printf '%s\n' "$package" ;; esac
    done
}

# libFuzzer and the sanitizers of this clang; the package carries its major version. Clang's own
# packages before 14.0.6 ship the runtime inside libclang-common-N-dev, a dependency of clang.
clang_runtime_missing() {
    command -v clang >/dev/null || return 1
    local found
    found=$(compgen -G "$(clang -print-resource-dir)/lib/linux/libclang_rt.fuzzer-*.a" || true)
    [ -z "$found" ] || return 1
    printf 'libclang-rt-%s-dev\n' "$(clang -dumpversion | cut -d. -f1)"
}

# Before anything whose output goes into a log.
root_or_die() {
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "packages are missing, and this user can neither install them nor use sudo." \
            "As root, run: apt-get install $*"
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}

# The package lists are fetched only if the ones at hand do not do: none yet, or older than the archive.
install_missing() {
    root_or_die "$@"
    printf 'setup: installing %s\n' "$*"
    local log
    log=$(mktemp)
    if apt_install "$@" >"$log" 2>&1; then
        rm -f "$log"
        return
    fi
    if as_root apt-get update -qq -o DPkg::Lock::Timeout=120 >>"$log" 2>&1 && apt_install "$@" >>"$log" 2>&1; then
        rm -f "$log"
        return
    fi
    tail -n 20 "$log" >&2
    die "apt-get could not install: $*. Its last lines are above, all of them in $log." \
        "Is the archive reachable, and is this Debian 12, Ubuntu 22.04 or 24.04?"
}

# Prometheus without installing it: its package would start a server on port 9090.
prometheus_at_hand() {
    { command -v promtool && command -v prometheus; } >/dev/null ||
        [ -x "$top/.cache/prometheus/usr/bin/promtool" ]
}
unpack_prometheus() {
    local dir="$top/.cache/prometheus"
    rm -rf "$dir.part"
    mkdir -p "$dir.part"
    (cd "$dir.part" &&
        { apt-get download -qq prometheus >/dev/null 2>&1 ||
            { as_root apt-get update -qq && apt-get download -qq prometheus 2>/dev/null; }; }) ||
        die "apt-get download prometheus failed; promtool checks the metrics in the tests"
    dpkg-deb -x "$dir.part"/prometheus_*.deb "$dir.part"
    rm -rf "$dir" "$dir.part"/prometheus_*.deb
    mv "$dir.part" "$dir"
}

with_tests=false print_only=false
for argument in "$@"; do
    case "$argument" in
    --test) with_tests=true ;;
    --print) print_only=true ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "needs Debian or Ubuntu (dpkg and apt-get). Elsewhere install the equivalents of:" \
        "${build_packages[*]}"
fi

wanted=("${build_packages[@]}")
$with_tests && wanted+=("${test_packages[@]}")
mapfile -t missing < <(missing_of "${wanted[@]}")

if $print_only; then
    [ ${#missing[@]} = 0 ] || { printf '%s\n' "${missing[@]}" && exit 1; }
    exit 0
fi
if [ ${#missing[@]} -gt 0 ]; then
    install_missing "${missing[@]}"
fi
if $with_tests; then
    runtime=$(clang_runtime_missing || true)
    if [ -n "$runtime" ]; then
        install_missing "$runtime"
    fi
    prometheus_at_hand || { echo 'setup: unpacking Prometheus into .cache' && unpack_prometheus; }
fi
