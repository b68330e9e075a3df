#!/bin/sh
# build-static.sh TARGET_DIR [FLAGS]: builds the operator without any library beside it, and prints the file. No path of this
# machine goes into it, so that two machines with the same compiler build the same bytes. The flags, a line each, take the place of
# those for the profile.
set -eu
cd "$(dirname "$0")/../.."
target_dir=$1
profile=${2-$(sh dev/profile/flags.sh)}
triple=$(rustc -vV | sed -n 's/^host: //p')
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
# The table of what is put right as the program starts is a hundredth as long so; C libraries other than glibc 2.36 and later may
# be unable to read it.
short_table=
case $triple in
*-linux-gnu)
    if printf '2.36\n%s\n' "$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/.* //')" | sort -V -C; then
        short_table='
-Clink-arg=-Wl,-z,pack-relative-relocs'
    fi
    ;;
esac
flags="-Ctarget-feature=+crt-static$short_table
--remap-path-prefix=$PWD=/src
--remap-path-prefix=$cargo_home=/cargo
--remap-path-prefix=$sysroot=/rust${profile:+
$profile}"
# C code (ring's) is compiled with the same care by the cc crate, which passes these on.
CFLAGS="-ffile-prefix-map=$PWD=/src -ffile-prefix-map=$cargo_home=/cargo"
CARGO_ENCODED_RUSTFLAGS=$(printf '%s' "$flags" | tr '\n' '\037')
export CFLAGS CARGO_ENCODED_RUSTFLAGS
# Naming the triple keeps build scripts, which are run here, out of the static flags.
cargo build --release --locked -p vobiz-operator --target "$triple" --target-dir "$target_dir" >&2
echo "$target_dir/$triple/release/vobiz-operator"
