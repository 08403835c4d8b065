#!/bin/sh
# Copies a volume's file as it is at one moment: a file system that a machine has mounted from it stands still meanwhile.
# Arguments: the volume's file, the snapshot's file, the volume's block device or "", where it is mounted or "".
# Thaws the file system whatever happens, also when the process that started this is gone.
set -eu
volume=$1
snapshot=$2
device=$3
mounted=$4

# One at a time, also beside one whose starter was killed: two would thaw each other's file system.
exec 9<"$(dirname "$snapshot")"
flock 9
[ ! -e "$snapshot" ] || exit 0

if [ -n "$mounted" ]; then
    # Held open: it can be thawed even when the machine is gone by then.
    exec 8<"$mounted"
    trap 'fsfreeze --unfreeze /proc/self/fd/8' EXIT
    trap 'exit 143' HUP INT PIPE TERM
    # Frozen already: by one of these that was killed without a chance to thaw it.
    fsfreeze --freeze /proc/self/fd/8 2>/dev/null || {
        fsfreeze --unfreeze /proc/self/fd/8
        fsfreeze --freeze /proc/self/fd/8
    }
elif [ -n "$device" ]; then
    sync "$device"
fi
cp --sparse=always --reflink=auto "$volume" "$snapshot.new"
mv "$snapshot.new" "$snapshot"
