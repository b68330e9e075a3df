#!/bin/sh
# compare.sh TARGET_DIR: builds the image of the same commit from a clone in another folder, into another target
# folder, and says whether it has the digest of the one in TARGET_DIR.
set -eu
cd "$(dirname "$0")/../.."
first=$1/image/vobiz-operator.tar
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo 'image-check compares commits: commit your changes first.' >&2
    exit 1
fi
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
trap 'exit 130' INT TERM HUP
git clone --quiet --no-hardlinks . "$elsewhere/a-clone-in-another-folder"
sh "$elsewhere/a-clone-in-another-folder/dev/image/pack.sh" "$elsewhere/another-target"
second=$elsewhere/another-target/image/vobiz-operator.tar
if ! cmp "$first" "$second"; then
    sha256sum "$first" "$second"
    echo 'The two images differ.' >&2
    exit 1
fi
echo "Two builds, the same bytes: $(sha256sum <"$first" | cut -d ' ' -f 1)"
