#!/bin/sh
# beside-control-plane.sh CONTROL_PLANE COMMAND...: has the Kubernetes programs built in the
# background while the command runs, and those that PROGRAMS names. On a machine that has them
# already, it costs nothing.
set -u
control_plane=$1
shift

# shellcheck disable=SC2086
"$control_plane" build ${WITH:-} >/dev/null &
build=$!
others=
if [ -n "${PROGRAMS:-}" ]; then
    # The names are words.
    # shellcheck disable=SC2086
    "$control_plane" build $PROGRAMS >/dev/null &
    others=$!
fi
builds="$build $others"
# An interrupted build removes what it has begun, and is not left behind.
trap 'kill $builds 2>/dev/null; wait $builds 2>/dev/null; exit 130' INT TERM HUP

if ! "$@"; then
    kill $builds 2>/dev/null
    wait $builds 2>/dev/null
    echo '==> The Rust part failed, see above.' >&2
    exit 1
fi
# One at a time: a wait for several tells of the last only.
for build in $builds; do
    if ! wait "$build"; then
        echo '==> The Kubernetes programs could not be built: see the lines with "control-plane:" above.' >&2
        exit 1
    fi
done
