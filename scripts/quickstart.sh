#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh checkout to watts: installs what the build needs, builds, probes this host, starts the
# exporter on the best power source the probe found and shows its first figures.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)

default_port=28282
port=$default_port port_given=false foreground=false stop_only=false address=127.0.0.1
wait_seconds=30
idle_seconds=12 # on an idle host no process may have watts; accounting from /proc needs two refreshes of 5 s

usage() {
    cat <<USAGE
usage: scripts/quickstart.sh [--port N] [--address ADDR] [--foreground] [--stop]
  --port N        listen here; without it $default_port, or the next free port
  --address ADDR  listen on this address ($address: this host only)
  --foreground    keep the exporter in this terminal until Ctrl-C
  --stop          stop the exporter that an earlier run started
Its files (findings.json, exporter.log) are in \$KEPLER_RUN_DIR, else /run/kepler-quickstart for root,
else \$XDG_STATE_HOME/kepler.
USAGE
}

bold='' dim='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi
step() { printf '%s==>%s %s%s%s\n' "$green" "$plain" "$bold" "$*" "$plain"; }
die() {
    printf '%squickstart: %s%s\n' "$red" "$*" "$plain" >&2
    exit 1
}
misuse() {
    printf 'quickstart: %s\n' "$*" >&2
    usage >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case "$1" in
    --port) [ $# -gt 1 ] || misuse '--port needs a number' && port=$2 port_given=true && shift ;;
    --port=*) port=${1#*=} port_given=true ;;
    --address) [ $# -gt 1 ] || misuse '--address needs an address' && address=$2 && shift ;;
    --address=*) address=${1#*=} ;;
    --foreground) foreground=true ;;
    --stop) stop_only=true ;;
    -h | --help) usage && exit 0 ;;
    *) misuse "$1 is no option of mine" ;;
    esac
    shift
done
if ! [[ "$port" =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then misuse "port $port is not 1 .. 65535"; fi
address=${address#http://}
host=$address
case "$address" in
'' | 0.0.0.0) host=127.0.0.1 ;;
'[::]') host='[::1]' ;; # the exporter's IPv6 listener takes no IPv4
esac

if [ -n "${KEPLER_RUN_DIR:-}" ]; then
    run=$KEPLER_RUN_DIR
elif [ "$(id -u)" = 0 ]; then
    run=/run/kepler-quickstart
else
    run=${XDG_STATE_HOME:-$HOME/.local/state}/kepler
fi
if ! $stop_only && ! { mkdir -p "$run" && [ -w "$run" ]; } 2>/dev/null; then
    die "the folder $run cannot be made or written; name another one in KEPLER_RUN_DIR"
fi
pid_file=$run/quickstart.pid
log=$run/exporter.log

# A pid alone may be another process by now; with its start time (field 22 of stat, after the
# parenthesised name) it is this one or none. A zombie has ended, whenever init buries it.
start_time_of() { sed -n 's/^.*) [^Z]/&/p' "/proc/$1/stat" 2>/dev/null | sed 's/^.*) //' | cut -d' ' -f20; }
earlier_pid() {
    local pid started
    { read -r pid started _ <"$pid_file"; } 2>/dev/null || return 1
    [ -n "$started" ] && [ "$(start_time_of "$pid")" = "$started" ] && echo "$pid"
}
stop_earlier() {
    local pid tries=0
    pid=$(earlier_pid) || { rm -f "$pid_file" && return 1; }
    kill "$pid" || die "the earlier exporter, pid $pid, cannot be stopped by this user"
    while [ "$(earlier_pid)" = "$pid" ]; do
        tries=$((tries + 1))
        [ $tries -ne 100 ] || kill -KILL "$pid" 2>/dev/null || true
        [ $tries -lt 200 ] || die "pid $pid does not end"
        sleep 0.05
    done
    rm -f "$pid_file"
    printf '%s\n' "$pid"
}
earlier_port() { earlier_pid >/dev/null && cut -d' ' -f3 "$pid_file"; }

# The kernel's table of listeners (state 0A), not a connection: a network may accept or drop anything.
# The earlier exporter's port is free as soon as that one is stopped.
taken() {
    [ "$(earlier_port)" != "$1" ] || return 1
    { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true; } | awk -v port="$(printf ':%04X' "$1")" '
        $4 == "0A" && substr($2, length($2) - 4) == port { found = 1 }
        END { exit !found }'
}

if $stop_only; then
    if pid=$(stop_earlier); then echo "stopped the exporter (pid $pid)"; else echo 'no exporter of a quickstart is running'; fi
    exit 0
fi

refuse_taken() {
    if $port_given && taken "$port"; then die "port $port is taken by another program; give another one, or leave --port out"; fi
}
refuse_taken # before minutes of building

# What a build writes belongs to the person who called sudo, not to root.
as_owner() {
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
        sudo -u "$SUDO_USER" -- "$@"
    else
        "$@"
    fi
}

step 'What the build needs'
"$top/scripts/setup.sh"
echo "all there"

step 'Build'
build_log=$(mktemp)
if ! as_owner make -C "$top" --no-print-directory WERROR="${WERROR:-0}" -j"$(nproc)" kepler-probe kepler-exporter >"$build_log" 2>&1; then
    tail -n 40 "$build_log" >&2
    die "the build failed; its last lines are above, all of them in $build_log"
fi
rm -f "$build_log"
bin=$top/build/bin
echo "${bin#"$PWD/"}/kepler-probe ${bin#"$PWD/"}/kepler-exporter"
"$bin/kepler-exporter" --config.check --web.listen-address="$address:$port" >/dev/null || exit $?

step 'What this host offers'
verdict=0
"$bin/kepler-probe" --json --output "$run/findings.json" || verdict=$?
[ $verdict -le 1 ] || die "the probe itself failed (exit $verdict), see above"
"$bin/kepler-probe" --text || true
[ $verdict -eq 0 ] || die "this host offers no power source that can be used, not even an estimate; the remedies are above"

step 'Exporter'
refuse_taken
if ! $port_given; then
    while taken "$port"; do
        port=$((port + 1))
        [ "$port" -lt $((default_port + 50)) ] || die "ports $default_port .. $port are all taken; give one with --port"
    done
    [ "$port" = $default_port ] || echo "port $default_port is taken; using $port"
fi
replaced=$(stop_earlier) || replaced=''
setsid "$bin/kepler-exporter" --findings "$run/findings.json" --web.listen-address "$address:$port" \
    </dev/null >"$log" 2>&1 &
exporter=$!
disown "$exporter"
printf '%s %s %s\n' "$exporter" "$(start_time_of "$exporter")" "$port" >"$pid_file"
if $foreground; then trap 'stop_earlier >/dev/null || true' EXIT; fi

url=http://$host:$port
metrics=$(mktemp)
ready() {
    curl -fsS -m 2 -o /dev/null "$url/probe/readyz" 2>/dev/null &&
        curl -fsS -m 5 -o "$metrics" "$url/metrics" 2>/dev/null &&
        grep -q '^kepler_node_cpu_watts{' "$metrics" && grep -q '^kepler_process_cpu_watts{' "$metrics"
}
has_watts() { grep -E '^kepler_process_cpu_watts\{.*state="running"' "$metrics" | awk '$NF >= 0.0005 { n++ } END { exit !n }'; }
fail() { die "$*${replaced:+; the exporter of the earlier run (pid $replaced) has been stopped for it}"; }
deadline=$((SECONDS + wait_seconds)) idle_deadline=$((SECONDS + idle_seconds))
until ready && { has_watts || [ $SECONDS -ge $idle_deadline ]; }; do
    if [ "$(earlier_pid)" != "$exporter" ]; then
        tail -n 20 "$log" >&2
        rm -f "$pid_file" "$metrics"
        fail "the exporter ended; its last words are above ($log)"
    fi
    if [ $SECONDS -ge $deadline ]; then
        tail -n 20 "$log" >&2
        rm -f "$metrics"
        fail "no watts within $wait_seconds s; the exporter's log is above ($log), scripts/quickstart.sh --stop stops it"
    fi
    sleep 0.05
done
[ -z "$replaced" ] || echo "replaced the exporter of an earlier run (pid $replaced)"
sed -nE 's/.*level=(warn|error) msg="(.*)"$/\1: \2/p' "$log" | head -n 5 | while IFS= read -r line; do
    printf '%s\n' "$line" | fold -s -w 110 | sed '2,$s/^/      /'
done

printf '\n'
awk -v bold="$bold" -v dim="$dim" -v plain="$plain" '
    function label(name,    at, rest) {
        at = match($0, "[{,]" name "=\"")
        if (!at) return ""
        rest = substr($0, RSTART + RLENGTH)
        match(rest, /^([^"\\]|\\.)*"/)
        return substr(rest, 1, RLENGTH - 1)
    }
    /^kepler_node_cpu_watts\{/ { z = label("zone"); if (!(z in watts)) order[++zones] = z; watts[z] += $NF }
    /^kepler_node_cpu_watts_bound\{/ { bound[label("zone"), label("bound")] = $NF }
    /^kepler_node_cpu_power_meter\{/ { z = label("zone"); source[z] = label("source"); quality[z] = label("quality"); model[z] = label("model") }
    /^kepler_node_cpu_usage_ratio/ { usage = $NF }
    /^kepler_process_cpu_watts\{/ && label("zone") == "package" && label("state") == "running" {
        n++; pid[n] = label("pid"); comm[n] = label("comm"); w[n] = $NF }
    END {
        printf "%sThis node%s, %.1f %% busy\n", bold, plain, 100 * usage
        printf "  %s%-8s %9s   %-19s %-9s %-10s %s%s\n", dim, "zone", "watts", "true value within", "source", "quality", "model", plain
        for (i = 1; i <= zones; i++) { z = order[i]
            range = sprintf("%.1f .. %.1f W", bound[z, "low"], bound[z, "high"])
            if (quality[z] == "measured") range = "measured"
            printf "  %-8s %s%9.2f%s   %-19s %-9s %-10s %s\n", z, bold, watts[z], plain, range, source[z], quality[z], model[z] }
        printf "\n%sMost watts%s, of %d processes\n", bold, plain, n
        printf "  %s%9s  %-16s %9s%s\n", dim, "pid", "command", "watts", plain
        for (k = 1; k <= 5 && k <= n; k++) {
            best = 0
            for (i = 1; i <= n; i++) if (!(i in shown) && (!best || w[i] + 0 > w[best] + 0)) best = i
            if (w[best] < 0.0005) break # would print as 0.000
            shown[best] = 1
            printf "  %9s  %-16s %9.3f\n", pid[best], comm[best], w[best] }
        if (k == 1) printf "  none used 0.001 W or more\n"
    }' "$metrics"
rm -f "$metrics"

accounting=$(sed -n 's/.*"accounting"[^}]*"selected"[^"]*"\([a-z]*\)".*/\1/p' "$run/findings.json" | head -n 1)
if [ "$(id -u)" != 0 ] && [ "$accounting" != ebpf ]; then
    printf '\n%sRun with sudo for exact accounting by eBPF and for power sensors that only root may read.%s\n' "$dim" "$plain"
fi
cat <<WHERE

${bold}Metrics${plain}   $url/metrics
          curl -s $url/metrics | grep '^kepler_node'
${bold}Files${plain}     $run/findings.json  $log
WHERE
if $foreground; then
    printf '%sStop%s      Ctrl-C\n' "$bold" "$plain"
    trap 'exit 0' INT TERM
    tail -n 0 -f "$log" --pid="$exporter" &
    wait $! || true
    exit 0
fi
printf '%sStop%s      %s%s --stop\n' "$bold" "$plain" "$([ -z "${SUDO_USER:-}" ] || echo 'sudo ')" "$(realpath --relative-base="$PWD" "$top/scripts/quickstart.sh")"
