#!/usr/bin/env bash
# Becomes a throw-away systemd: PID 1 of new namespaces, on an overlay of this machine's root. $1: an empty folder.
set -euo pipefail
work=$1
mount -t tmpfs -o size=1g tmpfs "$work"
mkdir "$work"/{changes,scratch,root}
mount -t overlay -o "lowerdir=/,upperdir=$work/changes,workdir=$work/scratch" overlay "$work/root"
cd "$work/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
ip link set lo up || true
rm -rf etc/systemd/system/*.wants etc/systemd/system/default.target var/lib/earwitness etc/earwitness
rm -rf var/log/journal
: > etc/machine-id
for unit in sysctl firstboot udevd modules-load remount-fs binfmt udev-trigger; do
  ln -sf /dev/null "etc/systemd/system/systemd-$unit.service"
done
mkdir before
pivot_root . before
cd /
umount -l before
rmdir before
mount --make-rshared /
exec env -i container=earwitness-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=no
