#!/bin/sh
# merger.sh: prints the program that puts counts together into a profile: it is to be of the compiler's LLVM.
set -eu
cd "$(dirname "$0")/../.."
headline='This is needed to make a profile:'
. dev/scripts/lacks.sh
triple=$(rustc -vV | sed -n 's/^host: //p')
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
for found in "$(rustc --print sysroot)/lib/rustlib/$triple/bin/llvm-profdata" "llvm-profdata-$llvm"; do
    if has "$found"; then
        echo "$found"
        exit 0
    fi
done
lacks "llvm-profdata of LLVM $llvm: rustup component add llvm-tools, or apt-get install llvm-$llvm"
exit "$missing"
