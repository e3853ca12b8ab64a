#!/bin/sh
# Runs a command as root where armhf programs run as if they were this machine's own, by way of qemu-arm-static: for a chroot into a
# Debian root for the board. That root, uid 0 to 65535, and the kernel's register of foreign programs are those of a user
# namespace: nothing of the machine is changed, and all of it is gone with the command. Mounts and processes are the namespace's own, too.
#
# usage: armhf.sh COMMAND [ARGUMENT...]
#
# It needs Linux 6.7 or later (a register for each user namespace), or a machine on which armhf programs run already; and it is called by
# root, or by a user with 65536 ids in /etc/subuid and /etc/subgid (Debian's package uidmap). 125: it could not be set up.
set -eu

say() { echo "armhf: $*" >&2; }

if [ "${1-}" = --inside ]; then
    fifo=$2
    shift 2
    [ -z "$fifo" ] || read -r _ <"$fifo"
    mount -t proc proc /proc
    register=/proc/sys/fs/binfmt_misc
    # Debian's own entry is as good. Else: the beginning of every ELF file for 32-bit ARM, and which bits of it count. F: the
    # interpreter is found now, not in the chroot.
    if ! grep -qs '^flags:.*F' $register/qemu-arm; then
        magic='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
        mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
        if ! mount -t binfmt_misc binfmt_misc $register 2>/dev/null ||
            ! printf %s ":armhf:M::$magic:$mask:$(command -v qemu-arm-static):F" >$register/register; then
            say "this kernel lets no user namespace register armhf programs: Linux 6.7 is needed, or a machine where they run already (Debian: apt install qemu-user-static binfmt-support)"
            exit 125
        fi
    fi
    exec "$@"
fi

[ $# -gt 0 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64; }
command -v qemu-arm-static >/dev/null || { say "provisioning/install-packages.sh machine comes first"; exit 125; }
if [ "$(id -u)" -ne 0 ]; then
    exec unshare --user --map-auto --map-root-user --mount --pid --fork --kill-child "$0" --inside "" "$@"
fi

# Root has no ids in /etc/subuid, and needs none: it may write the map, once there is a namespace, from outside.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkfifo "$place/mapped"
unshare --user --mount --pid --fork --kill-child "$0" --inside "$place/mapped" "$@" &
process=$!
trap 'kill "$process" 2>/dev/null; wait "$process"; exit 125' HUP INT TERM
tries=0
until namespace=$(readlink "/proc/$process/ns/user") && [ "$namespace" != "$(readlink /proc/self/ns/user)" ]; do
    tries=$((tries + 1))
    [ $tries -lt 40 ] || {
        kill "$process" 2>/dev/null || true
        say "no user namespace could be made: a container may forbid it, or /proc/sys/user/max_user_namespaces"
        exit 125
    }
    sleep 0.05
done
echo 0 0 65536 >"/proc/$process/uid_map"
echo 0 0 65536 >"/proc/$process/gid_map"
echo >"$place/mapped"
result=0
wait "$process" || result=$?
exit "$result"
