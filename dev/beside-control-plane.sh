#!/bin/sh
# beside-control-plane.sh CONTROL_PLANE COMMAND...: has the Kubernetes programs built in the
# background while the command runs. On a machine that has them already, it costs nothing.
set -u
control_plane=$1
shift

"$control_plane" build >/dev/null &
build=$!
# An interrupted build removes what it has begun, and is not left behind.
trap 'kill "$build" 2>/dev/null; wait "$build" 2>/dev/null; exit 130' INT TERM HUP

if ! "$@"; then
    kill "$build" 2>/dev/null
    wait "$build" 2>/dev/null
    echo '==> The Rust part failed, see above.' >&2
    exit 1
fi
if ! wait "$build"; then
    echo '==> The Kubernetes programs could not be built: see the lines with "control-plane:" above.' >&2
    exit 1
fi
