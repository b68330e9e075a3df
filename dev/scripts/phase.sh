#!/bin/sh
# phase.sh TITLE COMMAND...: runs the command and says how long it took.
set -u
title=$1
shift
echo "==> $title"
start=$(date +%s)
"$@"
code=$?
seconds=$(($(date +%s) - start))
if [ "$code" -eq 0 ]; then
    echo "==> $title: done in $seconds s"
else
    echo "==> $title: FAILED after $seconds s" >&2
fi
exit "$code"
