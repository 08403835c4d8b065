#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The data volume: formatted once, mounted, grown, and LinkMesh's and certbot's directories placed on it.
# Data of another host are left alone.
# DEVICE: the volume. DIRECTORIES: one a line. OWNER, DOMAIN: whose data they are. SIZE: GiB.

IDENTITY=$DATA/identity/host
STOPPED=$STATE/linkmesh-stopped # there while this step has stopped LinkMesh

main() {
    local device path
    wait_until 120 test -b "$DEVICE" ||
        fail "the data volume $DEVICE does not appear on the machine:" \
            "see its attachment in the EC2 console, then run pulumi up again."
    device=$(readlink -f "$DEVICE")
    mkdir -p "$DATA"
    mountpoint -q "$DATA" || format "$device"
    refuse_other_host "$device"
    mountpoint -q "$DATA" || mount "$device" "$DATA" ||
        fail "the data volume cannot be mounted on $DATA: see \`sudo dmesg\` on the machine."
    resize2fs "$device" >"$WORK/resize" 2>&1 ||
        fail "the file system of the data volume cannot grow to $SIZE GiB: $(tail -n1 "$WORK/resize")"
    # Each loop ends before the next begins, so that a refusal leaves everything where it is.
    while read -r path; do refuse_data_twice "$path"; done <<<"$DIRECTORIES"
    while read -r path; do move_to_volume "$path"; done <<<"$DIRECTORIES"
    write_fstab
    while read -r path; do bind "$path"; done <<<"$DIRECTORIES"
    record "$IDENTITY" <<<"$OWNER"$'\n'"$DOMAIN"
    commit
    if [ -e "$STOPPED" ]; then systemctl start "$PACKAGE"; fi
    rm -f "$STOPPED"
}

# Only a blank volume is formatted. The final label is set last: a volume without it was cut while being formatted.
format() {
    local device=$1 type label signatures
    type=$(blkid -p -o value -s TYPE "$device" || true)   # as of a blank volume, which wipefs confirms
    label=$(blkid -p -o value -s LABEL "$device" || true) # likewise
    if [ "$type" = ext4 ] && [ "$label" = linkmesh-data ]; then return; fi
    if [ "$type" != ext4 ] || [ "$label" != linkmesh-blank ]; then
        signatures=$(wipefs --noheadings "$device")
        [ -z "$signatures" ] ||
            fail "the data volume $DEVICE holds a file system${type:+ ($type)} that is not LinkMesh's:" \
                "nothing on it was touched, give the stack a volume of its own."
    fi
    mkfs.ext4 -q -F -L linkmesh-blank "$device"
    e2label "$device" linkmesh-data
}

# Data of another stack and another name come from a wrong snapshot or volume. Under one stack a name may change, and a
# name may move to another stack. This is found out before anything is written, even a journal.
refuse_other_host() {
    local identity owner domain
    read_identity "$1" >"$WORK/identity" 2>"$WORK/mount" ||
        fail "the data volume $DEVICE cannot be read ($(tail -n1 "$WORK/mount")): see \`sudo dmesg\` on the machine."
    mapfile -t identity <"$WORK/identity"
    owner=${identity[0]-} domain=${identity[1]-}
    [ -z "$owner" ] || [ "$owner" = "$OWNER" ] || [ "$domain" = "$DOMAIN" ] ||
        fail "the data volume $DEVICE holds the data of $domain (stack $owner), not of $DOMAIN (stack $OWNER)," \
            "so nothing on it was touched: give the stack a volume or a snapshot of its own."
}

# read_identity DEVICE: prints whose data are on it. In a private view of the file system, so that a step that is cut
# leaves nothing mounted.
read_identity() {
    # shellcheck disable=SC2016
    local show='mountpoint -q "$2" || mount -o ro,noload "$1" "$2" || exit
        if [ -e "$3" ]; then cat "$3"; fi'
    unshare --mount -- sh -c "$show" sh "$1" "$DATA" "$IDENTITY"
}

write_fstab() {
    local path
    {
        [ ! -e /etc/fstab ] || sed '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/d' /etc/fstab
        echo '# BEGIN linkmesh-proxy'
        echo "$DEVICE $DATA ext4 defaults,nofail,x-systemd.device-timeout=60 0 2"
        while read -r path; do
            echo "$DATA/paths$path $path none bind,nofail,x-systemd.requires-mounts-for=$DATA 0 0"
        done <<<"$DIRECTORIES"
        echo '# END linkmesh-proxy'
    } >"$WORK/fstab"
    put_file /etc/fstab <"$WORK/fstab"
    expect block /etc/fstab
    apply systemctl daemon-reload
}

# --- LinkMesh's and certbot's directories lie on the volume and are bound over their usual places. What the machine has
# in such a place moves to the volume if the volume has nothing yet; it is set aside first, so that a step that was cut
# goes on from there.

# volume_path PATH: where the volume has the directory.
volume_path() { echo "$DATA/paths$1"; }

# aside_path PATH: where the machine's own data of the directory are set aside.
aside_path() { echo "$1.before-linkmesh-proxy"; }

refuse_data_twice() {
    local kept aside
    kept=$(volume_path "$1") aside=$(aside_path "$1")
    if mountpoint -q "$1" || is_empty "$1" || is_superseded "$1"; then return; fi
    [ ! -e "$aside" ] ||
        fail "both $1 and $aside hold data: look which is right, remove the other and run pulumi up again."
    is_empty "$kept" ||
        fail "both this machine's $1 and the data volume's hold data:" \
            "move this machine's away and run pulumi up again."
}

move_to_volume() {
    local path=$1 kept aside
    kept=$(volume_path "$path") aside=$(aside_path "$path")
    if mountpoint -q "$path"; then return; fi
    if ! is_empty "$path" && ! is_superseded "$path"; then
        if systemctl is-active --quiet "$PACKAGE"; then stop_for_move; fi
        on_failure take_back "$path"
        mv -T "$path" "$aside"
    fi
    if [ -d "$aside" ] && is_empty "$kept"; then
        rm -rf "$kept.new"
        mkdir -p "$(dirname "$kept")"
        cp -a "$aside" "$kept.new" ||
            fail "the data volume has no room for what is in $path: set dataVolumeSize to a larger value."
        sync -f "$kept.new"
        rm -rf "$kept"
        mv -T "$kept.new" "$kept"
    fi
    mkdir -p "$kept" "$path"
}

stop_for_move() {
    on_failure systemctl start "$PACKAGE"
    on_failure systemctl daemon-reload # the mounts that it depends on are gone
    keep "$STOPPED"
    touch "$STOPPED"
    stop_linkmesh
}

# take_back PATH: the machine's own data are in their place again.
take_back() {
    local kept aside
    kept=$(volume_path "$1") aside=$(aside_path "$1")
    [ -d "$aside" ] || return 0
    [ ! -d "$1" ] || rmdir "$1"
    rm -rf "$kept" "$kept.new"
    mv -T "$aside" "$1"
}

bind() {
    if mountpoint -q "$1"; then return; fi
    mount "$1"
    on_failure umount "$1"
}

# True for a directory that does not exist, too.
is_empty() {
    [ ! -d "$1" ] || [ -z "$(ls -A "$1")" ]
}

# is_superseded PATH: true when the volume has data of this directory, and the machine only what its packages brought,
# as an image with certbot does. The volume's data are then bound over it.
is_superseded() {
    local kept file sum
    kept=$(volume_path "$1") || return
    ! is_empty "$kept" || return
    dpkg-query -W -f '${Conffiles}\n' >"$WORK/conffiles" || return
    find "$1" ! -type d >"$WORK/present" || return
    while read -r file; do
        sum=$(md5sum "$file" | cut -d' ' -f1) || return
        grep -qxF " $file $sum" "$WORK/conffiles" || return
    done <"$WORK/present"
}
