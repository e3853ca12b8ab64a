#!/bin/sh
# Makes the Swift SDK for the board: a sysroot of Debian's own armhf libraries, and the three small files that tell the
# stock toolchain to compile Embedded Swift against it. Touches nothing outside the directory it is given; the paths in
# the SDK are absolute, so it is made anew where it is used.
#
# usage: make-sdk.sh DIRECTORY
set -eu

directory=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(dirname "$0")
recipe=$(cat "$0" "$here/apt-armhf.sh" | sha256sum | cut -c 1-16)
toolchain=$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
bundle=$directory/bbb.artifactbundle/bbb
sysroot=$bundle/sysroot
stamp=$directory/complete
wanted="$recipe $toolchain $sysroot"

if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
say() { echo "make-sdk: $*" >&2; }
. "$here/apt-armhf.sh"
tables=$toolchain/embedded/armv7-none-none-eabi/libswiftUnicodeDataTables.a
[ -f "$tables" ] || { say "$tables is missing: a Swift 6.3 toolchain with Embedded Swift for armv7 is needed"; exit 1; }

# 1. The sysroot.
say "fetching Debian's armhf libraries (about 90 packages, 27 MB)"
apt=$directory/apt
rm -rf "$bundle" "$stamp" "$apt"
mkdir -p "$sysroot"
prepare_apt "$apt"
if ! apt-get -q -y --download-only install \
    libc6-dev libgcc-12-dev libtss2-dev libssl-dev libsodium-dev >>"$apt/log" 2>&1; then
    tail -n 5 "$apt/log" >&2
    say "apt could not fetch the armhf libraries; the whole log is $apt/log"
    exit 1
fi
for package in "$apt"/cache/archives/*.deb; do dpkg-deb --extract "$package" "$sysroot"; done
rm -rf "$apt"

# 2. The SDK. Hard float and NEON as Debian armhf and the Cortex-A8 have them, 64-bit time and file offsets in C and in
# Swift's view of C alike, and lld, which accepts the toolchain's soft-float-tagged Unicode tables.
# Thumb-2, as Debian armhf itself: a third smaller than ARM instructions, also Swift's, which takes it from its view of C. The
# linker keeps long branches off the page boundaries where some Cortex-A8 go astray (ARM's erratum 657417).
# The pass "object-outliner" is off: Swift 6.3.1 names the constant arrays that it makes by function and number, each
# module of an Embedded build numbers them anew, and the linker then takes one module's array for another's. A function
# with three array literals got them in another order.
cat >"$directory/bbb.artifactbundle/info.json" <<END
{"schemaVersion": "1.0",
 "artifacts": {"bbb": {"type": "swiftSDK", "version": "1.0.0", "variants": [{"path": "bbb"}]}}}
END
cat >"$bundle/swift-sdk.json" <<END
{"schemaVersion": "4.0",
 "targetTriples": {"armv7-none-none-eabi": {"sdkRootPath": "sysroot", "toolsetPaths": ["toolset.json"]}}}
END
cat >"$bundle/toolset.json" <<END
{"schemaVersion": "1.0",
 "swiftCompiler": {"extraCLIOptions": [
  "-enable-experimental-feature", "Embedded", "-wmo", "-Osize", "-Xfrontend", "-function-sections", "-Xllvm", "-sil-disable-pass=object-outliner",
  "-Xcc", "-mthumb", "-Xcc", "-mfloat-abi=hard", "-Xcc", "-mfpu=neon",
  "-Xcc", "-D_TIME_BITS=64", "-Xcc", "-D_FILE_OFFSET_BITS=64",
  "-Xcc", "-isystem", "-Xcc", "$sysroot/usr/include",
  "-Xcc", "-isystem", "-Xcc", "$sysroot/usr/include/arm-linux-gnueabihf",
  "-use-ld=lld",
  "-Xclang-linker", "--target=arm-linux-gnueabihf", "-Xclang-linker", "--sysroot=$sysroot",
  "-Xclang-linker", "-march=armv7-a"]},
 "cCompiler": {"extraCLIOptions": [
  "--target=arm-linux-gnueabihf", "-march=armv7-a", "-mthumb", "-mfpu=neon", "-mfloat-abi=hard",
  "-D_TIME_BITS=64", "-D_FILE_OFFSET_BITS=64"]},
 "linker": {"extraCLIOptions": ["$tables", "-lm", "--gc-sections", "--fix-cortex-a8"]}}
END
echo "$wanted" >"$stamp"
say "the SDK is in $directory"
