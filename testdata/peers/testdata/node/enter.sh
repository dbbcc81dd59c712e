#!/bin/bash
# enter.sh CMD...: runs CMD in mount, cgroup, network, pid, uts and ipc namespaces of
# its own: with no interface but its own loopback, its own view of the cgroup
# hierarchies, and so that all it started dies with it.
set -eu
exec unshare --mount --cgroup --net --pid --uts --ipc --fork --kill-child --mount-proc --propagation private bash -c '
set -eu
hostname node1
ip link set lo up
ip addr add 10.0.0.1/32 dev lo # the address of the service "kubernetes", so that no kube-proxy is needed
ip addr add 10.1.0.1/32 dev lo # the node
echo 1 >/proc/sys/net/ipv4/ip_forward
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	umount -R /sys/fs/cgroup
	mount -t sysfs -o ro sysfs /sys
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
	controllers=$(awk "!/^#/ && \$4 == 1 { print \$1 }" /proc/cgroups)
	umount -R /sys/fs/cgroup
	mount -t sysfs -o ro sysfs /sys
	mount -t tmpfs tmpfs /sys/fs/cgroup
	for c in $controllers; do
		mkdir /sys/fs/cgroup/$c
		mount -t cgroup -o $c cgroup /sys/fs/cgroup/$c 2>/dev/null || rmdir /sys/fs/cgroup/$c
	done
	mkdir /sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log # of pods
# The kubelet sets these of the whole machine, unless they read like this already.
fake() {
	echo "$2" >/run/"${1##*/}"
	mount --bind /run/"${1##*/}" /proc/sys/"$1"
}
fake vm/overcommit_memory 1
fake kernel/panic 10
fake kernel/panic_on_oops 1
exec "$@"' enter "$@"
