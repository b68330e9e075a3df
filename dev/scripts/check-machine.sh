#!/bin/sh
# check-machine.sh: whether a node can run here. What only packages lack is installed, where there is apt-get; for
# everything else it says, all at once, what is missing and how to get it.
set -u

headline='The end-to-end test runs a real node, and cannot do so here:'
. "$(dirname "$0")/lacks.sh"

plugins() {
    for folder in /usr/lib/cni /usr/libexec/cni /opt/cni/bin /usr/local/lib/cni; do
        [ ! -x "$folder/bridge" ] || return 0
    done
    return 1
}

packages() {
    has runc || echo runc
    plugins || echo containernetworking-plugins
    has ip || echo iproute2
    has unshare || echo util-linux
}

if [ "$(id -u)" -ne 0 ]; then
    lacks 'this user is not root: sudo make e2e, or as root in a virtual machine or a privileged container'
elif [ -n "$(packages)" ] && has apt-get; then
    echo "==> Installing $(packages | tr '\n' ' ')"
    # shellcheck disable=SC2046 # one word for each package
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(packages); } \
        >/dev/null || echo '==> apt-get failed, see above.' >&2
fi

has runc || lacks 'runc: apt-get install runc, or dnf install runc'
plugins || lacks 'CNI plugins: apt-get install containernetworking-plugins, or dnf install containernetworking-plugins'
has ip || lacks 'ip: apt-get install iproute2, or dnf install iproute'
has unshare || lacks 'unshare: apt-get install util-linux'

if [ "$missing" -eq 0 ]; then
    unshare --mount --net --pid --ipc --uts --fork --mount-proc sh -c '
        mount -t tmpfs tmpfs /run && ip link set lo up && ip link add test0 type bridge' ||
        lacks 'namespaces, mounts or bridges are not permitted (a container without privileges?), see the line above'
    groups=/sys/fs/cgroup
    [ -e "$groups/cgroup.controllers" ] || groups=/sys/fs/cgroup/memory
    { mkdir "$groups/node-check-$$" && rmdir "$groups/node-check-$$"; } ||
        lacks "control groups cannot be made in $groups (a container without privileges?), see the line above"
    grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
        lacks 'the overlay file system: modprobe overlay'
fi

exit "$missing"
