#!/bin/sh
# Builds the Debian packages, without root: source and tools for the board (armhf) and for amd64, the sink for amd64. What is built from
# is laid out beside a copy of this directory, and debhelper puts it together. At the end it prints what has which size.
#
# usage: make-packages.sh [ARCHITECTURE...]      amd64 and armhf, unless others are named (arm64)
#
# VERSION makes packages of another version than the changelog's, to try an upgrade. The programs have to be built before (make build,
# make board, make board-arm64), and the manual pages (make man). The packages are in .build-packages.
set -eu

say() { echo "make-packages: $*"; }
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
directory=$project/.build-packages
objcopy=$(dirname "$(readlink -f "$(command -v swift)")")/llvm-objcopy
tools="rsagen curve25519gen entropy-target entropy-config"
# The board's card is slow.
limit=400000

number=$(sed -n 's/.*number: StaticString = "\(.*\)".*/\1/p' "$project/Sources/CommandLine/Version.swift")
released=$(dpkg-parsechangelog --file "$here/changelog" --show-field Version)
[ "$number" = "$released" ] || { say "the changelog is about $released, the programs about $number"; exit 1; }

# usage: lay_out ARCHITECTURE PROGRAM-DIRECTORY
lay_out() {
    tree=$directory/$1/entropyshare
    rm -rf "${directory:?}/$1"
    mkdir -p "$tree/programs" "$tree/options"
    programs="entropy-source $tools"
    [ "$1" != amd64 ] || programs="$programs entropy-sink"
    for program in $programs; do
        "$objcopy" --strip-all "$2/$program" "$tree/programs/$program"
    done
    cp -R "$here" "$tree/debian"
    rm "$tree/debian/make-packages.sh"
    mv "$tree"/debian/entropy-*.default "$tree/options"
    for program in source sink; do
        mv "$tree/options/entropy-$program.default" "$tree/options/entropy-$program"
        for kind in service sysusers; do
            cp "$project/provisioning/systemd/entropy-$program.$kind" "$tree/debian/entropyshare-$program.entropy-$program.$kind"
        done
    done
    cp "$project/provisioning/systemd/reseed-at-once.conf" "$tree/debian"
    echo debian/reseed-at-once.conf >"$tree/debian/entropyshare-sink.examples"
    cp -R "$project/.build-man" "$tree/man"
    printf '%s\n' man/entropy-source.8 man/entropy-targets.5 >"$tree/debian/entropyshare-source.manpages"
    printf '%s\n' man/entropy-sink.8 man/entropy-sink-config.5 >"$tree/debian/entropyshare-sink.manpages"
    for tool in $tools; do echo "man/$tool.1"; done >"$tree/debian/entropyshare-tools.manpages"
    if [ "$1" = armhf ]; then
        cp -R "$project/.build-overlays" "$tree/overlays"
        cp "$project/provisioning/bbb/setup" "$tree/setup"
        echo man/entropyshare-setup.8 >>"$tree/debian/entropyshare-source.manpages"
    fi
    mkdir "$tree/docs"
    for page in README.md CHANGELOG.md SECURITY.md docs/delivery.md docs/files.md docs/noise.md docs/packet.md docs/provisioning.md docs/signing-key.md docs/troubleshooting.md; do
        cp "$project/$page" "$tree/docs"
    done
    for package in source sink tools; do echo "docs/*.md" >"$tree/debian/entropyshare-$package.docs"; done
    [ -z "${VERSION:-}" ] || sed -i "1s/(.*)/($VERSION)/" "$tree/debian/changelog"
}

# usage: put_together ARCHITECTURE [SDK]. Without an SDK the libraries are this machine's.
put_together() {
    log=$directory/$1/log
    options=
    if [ $# -gt 1 ]; then
        sysroot=$2/bbb.artifactbundle/bbb/sysroot
        options="-- --admindir=$2/dpkg"
        for place in "$sysroot"/usr/lib/*-linux-gnu* "$sysroot"/lib/*-linux-gnu*; do options="$options -l$place"; done
    fi
    # -d: what Debian would build it with is not asked for; Swift builds it.
    if ! (cd "$directory/$1/entropyshare" && SHLIBDEPS="$options" DEB_BUILD_OPTIONS=nocheck \
        dpkg-buildpackage --build=any --host-arch "$1" -d -us -uc) >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        say "dpkg-buildpackage failed; the whole log is $log"
        exit 1
    fi
    rm -f "$directory"/entropyshare-*_"$1".deb
    mv "$directory/$1"/entropyshare-*_"$1".deb "$directory"
}

[ $# -gt 0 ] || set -- amd64 armhf
for architecture in "$@"; do
    say "making the packages for $architecture"
    case $architecture in
    amd64)
        lay_out amd64 "$project/.build/release"
        put_together amd64
        ;;
    armhf)
        lay_out armhf "$project/.build-board/build/release"
        put_together armhf "$project/.build-board/sdk"
        size=$(stat -c %s "$directory/armhf/entropyshare/programs/entropy-source")
        [ "$size" -lt "$limit" ] || { say "entropy-source for armhf has $size bytes, $limit or more"; exit 1; }
        ;;
    arm64)
        lay_out arm64 "$project/.build-arm64/build/release"
        put_together arm64 "$project/.build-arm64/sdk"
        ;;
    *) say "$architecture: amd64, armhf or arm64 is expected"; exit 64 ;;
    esac
    (cd "$directory/$architecture/entropyshare/programs" && stat -c '%s %n' *) |
        while read -r size name; do printf '%9d  %s, stripped, %s\n' "$size" "$name" "$architecture"; done
done
(cd "$directory" && stat -c '%s %n' ./*.deb) | while read -r size name; do printf '%9d  %s\n' "$size" "${name#./}"; done
