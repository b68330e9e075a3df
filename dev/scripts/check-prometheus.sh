#!/bin/sh
# check-prometheus.sh: whether Prometheus and promtool are here. Where there is apt-get, they are installed.
set -u

has() { command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1; }

if ! has && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo '==> Installing prometheus'
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus; } \
        >/dev/null || echo '==> apt-get failed, see above.' >&2
fi

has || {
    echo 'prometheus or promtool is missing; on Debian: apt-get install --no-install-recommends prometheus' >&2
    exit 1
}
