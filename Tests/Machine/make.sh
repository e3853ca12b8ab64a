#!/bin/sh
# Makes the emulated machine that run.sh starts: Debian's kernel for the board, the modules that are wanted, a busybox, a
# software TPM, and the board's libraries. All of it is in the directory that is given.
#
# usage: make.sh DIRECTORY SYSROOT
set -eu
PATH=$PATH:/usr/sbin:/sbin  # depmod and modprobe, of which an ordinary user may make use

here=$(cd "$(dirname "$0")" && pwd)
provisioning=$here/../../provisioning/bbb
directory=$(mkdir -p "$1" && cd "$1" && pwd)
sysroot=$2
stamp=$directory/complete
say() { echo "machine: $*" >&2; }
. "$provisioning/apt-foreign.sh"

wanted=$(cat "$0" "$provisioning/apt-foreign.sh" "$sysroot/../../../complete" | sha256sum)
[ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ] || exit 0

# In a place of its own, and moved when it is complete: two may come here at once.
work=$(mktemp -d "$directory/making-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# 1. The packages by name, without what they depend on: that is here already, or for a disk to boot from.
say "fetching Debian's kernel for the board, a busybox and a software TPM (44 MB)"
prepare_apt "$work/apt"
kernel=$(apt-cache depends linux-image-armmp | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p')
mkdir "$work/packages" "$work/unpacked"
if [ -z "$kernel" ] || ! (cd "$work/packages" && apt-get -q download "$kernel" busybox-static \
    swtpm swtpm-libs libtpms0 libseccomp2) >>"$work/apt/log" 2>&1; then
    tail -n 5 "$work/apt/log" >&2
    say "apt could not fetch the kernel and what goes with it"
    exit 1
fi
for package in "$work"/packages/*.deb; do dpkg-deb --extract "$package" "$work/unpacked"; done

# 2. The root file system: a busybox, and the modules with what they depend on.
root=$work/root
mkdir -p "$root/bin" "$root/sbin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/run" "$root/root" "$root/etc" \
    "$root/usr/local/bin" "$root/usr/bin" "$root/lib/arm-linux-gnueabihf" "$root/usr/lib/arm-linux-gnueabihf"
cp "$work/unpacked/bin/busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"  # the other names are made by init
ln -s ../bin/busybox "$root/sbin/modprobe"  # where the kernel looks for it
printf "%s\n" "root:x:0:0:root:/root:/bin/sh" "nobody:x:65534:65534:nobody:/tmp:/bin/sh" >"$root/etc/passwd"
printf "%s\n" "root:x:0:" "nogroup:x:65534:" >"$root/etc/group"
echo "127.0.0.1 localhost" >"$root/etc/hosts"

release=${kernel#linux-image-}
modules=lib/modules/$release
depmod -b "$work/unpacked" "$release"
for module in virtio_mmio virtio_console virtio_rng af_alg algif_rng jitterentropy_rng tpm_vtpm_proxy; do
    modprobe -d "$work/unpacked" -S "$release" --show-depends "$module"
done | sed -n "s|^insmod .*/$modules/\([^ ]*\).*|\1|p" | sort -u >"$work/list"
while read -r file; do
    mkdir -p "$root/$modules/$(dirname "$file")"
    cp "$work/unpacked/$modules/$file" "$root/$modules/$file"
done <"$work/list"
cp "$work/unpacked/$modules"/modules.builtin* "$work/unpacked/$modules/modules.order" "$root/$modules"
depmod -b "$root" "$release"

# 3. The board's libraries, where its loader finds them by itself. Not the sanitizers', which are the largest.
for place in lib/arm-linux-gnueabihf usr/lib/arm-linux-gnueabihf; do
    find "$sysroot/$place" -maxdepth 1 -name '*.so.*' ! -name 'lib*san.so*' -exec cp -P {} "$root/$place" \;
done
cp -P "$sysroot"/lib/ld-linux-armhf.so.3 "$root/lib"
cp "$work/unpacked/usr/bin/swtpm" "$root/usr/bin"
(cd "$work/unpacked/usr/lib/arm-linux-gnueabihf" && cp -PR libtpms.so.* libseccomp.so.* swtpm "$root/usr/lib/arm-linux-gnueabihf")

# Not compressed: an emulated processor takes seconds to unpack it.
(cd "$root" && find . | cpio --quiet --create --format newc --owner 0:0) >"$work/base.cpio"
rm -f "$stamp"
mv "$work/unpacked/boot/vmlinuz-$release" "$directory/kernel"
mv "$work/base.cpio" "$directory/base.cpio"
echo "$wanted" >"$stamp"
say "the machine with Linux $release is in $directory"
