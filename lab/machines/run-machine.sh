#!/bin/sh
# Runs one machine until it is powered off, and starts it again when it reboots itself.
# Arguments: its name, its directory, the image's root, its network namespace.
# Runs in a mount namespace of its own: the machine's root disappears with the last of its processes.
set -u
name=$1
dir=$2
image=$3
netns=$4

# Each machine needs cgroups of its own: two machines that share them would end each other's services.
# Under systemd the scope that this runs in is such a cgroup already.
if [ ! -d /run/systemd/system ]; then
    for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        if [ -f "$hierarchy/cgroup.procs" ] && mkdir -p "$hierarchy/$name"; then
            echo $$ >"$hierarchy/$name/cgroup.procs"
        fi
    done
fi

mount -t overlay -o "lowerdir=$image,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root" || exit 1

# net.* settings and packet filters belong to the machine; the rest of /proc/sys and /sys does not.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
while :; do
    # The marks let a machine be found whose systemd-nspawn was killed; SYSFS_CHECK lets fstab name devices.
    # Volumes attached by now are there from the first moment; the directory shows those that come later.
    set -- --bind="$dir/disks:/dev/disk"
    for link in "$dir"/disks/by-id/*_1; do
        [ -L "$link" ] && set -- "$@" --bind="/dev/$(basename "$(readlink "$link")")"
    done
    systemd-nspawn --quiet --directory="$dir/root" --boot --machine="$name" --register=no --keep-unit \
        --network-namespace-path="/run/netns/$netns" --capability=CAP_NET_ADMIN --console=pipe --settings=no \
        --resolv-conf=off --timezone=off --link-journal=no --setenv=SYSTEMD_SYSFS_CHECK=0 \
        --setenv="LINKMESH_LAB_DIR=$LINKMESH_LAB_DIR" \
        --setenv="LINKMESH_LAB_MACHINE=$LINKMESH_LAB_MACHINE" "$@"
    # 133: it wants to be started again.
    [ $? -eq 133 ] || exit 0
done
