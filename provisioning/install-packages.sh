#!/bin/sh
# Installs the Debian packages that are missing, as root or by sudo, and says which. Of a package that brings a daemon along
# only the program that is wanted is taken, to /usr/local/bin.
#
# usage: install-packages.sh build|test|evidence|bench|machine|packages|test-packages|man...
set -eu

say() { echo "install-packages: $*" >&2; }

wanted=
taken= # PACKAGE:PROGRAM
# Its rngd would start where there is a /dev/hwrng, and that may be the TPM. Not rng-tools5: its rngtest counts the last run of
# each block for the wrong bit (Debian's bug 776134, mended in this one).
rngtest=rng-tools-debian:rngtest
for group in "$@"; do
    case $group in
    # libtss2-dev brings json-c and libcurl along. swtpm and the two tools are for `make demo`.
    build) wanted="$wanted libtss2-dev libssl-dev libsodium-dev swtpm tpm2-tools tpm2-openssl openssl" ;;
    test)
        wanted="$wanted qemu-user-static socat swtpm-tools gnutls-bin python3-nacl python3-cryptography python3-pyasn1"
        wanted="$wanted util-linux mount systemd iproute2 nftables tcpdump tinyproxy-bin microsocks strace procps"
        taken="$taken $rngtest"
        ;;
    evidence)
        wanted="$wanted ent dieharder"
        taken="$taken $rngtest"
        ;;
    bench) wanted="$wanted python3-matplotlib valgrind" ;;
    # debhelper puts the packages together; make-man.py is python's.
    packages) wanted="$wanted debhelper dpkg-dev python3 device-tree-compiler" ;;
    test-packages) wanted="$wanted lintian debootstrap mandoc man-db groff bash-completion binutils qemu-user-static piuparts" ;;
    man) wanted="$wanted mandoc man-db groff-base" ;;
    # The compiler and kbuild are for one module of the kernel; qemu-user-static runs the scripts of the packages for the board.
    machine)
        wanted="$wanted qemu-system-arm cpio kmod swtpm qemu-user-static util-linux uidmap e2fsprogs xz-utils"
        wanted="$wanted make gcc-12-arm-linux-gnueabihf linux-kbuild-6.1"
        ;;
    *) say "$group: one of build, test, evidence, bench, machine, packages, test-packages and man is expected"; exit 64 ;;
    esac
done

missing=
for package in $wanted; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
programs=
for each in $taken; do
    [ -x "/usr/local/bin/${each#*:}" ] || programs="$programs $each"
done
[ -n "$missing$programs" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "these packages are missing, and there is no sudo to install them:$missing$programs"; exit 77; }
    as_root=sudo
fi
say "installing$missing$programs"
directory=$(mktemp -d)
log=$directory/log
trap 'rm -rf "$directory"' EXIT
failed() {
    tail -n 20 "$log" >&2
    say "apt-get could not install$1"
    exit 1
}
# A list that cannot be fetched is no reason to stop: whether the packages are to be had is judged by the installation.
$as_root apt-get -q update >"$log" 2>&1 || say "apt's lists could not all be brought up to date; going on with what is there"
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing >>"$log" 2>&1 ||
        failed "$missing"
fi
for each in $programs; do
    (cd "$directory" && apt-get -q download "${each%:*}" && dpkg-deb --extract "${each%:*}"_*.deb package) >>"$log" 2>&1 ||
        failed " $each"
    $as_root install "$directory/package/usr/bin/${each#*:}" /usr/local/bin/
done
