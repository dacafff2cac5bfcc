#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fetch-cjson.sh DIR: cJSON.c and cJSON.h of the installed libcjson-dev into DIR/cjson, for the static
# probe, as Debian and Ubuntu ship no libcjson.a. They come from the distribution's source package: apt
# checks its signature, dpkg-source applies the security patches. /etc/apt and /var/lib/apt stay untouched.
set -euo pipefail

die() {
    printf 'fetch-cjson: %s\n' "$*" >&2
    exit 1
}
[ $# = 1 ] || { echo 'usage: scripts/fetch-cjson.sh DIR' >&2 && exit 2; }

mkdir -p "$1"
dir=$(cd "$1" && pwd)
version=$(dpkg-query -W -f='${source:Version}' libcjson-dev 2>/dev/null) ||
    die "libcjson-dev is not installed; run scripts/setup.sh"
[ "$(cat "$dir/cjson/VERSION" 2>/dev/null)" = "$version" ] && [ -s "$dir/cjson/cJSON.c" ] && exit 0

work=$(mktemp -d "$dir/fetch-cjson.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sources.d" "$work/lists/partial" "$work/cache/archives/partial" "$work/source"

# The configured deb entries, read as deb-src. Both formats apt knows.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$list" ] && sed -n 's/^[[:space:]]*deb\([[:space:]]\)/deb-src\1/p' "$list" \
        >"$work/sources.d/$(basename "$list" .list).list"
done
for sources in /etc/apt/sources.list.d/*.sources; do
    [ -f "$sources" ] && sed 's/^Types:.*/Types: deb-src/I' "$sources" >"$work/sources.d/$(basename "$sources")"
done

options=(-o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$work/sources.d"
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User="
    -o "APT::Get::List-Cleanup=0" -o "Acquire::Languages=none" -o "APT::Update::Post-Invoke=/bin/true"
    -o "APT::Update::Post-Invoke-Success=/bin/true")
log="$work/log"

# An archive without sources among the configured ones (a vendor's) fails the update as a whole while
# the others are there: what counts is whether the source package can be had afterwards.
apt-get "${options[@]}" -qq update >"$log" 2>&1 || true
if ! (cd "$work/source" &&
    apt-get "${options[@]}" -qq --download-only source "cjson=$version" >>"$log" 2>&1); then
    tail -n 15 "$log" >&2
    die "the source package cjson $version is not to be had from the archives in /etc/apt (apt's last" \
        "lines are above). If libcjson-dev is older than the archive, upgrade it: apt-get install libcjson-dev"
fi
dpkg-source --no-check -x "$work/source"/cjson_*.dsc "$work/tree" >>"$log" 2>&1 ||
    { tail -n 15 "$log" >&2 && die "dpkg-source could not unpack cjson $version"; }

rm -rf "$dir/cjson.part"
mkdir "$dir/cjson.part"
cp "$work/tree/cJSON.c" "$work/tree/cJSON.h" "$work/tree/LICENSE" "$dir/cjson.part/"
printf '%s\n' "$version" >"$dir/cjson.part/VERSION"
rm -rf "$dir/cjson"
mv "$dir/cjson.part" "$dir/cjson"
