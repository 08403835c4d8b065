#!/bin/bash
# shellcheck shell=bash source=library.sh disable=SC2153
# The LinkMesh package, with its checksum verified, and its environment file on the data volume.
# Either DEB_URL and DEB_SHA256, or APT_SOURCE, VERSION and the file apt-key.asc. ENVIRONMENT_FILE, DIRECTORIES.

PACKAGE=linkmesh-server
SOURCE=/etc/apt/sources.list.d/linkmesh.list
SOURCE_KEY=/etc/apt/keyrings/linkmesh.asc

main() {
    local changed=
    write_drop_in
    restore_user
    if [ -e "$DATA/files$ENVIRONMENT_FILE" ]; then keep_environment_file; fi
    dpkg --configure -a >/dev/null 2>&1 || true
    if [ -n "$DEB_URL" ]; then
        install_deb
        rm -f "$SOURCE" "$SOURCE_KEY"
    else
        install_from_source
    fi
    record_user
    keep_environment_file
    if [ -n "$changed" ]; then
        systemctl reset-failed "$PACKAGE" 2>/dev/null || true
        # It may lack an entry of its environment that the next step brings.
        systemctl restart "$PACKAGE" || true
    fi
}

# LinkMesh must not start on empty directories when the volume is missing, and has no business with the metadata
# service, which hands out this machine's user data.
write_drop_in() {
    {
        echo '[Unit]'
        echo "RequiresMountsFor=$DATA $(tr '\n' ' ' <<<"$DIRECTORIES")"
        echo '[Service]'
        echo 'IPAddressDeny=169.254.169.254/32 fd00:ec2::254/128'
    } >"$WORK/drop-in"
    if install_file /etc/systemd/system/$PACKAGE.service.d/10-linkmesh-proxy.conf <"$WORK/drop-in"; then systemctl daemon-reload; fi
}

install_deb() {
    if installed $PACKAGE && [ "$(cat "$STATE/package" 2>/dev/null)" = "$DEB_SHA256 $(present_version)" ]; then return; fi
    local deb="$WORK/$PACKAGE.deb" sum
    curl --fail --silent --show-error --location --retry 5 --retry-connrefused --max-time 600 --output "$deb" "$DEB_URL" 2>"$WORK/curl" ||
        fail "linkmeshDebUrl: $DEB_URL cannot be fetched ($(tail -n1 "$WORK/curl")): check the address and that the machine reaches it."
    sum=$(sha256sum "$deb" | cut -d' ' -f1)
    [ "$sum" = "$DEB_SHA256" ] ||
        fail "linkmeshDebSha256: the package at $DEB_URL has the checksum $sum, so it was not installed: correct the setting if you trust that package."
    [ "$(dpkg-deb -f "$deb" Package 2>/dev/null)" = $PACKAGE ] ||
        fail "linkmeshDebUrl: $DEB_URL is not a Debian package named $PACKAGE, so it was not installed."
    refuse_downgrade "$(dpkg-deb -f "$deb" Version)"
    chmod 0755 "$WORK" # apt's own user reads the file
    install_package "$deb"
    echo "$DEB_SHA256 $(present_version)" | install_file "$STATE/package" || true
}

install_from_source() {
    local path
    for path in "$SOURCE" "$SOURCE_KEY"; do [ ! -e "$path" ] || cp -a "$path" "$WORK"; done
    trap 'put_source_back; rm -rf "$WORK"' EXIT
    file apt-key.asc | install_file "$SOURCE_KEY" || true
    install_file "$SOURCE" <<<"deb [signed-by=$SOURCE_KEY] $APT_SOURCE" || true
    if ! { installed $PACKAGE && [ "$(present_version)" = "$VERSION" ]; }; then
        refuse_downgrade "$VERSION"
        APT_HINT='Check linkmeshAptSource, linkmeshAptKey and that the machine reaches that source' apt_get update
        apt-cache madison $PACKAGE | grep -qF " $VERSION " || source_without_version
        install_package "$PACKAGE=$VERSION"
    fi
    trap 'rm -rf "$WORK"' EXIT
}

source_without_version() {
    local problem
    problem=$(grep -m1 '^W: Failed to fetch' "$WORK/apt.log" || true)
    [ -z "$problem" ] || fail "linkmeshAptSource: $APT_SOURCE cannot be read (${problem#W: }): check the address and that the machine reaches it."
    fail "linkmeshVersion: the source $APT_SOURCE has no $PACKAGE $VERSION: choose one that \`apt-cache madison $PACKAGE\` shows on the machine."
}

# A source that does not work would keep every other package from being installed, too.
put_source_back() {
    local path
    for path in "$SOURCE" "$SOURCE_KEY"; do
        if [ -e "$WORK/$(basename "$path")" ]; then install_file "$path" <"$WORK/$(basename "$path")" || true; else rm -f "$path"; fi
    done
}

present_version() {
    dpkg-query -W -f '${Version}' $PACKAGE
}

refuse_downgrade() {
    local present
    installed $PACKAGE || return 0
    present=$(present_version)
    dpkg --compare-versions "$1" ge "$present" ||
        fail "LinkMesh $present is installed and $1 is older: LinkMesh does not say that it can read a newer database, so nothing was changed: set a package of version $present or newer."
}

install_package() {
    # The lists of a fresh machine are empty, and the package has dependencies.
    [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ] || apt_get update
    apt_get install -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$1"
    changed=1
}

# The service's user owns files on the volume by number. Another machine may number its users otherwise.
record_user() {
    echo "$(id -u linkmesh) $(id -g linkmesh)" | install_file "$DATA/identity/user" || true
}

restore_user() {
    local uid gid
    if [ ! -e "$DATA/identity/user" ] || id linkmesh >/dev/null 2>&1; then return; fi
    read -r uid gid <<<"$(cat "$DATA/identity/user")"
    getent group linkmesh >/dev/null || groupadd --system --gid "$gid" linkmesh
    useradd --system --uid "$uid" --gid "$gid" --home-dir /var/lib/linkmesh --no-create-home --shell /usr/sbin/nologin linkmesh
}

# The environment file holds the server secret, without which the database is of no use: it lives on the volume, and
# its usual place is a link. What is on the volume wins over what a package has just written.
keep_environment_file() {
    local kept="$DATA/files$ENVIRONMENT_FILE"
    if [ "$(readlink "$ENVIRONMENT_FILE")" = "$kept" ]; then return; fi
    mkdir -p "$(dirname "$kept")" "$(dirname "$ENVIRONMENT_FILE")"
    if [ ! -e "$kept" ]; then
        [ -e "$ENVIRONMENT_FILE" ] || fail "linkmeshEnvironmentFile: the package brings no $ENVIRONMENT_FILE: name the file that its unit reads (\`systemctl cat $PACKAGE\` on the machine)."
        cp -a "$ENVIRONMENT_FILE" "$kept.new"
        sync -f "$kept.new"
        mv -f "$kept.new" "$kept"
    fi
    ln -sfnT "$kept" "$ENVIRONMENT_FILE.new"
    mv -fT "$ENVIRONMENT_FILE.new" "$ENVIRONMENT_FILE"
    changed=1
}
