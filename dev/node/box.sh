#!/bin/sh
# box.sh STATE CONTAINERD KUBELET NAME ADDRESS: process 1 of the box in which containerd and the kubelet run. Its mounts
# and its processes go when it goes, and it goes when its standard input ends.
set -eu
state=$1 containerd=$2 kubelet=$3 name=$4 address=$5

echo "$name" >/proc/sys/kernel/hostname
mount --make-rshared /
# Nothing is written to the machine's own.
for folder in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
mkdir -p /run/containerd /run/lock /run/netns /run/sysctl /var/lib/kubelet
mkdir -p "$state/kubelet" && mount --bind "$state/kubelet" /var/lib/kubelet

# The kubelet insists on six settings of the whole kernel: it finds files that say what it wants.
setting() {
    echo "$2" >"/run/sysctl/${1##*/}"
    mount --bind "/run/sysctl/${1##*/}" "/proc/sys/$1"
}
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000

# run NAME COMMAND...: in the background, with its process id in a file.
run() {
    program=$1
    shift
    "$@" >>"$state/$program.log" 2>&1 </dev/null &
    echo $! >"/run/$program.pid"
}

PATH=${containerd%/*}:$PATH
export PATH
run containerd "$containerd" --config "$state/containerd.toml"

# What the test does to the node. A process that has ended already is no reason to end the box.
while read -r command argument; do
    case $command in
    start-kubelet)
        run kubelet "$kubelet" --config "$state/kubelet.json" --kubeconfig "$argument" \
            --root-dir /var/lib/kubelet --hostname-override "$name" --node-ip "$address"
        ;;
    kill-kubelet)
        kill -s KILL "$(cat /run/kubelet.pid)" || :
        wait "$(cat /run/kubelet.pid)" || :
        ;;
    kill) kill -s KILL "$argument" || : ;;
    esac
done
