#!/bin/sh
# Runs a real sshd and a real rsyslogd in a mount namespace of their own: the machine's /etc/passwd, /run and
# /dev/log stay as they are. Called as: unshare --mount --pid --fork --kill-child sh sshd-namespace.sh FOLDER
set -eu
folder=$1
mount --make-rprivate /
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/shadow" /etc/shadow
mount --bind "$folder/group" /etc/group
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
mkdir -p "$folder/dev"
mount -t tmpfs tmpfs "$folder/dev"
for device in null zero random urandom tty ptmx; do touch "$folder/dev/$device"; mount --bind "/dev/$device" "$folder/dev/$device"; done
mkdir "$folder/dev/pts" "$folder/dev/shm"
mount --rbind /dev/pts "$folder/dev/pts"
mount --rbind "$folder/dev" /dev
rsyslogd -n -f "$folder/rsyslog.conf" -i "$folder/rsyslog.pid" &
exec /usr/sbin/sshd -D -f "$folder/sshd_config"
