#!/bin/sh
# pack.sh TARGET_DIR: the image of what is checked out here, as target/image/vobiz-operator.tar.
set -eu
cd "$(dirname "$0")/../.."
target_dir=$1
binary=$(sh dev/image/build-static.sh "$target_dir")
# The commit's time stands for the build's, which would differ from build to build.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
revision=$(git rev-parse HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || revision="$revision-modified"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
mkdir -p "$target_dir/image"
cargo build -q --locked -p image --target-dir "$target_dir"
# The name in full: that is what a kubelet makes of vobiz-operator:$version, and looks for.
"$target_dir/debug/image" build --binary "$binary" --target "$(rustc -vV | sed -n 's/^host: //p')" \
    --revision "$revision" --name "localhost/vobiz-operator:$version" --out "$target_dir/image/vobiz-operator.tar"
