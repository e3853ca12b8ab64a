#!/bin/sh
# Boots an emulated machine with the kernel that Debian has for the board, runs one command there, and ends as it ended.
# It is for what only a kernel can show: its jitter noise (AF_ALG), /dev/hwrng, and how a source does when one is missing.
#
# usage: run.sh [OPTION...] -- COMMAND [ARGUMENT...]
#   --without jitter|hwrng|af_alg   leave out the kernel's jitter noise, the random number device, or the whole of AF_ALG
#   --tpm                           a software TPM, as /dev/tpm0 and /dev/tpmrm0 by a driver of the kernel
#   --file FILE                     put a file, as it is, where the command is run
#   --seconds N                     for how long the machine may run (120)
#
# The programs of .build-board/build/release are in PATH, next to a busybox; the command's input is empty. What is fetched
# for the machine is kept in .build-machine. 64: wrong usage. 124: it did not end in time. 125: the machine failed.
set -eu

say() { echo "machine: $*" >&2; }
usage() { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }

project=$(cd "$(dirname "$0")/../.." && pwd)
directory=$project/.build-machine
programs=$project/.build-board/build/release
sysroot=$project/.build-board/sdk/bbb.artifactbundle/bbb/sysroot
[ -d "$sysroot" ] && [ -d "$programs" ] || { say "make board comes first"; exit 125; }
command -v qemu-system-arm >/dev/null || { say "provisioning/install-packages.sh machine comes first"; exit 125; }
seconds=120
kernel_options=
clock=
hwrng="-device virtio-rng-device"

# What a run needs is in a directory of its own, and goes with it.
mkdir -p "$directory"
work=$(mktemp -d "$directory/run-XXXXXX")
machine=
finish() {
    trap '' HUP INT TERM
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 125' HUP INT TERM
root=$work/root
mkdir -p "$root/root" "$root/usr/local/bin"

while [ $# -gt 0 ]; do
    case $1 in
    --) break ;;
    --tpm)
        kernel_options="$kernel_options with_tpm=1"
        # The kernel gives a TPM up that does not answer its first commands within two seconds. This one is played by the
        # machine's own processor, which may have to wait for the host's: so its time is counted in instructions.
        clock="-icount shift=0,sleep=off"
        shift
        continue
        ;;
    --without)
        case ${2-} in
        jitter | af_alg) kernel_options="$kernel_options without_$2=1" ;;
        hwrng) hwrng= ;;
        *) usage ;;
        esac
        ;;
    --file) [ -f "${2-}" ] || usage; cp "$2" "$root/root" ;;
    --seconds) [ "${2-}" -gt 0 ] 2>/dev/null || usage; seconds=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ $# -ge 2 ] || usage
shift

"$project/Tests/Machine/make.sh" "$directory" "$sysroot" || exit 125

# The second archive is unpacked over the first: the programs as they are now, and the command, each word in quotes.
cp "$project/Tests/Machine/init" "$root/init"
find "$programs/" -maxdepth 1 -type f -perm -u+x -exec cp {} "$root/usr/local/bin" \;
for word in "$@"; do
    printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
done >"$root/command"
(cd "$root" && find . | cpio --quiet --create --format newc --owner 0:0) | cat "$directory/base.cpio" - >"$work/initrd"

# The kernel talks to the console, which is shown only if the machine fails; the command has channels of its own, so that
# its output comes as it is. -no-reboot and panic=-1: a kernel that fails ends the machine.
for file in console output errors status qemu; do : >"$work/$file"; done
# shellcheck disable=SC2086
timeout --kill-after=5 "$seconds" qemu-system-arm \
    -M virt -cpu cortex-a15 -m 512 -nodefaults -no-user-config -display none -no-reboot -nic none \
    -kernel "$directory/kernel" -initrd "$work/initrd" -append "console=ttyAMA0 panic=-1$kernel_options" \
    -chardev file,id=console,path="$work/console" -serial chardev:console \
    -device virtio-serial-device \
    -chardev file,id=output,path="$work/output" -device virtserialport,chardev=output,nr=1 \
    -chardev file,id=errors,path="$work/errors" -device virtserialport,chardev=errors,nr=2 \
    -chardev file,id=status,path="$work/status" -device virtserialport,chardev=status,nr=3 \
    $clock $hwrng </dev/null >"$work/qemu" 2>&1 &
machine=$!
result=0
wait "$machine" || result=$?
machine=

cat "$work/output"
cat "$work/errors" >&2
status=$(cat "$work/status")
[ "$status" = "" ] || exit "$status"
[ "$result" -ne 124 ] || { say "the command did not end in $seconds s; the last that the console says:"; }
tail -n 20 "$work/console" "$work/qemu" >&2
[ "$result" -eq 124 ] || { say "the machine failed"; result=125; }
exit "$result"
