#!/bin/sh
# build-pause.sh FILE: builds what keeps a Pod's namespaces alive, without any library beside it.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "$(dirname "$1")"
exec rustc --edition 2024 -C opt-level=s -C panic=abort -C strip=symbols -C target-feature=+crt-static \
    -o "$1" dev/node/src/bin/pause.rs
