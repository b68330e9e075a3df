#!/bin/sh
# record.sh TARGET_DIR: makes the profile anew. The operator is built so that it counts which way its code goes, and does what
# `make measure` has it do: it buys numbers, in an account that is empty and in one that is not, restarts, resyncs, and lists
# all anew.
set -eu
cd "$(dirname "$0")/../.."
target_dir=$1
profile=dev/profile
merge=$(sh "$profile/merger.sh")
# The same folder each time: it is in the flags, and with others all would be compiled again.
mkdir -p "$target_dir/profile"
counts=$(cd "$target_dir/profile" && pwd)/counts
rm -rf "$counts"
binary=$(sh dev/image/build-static.sh "$target_dir/profile" "-Cprofile-generate=$counts")
"$target_dir/release/measure" --operator "$binary" --parts latency,restart,resync,relist
"$target_dir/release/measure" --operator "$binary" --claims 500 --owned 10000 --parts restart
merged=$target_dir/profile/merged
# What ran once counts a thousand times: the compiler divides counts among copies of a function, and what comes to less than one
# is taken for what never ran. That stands in the profile too, as none: what is not in it could be anything.
set --
for counted in "$counts"/*.profraw; do
    set -- "$@" "--weighted-input=1000,$counted"
done
"$merge" merge --output "$merged" "$@"
rm -f "$profile"/*.profdata
# Cargo looks at the flags alone: under the same name, another profile would go unnoticed.
cp "$merged" "$profile/$(cksum <"$merged" | cut -d ' ' -f 1).profdata"
sh "$profile/maker.sh" >"$profile/made-with"
