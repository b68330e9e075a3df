#!/bin/sh
# release.sh TARGET_DIR BINARY CARGO_ARGUMENTS...: builds a program for use, with the profile, as TARGET_DIR/release/BINARY.
set -eu
cd "$(dirname "$0")/../.."
target_dir=$1
binary=$2
shift 2
triple=$(rustc -vV | sed -n 's/^host: //p')
if [ -n "${RUSTFLAGS:-}${CARGO_ENCODED_RUSTFLAGS:-}" ]; then
    echo 'RUSTFLAGS is set, and nothing is added to it: built without the profile in dev/profile.' >&2
else
    flags=$(sh dev/profile/flags.sh | sed 's/[\\"]/\\&/g; s/.*/"&", /' | tr -d '\n')
    [ -z "$flags" ] || set -- --config "target.$triple.rustflags = [$flags]" "$@"
fi
# The triple is named because the profile is of a program that was built so: what cargo calls a function depends on it.
"${CARGO:-cargo}" build --release --locked --target "$triple" --target-dir "$target_dir" --bin "$binary" "$@"
# A copy, put there at once: what is built for the image takes the same place as what was built here.
mkdir -p "$target_dir/release"
cp "$target_dir/$triple/release/$binary" "$target_dir/release/$binary.new"
mv -f "$target_dir/release/$binary.new" "$target_dir/release/$binary"
