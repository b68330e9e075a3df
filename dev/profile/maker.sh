#!/bin/sh
# maker.sh: prints what a profile fits that is made here. Functions are told by names that hold all of it.
set -eu
cd "$(dirname "$0")/../.."
echo "compiler: $(rustc -V)"
echo "host: $(rustc -vV | sed -n 's/^host: //p')"
echo "version: $(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
