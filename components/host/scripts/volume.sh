#!/bin/bash
# shellcheck shell=bash source=library.sh disable=SC2153
# The data volume: formatted once, mounted, grown, and LinkMesh's and certbot's directories placed on it.
# Data of another host are left alone.
# DEVICE: the volume. DIRECTORIES: one a line. OWNER, DOMAIN: whose data they are. SIZE: GiB; only there so that growth
# runs this step again.

IDENTITY=$DATA/identity/host

main() {
    wait_until 120 test -b "$DEVICE" || fail "the data volume $DEVICE does not appear on the machine: see its attachment in the EC2 console, then run pulumi up again."
    local device path
    device=$(readlink -f "$DEVICE")
    mkdir -p "$DATA"
    mountpoint -q "$DATA" || format "$device"
    refuse_other_host "$device"
    write_fstab
    mountpoint -q "$DATA" || mount "$DATA" || fail "the data volume cannot be mounted on $DATA: see \`sudo dmesg\` on the machine."
    resize2fs "$device" >"$WORK/resize" 2>&1 || fail "the file system of the data volume cannot grow: $(tail -n1 "$WORK/resize")"
    while read -r path; do place "$path"; done <<<"$DIRECTORIES"
    install_file "$IDENTITY" <<<"$OWNER"$'\n'"$DOMAIN"
}

# Only a blank volume is formatted. The final label is set last: a volume without it was cut while being formatted.
format() {
    local device=$1 type label
    type=$(blkid -p -o value -s TYPE "$device" || true)
    label=$(blkid -p -o value -s LABEL "$device" || true)
    if [ "$type" = ext4 ] && [ "$label" = linkmesh-data ]; then return; fi
    if [ "$type" != ext4 ] || [ "$label" != linkmesh-blank ]; then
        [ -z "$(wipefs --noheadings "$device")" ] || fail "the data volume $DEVICE holds a file system${type:+ ($type)} that is not LinkMesh's: nothing on it was touched, give the stack a volume of its own."
    fi
    mkfs.ext4 -q -F -L linkmesh-blank "$device"
    e2label "$device" linkmesh-data
}

# Data whose stack and name are both others' come from a wrong snapshot or volume. Under one stack a name may change, and
# a name may move to another stack. Looked at before anything is written, not even a journal.
refuse_other_host() {
    local owner='' domain=''
    if mountpoint -q "$DATA"; then
        cat "$IDENTITY" >"$WORK/identity" 2>/dev/null || true
    else
        # In a private view of the file system: a run that is cut leaves nothing mounted.
        # shellcheck disable=SC2016
        unshare --mount -- sh -c 'mount -o ro,noload "$1" "$2" && cat "$3"' sh "$1" "$DATA" "$IDENTITY" >"$WORK/identity" 2>/dev/null || true
    fi
    { read -r owner && read -r domain; } <"$WORK/identity" || true
    [ -z "$owner" ] || [ "$owner" = "$OWNER" ] || [ "$domain" = "$DOMAIN" ] ||
        fail "the data volume $DEVICE holds the data of $domain (stack $owner), not of $DOMAIN (stack $OWNER), so nothing on it was touched: give the stack a volume or a snapshot of its own."
}

write_fstab() {
    local path
    {
        sed '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/d' /etc/fstab 2>/dev/null || true
        echo '# BEGIN linkmesh-proxy'
        echo "$DEVICE $DATA ext4 defaults,nofail,x-systemd.device-timeout=60 0 2"
        while read -r path; do
            echo "$DATA/paths$path $path none bind,nofail,x-systemd.requires-mounts-for=$DATA 0 0"
        done <<<"$DIRECTORIES"
        echo '# END linkmesh-proxy'
    } >"$WORK/fstab"
    install_file /etc/fstab <"$WORK/fstab"
    [ -z "$CHANGED" ] || systemctl daemon-reload
}

# place DIRECTORY: binds the directory's twin on the volume over it. What the machine itself had there moves along
# when the volume has nothing yet; it is set aside first, so that a cut run goes on from there.
place() {
    local path=$1 kept="$DATA/paths$1" aside="$1.before-linkmesh-proxy"
    mountpoint -q "$path" && return
    if [ -d "$path" ] && [ -n "$(ls -A "$path")" ]; then
        [ ! -e "$aside" ] || fail "both $path and $aside hold data: look which is right, remove the other and run pulumi up again."
        [ ! -d "$kept" ] || [ -z "$(ls -A "$kept")" ] ||
            fail "both this machine's $path and the data volume's hold data: move this machine's away and run pulumi up again."
        systemctl stop linkmesh-server 2>/dev/null || true
        mv "$path" "$aside"
    fi
    if [ -d "$aside" ] && { [ ! -d "$kept" ] || [ -z "$(ls -A "$kept")" ]; }; then
        rm -rf "$kept.new"
        mkdir -p "$(dirname "$kept")"
        cp -a "$aside" "$kept.new"
        sync -f "$kept.new"
        rm -rf "$kept"
        mv "$kept.new" "$kept"
    fi
    mkdir -p "$kept" "$path"
    mount "$path"
    if [ -d "$aside" ] && systemctl is-enabled --quiet linkmesh-server 2>/dev/null; then systemctl start linkmesh-server; fi
}
