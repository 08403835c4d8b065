#!/bin/sh
# Runs one service in the services image, in a mount namespace of its own: what is mounted here goes with the process.
# Arguments: the image's root, the service's directory, pairs of "outer directory, inner directory", "--", the command.
set -eu
image=$1
dir=$2
shift 2
mount -t overlay -o "lowerdir=$image,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"
mount -t proc proc "$dir/root/proc"
mount --rbind /dev "$dir/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$dir/root/run"
while [ "$1" != -- ]; do
    mkdir -p "$dir/root$2"
    mount --bind "$1" "$dir/root$2"
    shift 2
done
shift
exec chroot "$dir/root" "$@"
