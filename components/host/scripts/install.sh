#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2034,SC2153
# The wanted package installed, with its environment file on the data volume. Before another version comes to the data
# they are copied while LinkMesh stands still; when it does not answer, the old package and the copy are put back.
# NAME: what the package is kept as. DIRECTORIES: LinkMesh's data, one a line. ENVIRONMENT_FILE, DOMAIN.

CONFIG=/etc/linkmesh/config.yaml
COPY=$DATA/before-upgrade # with `pending` inside, which names the package before, until the new one has answered
SPARE=51200               # KiB that a copy leaves free on the data volume
DROP_IN=/etc/systemd/system/$PACKAGE.service.d/10-linkmesh-proxy.conf
STALE=$STATE/restart-linkmesh # there while LinkMesh may run with another package or environment file than is installed
IN_USE=''                     # the package that has last worked on the data, or nothing

main() {
    local version
    IN_USE=$(data_package)
    write_drop_in
    restore_user
    if [ -e "$DATA/files$ENVIRONMENT_FILE" ]; then keep_environment_file; fi
    dpkg --configure -a >/dev/null 2>&1 || true # what a cut installation left; apt-get says what is wrong with it
    finish_cut_upgrade
    if [ -z "$IN_USE" ] || [ "$IN_USE" = "$NAME" ]; then
        installed_here "$NAME" || install_package "$NAME"
        enable_unit "$PACKAGE.service"
        keep_environment_file
        record_user
        # It may lack an entry that the next step brings.
        if [ -e "$STALE" ] || ! systemctl is-active --quiet "$PACKAGE"; then restart_linkmesh 0 || true; fi
    else
        upgrade
        enable_unit "$PACKAGE.service"
    fi
    hold_package
    version=$(present_version)
    install_file "$PACKAGES/in-use" <<<"$NAME $version"
    expect version "$PACKAGE"
    commit
    rm -f "$COPY/pending" "$STALE"
    find "$PACKAGES" -name '*.deb' ! -name "$NAME.deb" -delete
}

# An upgrade that was cut is undone, unless this run goes on with it. Its copy counts only while the new package may
# have been at the data: otherwise they have been written to since.
finish_cut_upgrade() {
    if [ -e "$COPY/restoring" ]; then
        put_back
    elif [ ! -e "$COPY/pending" ]; then
        return
    elif [ "$(cat "$COPY/pending")" != "$IN_USE" ] || installed_here "$IN_USE"; then
        rm -f "$COPY/pending"
    elif [ "$NAME" = "$IN_USE" ]; then
        put_back
    fi
}

upgrade() {
    local old outcome known
    old=$(data_version)
    known=$(written_elsewhere)
    # A database elsewhere, such as MongoDB, is not among it.
    outcome="$old and what linkmeshDataPaths held are in place again"
    [ -e "$PACKAGES/$IN_USE.deb" ] ||
        outcome="what linkmeshDataPaths held is as it was, but the package of $old is missing"
    if [ ! -e "$COPY/pending" ]; then
        copy_data
        record "$COPY/pending" <<<"$IN_USE"
    fi
    on_failure put_back
    LINKMESH_STARTED=@$EPOCHSECONDS
    installed_here "$NAME" ||
        APT_HINT="So $outcome: check that package, and that the machine reaches its package mirror" \
            install_package "$NAME"
    keep_environment_file
    systemctl start "$PACKAGE" || true # the next line finds out
    linkmesh_comes_up 120 ||
        fail "LinkMesh $(version_of "$NAME") does not answer$(linkmesh_says), so $outcome:" \
            "see \`sudo journalctl -u $PACKAGE\` on the machine."
    refuse_elsewhere "$known" "$outcome"
}

# --- the copy

copy_data() {
    refuse_full_volume
    on_failure systemctl start "$PACKAGE"
    on_failure rm -rf "$COPY.new"
    stop_linkmesh
    rm -rf "$COPY" "$COPY.new"
    copy_into "$COPY.new" ||
        fail "LinkMesh's data cannot be copied to $COPY on the machine, so nothing was changed:" \
            "is $(data_place) full?"
    mv "$COPY.new" "$COPY"
}

# In KiB, as du and df count.
refuse_full_volume() {
    local needed free old
    needed=$(data_directories | xargs -r -d '\n' du -cskx | tail -n1 | cut -f1)
    free=$(df --output=avail -k "$DATA" | tail -n1)
    # The previous copy is deleted first.
    if [ -d "$COPY" ]; then
        old=$(du -sk "$COPY" | cut -f1)
        free=$((free + old))
    fi
    ((needed + SPARE < free)) ||
        fail "$(data_place) has $((free / 1024)) MiB left," \
            "but a copy of LinkMesh's data before the upgrade takes $((needed / 1024)) MiB, so nothing was changed:" \
            "$(more_room)"
}

# copy_into FOLDER
copy_into() {
    local path
    mkdir -m 0700 "$1" || return
    while read -r path; do
        [ -d "$path" ] || continue
        mkdir -p "$1/paths$path" || return
        cp -a "$path/." "$1/paths$path/" || return
    done <<<"$DIRECTORIES"
    cp -a "$(readlink -f "$ENVIRONMENT_FILE")" "$1/environment" || return
    [ ! -e "$CONFIG" ] || cp -a "$CONFIG" "$1/config.yaml" || return
    sync -f "$1"
}

# Puts the copy's data and the old package in place of the new ones. A run that is cut is done again as a whole.
put_back() {
    local path
    touch "$COPY/restoring"
    sync -f "$COPY"
    stop_linkmesh
    if ! installed_here "$IN_USE" && can_install "$PACKAGES/$IN_USE.deb"; then
        install_package "$IN_USE"
        stop_linkmesh
    fi
    while read -r path; do
        [ -d "$COPY/paths$path" ] || continue # a directory that was added since then
        find "$path" -xdev -mindepth 1 -delete
        cp -a "$COPY/paths$path/." "$path/"
    done <<<"$DIRECTORIES"
    cp -a --remove-destination "$COPY/environment" "$(readlink -f "$ENVIRONMENT_FILE")"
    [ ! -e "$COPY/config.yaml" ] || cp -a --remove-destination "$COPY/config.yaml" "$CONFIG"
    sync -f "$DATA"
    rm -f "$COPY/pending" "$COPY/restoring" "$STALE"
    restart_linkmesh 60 || true # the old data under the old package are in place either way
}

# Prints those that exist.
data_directories() {
    local path
    while read -r path; do
        if [ -d "$path" ]; then echo "$path"; fi
    done <<<"$DIRECTORIES"
}

# --- the package

# installed_here NAME: true when this machine has this very package.
installed_here() {
    [ "$(cat "$STATE/package" 2>/dev/null)" = "$1" ] && [ "$(present_version)" = "$(version_of "$1")" ]
}

# version_of NAME
version_of() {
    dpkg-deb -f "$PACKAGES/$1.deb" Version
}

# can_install FILE.deb
can_install() {
    [ -e "$1" ] && of_this_architecture "$1"
}

# install_package NAME
install_package() {
    # The lists of a fresh machine are empty, and the package has dependencies.
    [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ] || apt_get update
    # Another build of the same version counts as well.
    local install=(install -y --no-install-recommends --reinstall --allow-downgrades --allow-change-held-packages
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
    # What fails here, such as a mirror or a lock, has touched nothing.
    apt_get "${install[@]}" --download-only "$PACKAGES/$1.deb"
    touch "$STALE"
    rm -f "$STATE/package"
    apt_get "${install[@]}" "$PACKAGES/$1.deb"
    hold_package
    record "$STATE/package" <<<"$1"
}

# Only this step upgrades LinkMesh, because it copies the data first. `apt-get upgrade` must not.
hold_package() {
    apt-mark hold "$PACKAGE" >/dev/null
    expect package "$PACKAGE" installed
    expect hold "$PACKAGE" hold
}

# LinkMesh must not start on empty directories when the volume is missing, nor while data are put back. The metadata
# service hands out this machine's user data, so LinkMesh may not reach it.
write_drop_in() {
    {
        echo '[Unit]'
        echo "RequiresMountsFor=$DATA $(tr '\n' ' ' <<<"$DIRECTORIES")"
        echo "ConditionPathExists=!$COPY/restoring"
        echo '[Service]'
        echo 'IPAddressDeny=169.254.169.254/32 fd00:ec2::254/128'
    } >"$WORK/drop-in"
    # The first one stays whatever comes after: LinkMesh is never without it.
    if [ -e "$DROP_IN" ]; then
        install_file "$DROP_IN" <"$WORK/drop-in"
    else
        record "$DROP_IN" <"$WORK/drop-in"
        expect file "$DROP_IN"
    fi
    apply systemctl daemon-reload
}

# --- the secret of the data

# The environment file holds the server secret, without which the database is of no use: it lives on the volume, and
# its usual place is a link. What is on the volume wins over what a package has just written.
keep_environment_file() {
    local kept="$DATA/files$ENVIRONMENT_FILE"
    expect file "$ENVIRONMENT_FILE" "link to $kept"
    if [ "$(readlink "$ENVIRONMENT_FILE")" = "$kept" ]; then return; fi
    mkdir -p "$(dirname "$kept")" "$(dirname "$ENVIRONMENT_FILE")"
    if [ ! -e "$kept" ]; then
        [ -e "$ENVIRONMENT_FILE" ] ||
            fail "linkmeshEnvironmentFile: the package has no $ENVIRONMENT_FILE:" \
                "name the file that its unit reads (\`systemctl cat $PACKAGE\` on the machine)."
        cp -a "$ENVIRONMENT_FILE" "$kept.new"
        swap "$kept.new" "$kept"
    fi
    touch "$STALE"
    ln -sfnT "$kept" "$ENVIRONMENT_FILE.new"
    swap "$ENVIRONMENT_FILE.new" "$ENVIRONMENT_FILE"
}
