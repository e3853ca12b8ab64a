#!/bin/sh
# Boots an emulated machine with Debian for the board, systemd as its first process and a TPM by the kernel's own driver; runs one command
# there as root, and ends as it ended. What is in DIRECTORY, a disk and the TPM's state, is made at the first time and kept: the
# next run is the same machine switched on again.
#
# usage: run-debian.sh DIRECTORY [OPTION...] -- COMMAND [ARGUMENT...]
#   --file FILE   put a file, as it is, where the command is run
#   --seconds N   for how long the machine may run (180)
#   --reboot      end with a reboot, as far as it goes: the machine is then switched off by the host
#
# The machine reaches the host's loopback as 10.0.2.2. The command is run when the system is up, in a directory with the files; its input
# is empty. What it prints can be read in DIRECTORY/output while it runs. What the machine is made of is kept in .build-machine/debian.
# 64: wrong usage. 124: it did not end in time. 125: the machine failed, or was switched off before the command ended.
set -eu

say() { echo "machine: $*" >&2; }
usage() { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }

[ $# -ge 3 ] || usage
project=$(cd "$(dirname "$0")/../.." && pwd)
debian=$project/.build-machine/debian
for program in qemu-system-arm swtpm; do
    command -v $program >/dev/null || { say "provisioning/install-packages.sh build machine comes first"; exit 125; }
done
state=$(mkdir -p "$1" && cd "$1" && pwd)
shift
seconds=180
end=poweroff

work=$(mktemp -d)
machine=
tpm=
# shellcheck disable=SC2317
finish() {
    trap '' HUP INT TERM
    for process in $machine $tpm; do kill "$process" 2>/dev/null && wait "$process" || true; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 125' HUP INT TERM

mkdir "$work/files"
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
    --reboot) end=reboot; shift; continue ;;
    --file) [ -f "${2-}" ] || usage; cp "$2" "$work/files" ;;
    --seconds) [ "${2-}" -gt 0 ] 2>/dev/null || usage; seconds=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ $# -ge 2 ] || usage
shift

"$project/Tests/Machine/make-debian.sh" "$debian" || exit 125
[ -f "$state/disk" ] || cp --sparse=always "$debian/disk" "$state/disk"

# A second disk is an archive with the command, each word in quotes, and the files.
{
    echo 'systemctl is-system-running --wait >/dev/null || true'
    # udev may still be at work on them; the machine's own time is the bound.
    echo 'until (cd /dev/virtio-ports && [ -e output ] && [ -e errors ] && [ -e status ]) 2>/dev/null; do sleep 0.5; done'
    echo 'cd /run/test/files'
    for word in "$@"; do
        printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
    done
    echo '</dev/null >/dev/virtio-ports/output 2>/dev/virtio-ports/errors'
    echo 'echo $? >/dev/virtio-ports/status'
    echo 'systemctl '$end
} >"$work/run"
tar -c -f "$work/command" -C "$work" run files

# The TPM: its state is a file on this side, as a chip's is in the chip.
mkdir -p "$state/tpm"
swtpm socket --tpm2 --tpmstate dir="$state/tpm" --ctrl type=unixio,path="$work/tpm" --terminate >"$work/swtpm" 2>&1 &
tpm=$!
tries=0
until [ -S "$work/tpm" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$work/swtpm" >&2; say "swtpm did not start"; exit 125; }
    sleep 0.05
done

# The emulator knows no order among disks, so they are told apart by their serial numbers. There are no logins, to boot sooner.
output=$state/output
for file in "$output" "$work/console" "$work/errors" "$work/status" "$work/qemu"; do : >"$file"; done
timeout --kill-after=5 "$seconds" qemu-system-arm \
    -M virt -cpu cortex-a15 -m 512 -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$debian/kernel" -initrd "$debian/initrd" -append "console=ttyAMA0 panic=-1 quiet systemd.mask=systemd-logind.service systemd.mask=getty.target" \
    -drive if=none,id=disk,format=raw,file="$state/disk",cache=unsafe -device virtio-blk-device,drive=disk,serial=disk \
    -drive if=none,id=command,format=raw,file="$work/command",readonly=on -device virtio-blk-device,drive=command,serial=command \
    -chardev socket,id=tpm,path="$work/tpm" -tpmdev emulator,id=tpm,chardev=tpm -device tpm-tis-device,tpmdev=tpm \
    -netdev user,id=net -device virtio-net-device,netdev=net -device virtio-rng-device \
    -chardev file,id=console,path="$work/console" -serial chardev:console \
    -device virtio-serial-device \
    -chardev file,id=output,path="$output" -device virtserialport,chardev=output,name=output \
    -chardev file,id=errors,path="$work/errors" -device virtserialport,chardev=errors,name=errors \
    -chardev file,id=status,path="$work/status" -device virtserialport,chardev=status,name=status </dev/null >"$work/qemu" 2>&1 &
machine=$!
result=0
wait "$machine" || result=$?
machine=
wait "$tpm" || true
tpm=

cat "$output"
cat "$work/errors" >&2
status=$(cat "$work/status")
[ "$status" = "" ] || exit "$status"
[ "$result" -ne 124 ] || { say "the command did not end in $seconds s; the last that the console says:"; }
tail -n 30 "$work/console" "$work/qemu" >&2
[ "$result" -eq 124 ] || { say "the machine failed, or was switched off by the command"; result=125; }
exit "$result"
