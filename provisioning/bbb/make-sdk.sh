#!/bin/sh
# Makes the Swift SDK for the board: a sysroot of Debian's own libraries, and the three small files that tell the stock
# toolchain to compile Embedded Swift against it. Touches nothing outside the directory it is given; the paths in the SDK are
# absolute, so it is made anew where it is used.
#
# usage: make-sdk.sh DIRECTORY [armhf|arm64]
#
# Beside the SDK, DIRECTORY/dpkg has what dpkg-shlibdeps wants to know of the sysroot's packages (dpkg's own form).
set -eu

directory=$(mkdir -p "$1" && cd "$1" && pwd)
architecture=${2:-armhf}
here=$(dirname "$0")
recipe=$(cat "$0" "$here/apt-foreign.sh" | sha256sum | cut -c 1-16)
toolchain=$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
bundle=$directory/bbb.artifactbundle/bbb
sysroot=$bundle/sysroot
stamp=$directory/complete
wanted="$recipe $architecture $toolchain $sysroot"

if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
say() { echo "make-sdk: $*" >&2; }
. "$here/apt-foreign.sh"

# Hard float and NEON as Debian armhf and the Cortex-A8 have them, 64-bit time and file offsets in C and in Swift's view of C
# alike. Thumb-2, as Debian armhf itself: a third smaller than ARM instructions, also Swift's, which takes it from its view of C.
# The linker keeps long branches off the page boundaries where some Cortex-A8 go astray (ARM's erratum 657417).
case $architecture in
armhf)
    triple=armv7-none-none-eabi
    debian=arm-linux-gnueabihf
    machine='"-march=armv7-a", "-mthumb", "-mfpu=neon", "-mfloat-abi=hard", "-D_TIME_BITS=64", "-D_FILE_OFFSET_BITS=64"'
    linker='"--fix-cortex-a8"'
    linked='"-Xclang-linker", "-march=armv7-a"'
    ;;
arm64)
    triple=aarch64-none-none-elf
    debian=aarch64-linux-gnu
    machine='"-D_FILE_OFFSET_BITS=64"'
    linker='"-z", "noexecstack"'
    linked='"-Xclang-linker", "-march=armv8-a"'
    ;;
*) say "$architecture: armhf or arm64 is expected"; exit 64 ;;
esac
# Swift takes each of C's options with a word before it, but for the processor, which its triple names.
imported=$(echo "$machine" | sed 's/"-march=armv7-a", //; s/"-/"-Xcc", "-/g')
tables=$toolchain/embedded/$triple/libswiftUnicodeDataTables.a
[ -f "$tables" ] || { say "$tables is missing: a Swift 6.3 toolchain with Embedded Swift for $triple is needed"; exit 1; }

# 1. The sysroot.
say "fetching Debian's $architecture libraries (about 90 packages, 30 MB)"
apt=$directory/apt
rm -rf "$bundle" "$stamp" "$apt" "$directory/dpkg"
mkdir -p "$sysroot" "$directory/dpkg/info" "$directory/dpkg/updates"
prepare_apt "$apt" "$architecture"
if ! apt-get -q -y --download-only install \
    libc6-dev libgcc-12-dev libtss2-dev libssl-dev libsodium-dev >>"$apt/log" 2>&1; then
    tail -n 5 "$apt/log" >&2
    say "apt could not fetch the $architecture libraries; the whole log is $apt/log"
    exit 1
fi
echo 1 >"$directory/dpkg/info/format"
for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$sysroot"
    name=$directory/dpkg/info/$(dpkg-deb --field "$package" Package)
    [ "$(dpkg-deb --field "$package" Multi-Arch)" != same ] || name=$name:$architecture
    dpkg-deb --control "$package" "$apt/control"
    for file in symbols shlibs; do
        [ ! -f "$apt/control/$file" ] || cp "$apt/control/$file" "$name.$file"
    done
    # By the names that the files have here.
    dpkg-deb --fsys-tarfile "$package" | tar --list | sed "s|^\./|$sysroot/|" >"$name.list"
    {
        sed '/^Package:/a Status: install ok installed' "$apt/control/control"
        echo
    } >>"$directory/dpkg/status"
    rm -r "$apt/control"
done
rm -rf "$apt"
# Links from the root would lead out of the sysroot, and the linker would take libm.a, which is bound to this very libc.
find "$sysroot" -type l -lname '/*' | while read -r link; do
    ln -snf "$sysroot$(readlink "$link")" "$link"
done

# 2. The SDK. lld accepts the toolchain's soft-float-tagged Unicode tables.
# The pass "object-outliner" is off: Swift 6.3.1 names the constant arrays that it makes by function and number, each
# module of an Embedded build numbers them anew, and the linker then takes one module's array for another's. A function
# with three array literals got them in another order.
# "closure-specialize" is off too: it copies a function for each closure that it is given, which made the source a
# sixteenth larger. Packed relocations save 10 KB, and want a glibc of at least 2.36, Debian 12's.
cat >"$directory/bbb.artifactbundle/info.json" <<END
{"schemaVersion": "1.0",
 "artifacts": {"bbb": {"type": "swiftSDK", "version": "1.0.0", "variants": [{"path": "bbb"}]}}}
END
cat >"$bundle/swift-sdk.json" <<END
{"schemaVersion": "4.0",
 "targetTriples": {"$triple": {"sdkRootPath": "sysroot", "toolsetPaths": ["toolset.json"]}}}
END
cat >"$bundle/toolset.json" <<END
{"schemaVersion": "1.0",
 "swiftCompiler": {"extraCLIOptions": [
  "-enable-experimental-feature", "Embedded", "-wmo", "-Osize", "-Xfrontend", "-function-sections", "-Xllvm", "-sil-disable-pass=object-outliner",
  "-Xllvm", "-sil-disable-pass=closure-specialize",
  $imported,
  "-Xcc", "-isystem", "-Xcc", "$sysroot/usr/include",
  "-Xcc", "-isystem", "-Xcc", "$sysroot/usr/include/$debian",
  "-use-ld=lld",
  "-Xclang-linker", "--target=$debian", "-Xclang-linker", "--sysroot=$sysroot",
  $linked]},
 "cCompiler": {"extraCLIOptions": ["--target=$debian", $machine]},
 "linker": {"extraCLIOptions": ["$tables", "-lm", "--gc-sections", "-z", "pack-relative-relocs", $linker]}}
END
echo "$wanted" >"$stamp"
say "the SDK is in $directory"
