#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The wanted LinkMesh package, verified, on the data volume; nothing is installed yet. There it outlives the machine,
# and with it the one in use, which the next step may have to put back.
# NAME: what it is kept as, its checksum or its version. The file `deb-url`, or nothing in it. Then the files
# `apt-source`: URL, suite and components, `apt-key.asc`, and `apt-auth`: the login for the source, or nothing.

SOURCE=/etc/apt/sources.list.d/linkmesh.list
SOURCE_KEY=/etc/apt/keyrings/linkmesh.asc
SOURCE_LOGIN=/etc/apt/auth.conf.d/linkmesh.conf

main() {
    local deb="$PACKAGES/$NAME.deb" version
    mkdir -p "$PACKAGES"
    # The machine before this one may have been of another architecture.
    if [ -e "$deb" ] && ! of_this_architecture "$deb"; then rm -f "$deb"; fi
    if [ -s "$FILES/deb-url" ]; then
        [ -e "$deb" ] || fetch_from_url
        remove_source
    else
        install_source
        [ -e "$deb" ] || fetch_from_source
    fi
    if [ ! -e "$WORK/wanted.deb" ]; then
        version=$(dpkg-deb -f "$deb" Version)
        refuse_downgrade "$version"
        return
    fi
    version=$(dpkg-deb -f "$WORK/wanted.deb" Version)
    refuse_downgrade "$version"
    on_failure rm -f "$deb.new"
    cp "$WORK/wanted.deb" "$deb.new" ||
        fail "$(data_place) has no room for the LinkMesh package: $(more_room)"
    swap "$deb.new" "$deb"
}

# Against the package that has last worked on these data, whichever machine that was on.
refuse_downgrade() {
    local present
    present=$(data_version)
    [ -n "$present" ] || present=$(present_version)
    [ -z "$present" ] || dpkg --compare-versions "$1" ge "$present" ||
        fail "LinkMesh $present has written the data and $1 is older:" \
            "LinkMesh does not say that it can read a newer database, so nothing was changed:" \
            "set a package of version $present or newer."
}

# --- from a URL

fetch_from_url() {
    local deb="$WORK/wanted.deb" url sum
    url=$(without_credentials <"$FILES/deb-url")
    # In a file: arguments are seen by every process of the machine.
    sed 's/[\\"]/\\&/g; s/.*/url = "&"/' "$FILES/deb-url" >"$WORK/curl.conf"
    curl --config "$WORK/curl.conf" --globoff --fail --silent --show-error --location \
        --retry 5 --retry-connrefused --max-time 600 --output "$deb" 2>"$WORK/curl" ||
        fail "linkmeshDebUrl: $url cannot be fetched ($(tail -n1 "$WORK/curl" | without_credentials)):" \
            "check the address and that the machine reaches it."
    sum=$(sha256sum "$deb" | cut -d' ' -f1)
    [ "$sum" = "$NAME" ] ||
        fail "linkmeshDebSha256: the package at $url has the checksum $sum, so it was not installed:" \
            "correct the setting if you trust that package."
    [ "$(dpkg-deb -f "$deb" Package 2>/dev/null)" = "$PACKAGE" ] ||
        fail "linkmeshDebUrl: $url is not a Debian package named $PACKAGE, so it was not installed:" \
            "check the address."
    of_this_architecture "$deb" ||
        fail "linkmeshDebUrl: the package at $url is for $(dpkg-deb -f "$deb" Architecture)," \
            "and this machine is $(dpkg --print-architecture):" \
            "set the package for it, or an instanceType of the other architecture."
}

# without_credentials <TEXT: prints it without the user and the query of its URLs, for messages: a presigned URL is a
# password.
without_credentials() {
    sed -E 's#([a-z]+://)[^/@ ]*@#\1#gI; s#([a-z]+://[^? )"]*)\?[^ )"]*#\1#gI'
}

# --- from an APT source

# A source that does not work would keep every other package from being installed, too: a step that fails removes it.
install_source() {
    local source
    source=$(cat "$FILES/apt-source")
    if [ -s "$FILES/apt-auth" ]; then
        install_file "$SOURCE_LOGIN" 0600 <"$FILES/apt-auth"
    else
        remove_file "$SOURCE_LOGIN"
    fi
    install_file "$SOURCE_KEY" <"$FILES/apt-key.asc"
    install_file "$SOURCE" <<<"deb [signed-by=$SOURCE_KEY] $source"
}

remove_source() {
    remove_file "$SOURCE"
    remove_file "$SOURCE_KEY"
    remove_file "$SOURCE_LOGIN"
}

fetch_from_source() {
    APT_HINT='Check linkmeshAptSource, linkmeshAptKey and that the machine reaches that source' apt_get update
    apt-cache madison "$PACKAGE" | grep -qF " $NAME " || fail_without_version
    # apt's own user writes there.
    mkdir "$WORK/download"
    chown _apt "$WORK/download"
    chmod 0711 "$WORK"
    # shellcheck disable=SC2164
    cd "$WORK/download"
    apt_get download "$PACKAGE=$NAME"
    cd /
    mv "$WORK"/download/*.deb "$WORK/wanted.deb"
}

fail_without_version() {
    local problem source
    source=$(cat "$FILES/apt-source")
    problem=$(sed -n '/^W: Failed to fetch/ { s/^W: //p; q }' "$WORK/apt.log")
    [ -z "$problem" ] ||
        fail "linkmeshAptSource: $source cannot be read ($problem):" \
            "check the address and that the machine reaches it."
    fail "linkmeshVersion: the source $source has no $PACKAGE $NAME:" \
        "choose one that \`apt-cache madison $PACKAGE\` shows on the machine."
}
