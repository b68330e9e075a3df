#!/bin/sh
# Names every tool that is missing or too old, all at once, with how to get it.
set -u
cd "$(dirname "$0")/../.." || exit 1

headline='These tools are needed first:'
. dev/scripts/lacks.sh

# at_least HAVE WANTED: compares versions number by number.
at_least() {
    printf '%s %s\n' "$1" "$2" | awk '{
        split($1, have, "."); split($2, wanted, ".")
        for (i = 1; i <= 3; i++) if (have[i] + 0 != wanted[i] + 0) exit have[i] + 0 < wanted[i] + 0
    }'
}

rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
rustup='https://rustup.rs'
for tool in cargo rustc; do
    if ! has "$tool"; then
        lacks "$tool: install Rust $rust or newer from $rustup"
    else
        version=$("$tool" --version 2>/dev/null | awk '{ print $2 }')
        at_least "$version" "$rust" ||
            lacks "$tool $rust or newer (this is ${version:-unusable}): rustup update, or $rustup"
    fi
done
cargo fmt --version >/dev/null 2>&1 || lacks 'rustfmt: rustup component add rustfmt'
cargo clippy --version >/dev/null 2>&1 || lacks 'clippy: rustup component add clippy'

# The control plane is built with Go, unless there is one already.
if [ -z "${KUBEBUILDER_ASSETS:-}" ]; then
    go=$(sed -n 's/^go //p' dev/control-plane/modules/kubernetes/go.mod)
    alternative='or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl'
    if ! has go; then
        lacks "go: install Go $go or newer from https://go.dev/dl/, $alternative"
    else
        version=$(go version 2>/dev/null | sed 's/^go version go\([0-9.]*\).*/\1/')
        at_least "$version" "$go" ||
            lacks "go $go or newer (this is ${version:-unusable}): https://go.dev/dl/, $alternative"
    fi
fi

has make || lacks 'make: apt-get install make, dnf install make, or xcode-select --install'
has cc || lacks 'cc, a C compiler: apt-get install gcc libc6-dev, dnf install gcc, or xcode-select --install'

exit "$missing"
