#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- the user's files for LinkMesh. While they change, a copy of the folder is kept as it was when LinkMesh last
# answered. A step that fails puts it back. After a step that was cut, the next run finishes or undoes the change.

LINKMESH_FILES=/etc/linkmesh-proxy/files # root and LinkMesh alone can read them
FILES_BEFORE=$STATE/previous-files       # `files` is the copy; `answered` is empty if LinkMesh did not answer before

# keep_files [ANSWERED]
keep_files() {
    if [ ! -e "$FILES_BEFORE" ]; then
        rm -rf "$FILES_BEFORE.new"
        copy_files "${1-}" || fail "cannot write $FILES_BEFORE: is the disk full?"
        swap "$FILES_BEFORE.new" "$FILES_BEFORE"
    fi
    on_failure put_files_back
}

copy_files() {
    mkdir -m 0700 "$FILES_BEFORE.new" || return
    cp -a "$LINKMESH_FILES" "$FILES_BEFORE.new/files" || return
    printf '%s' "$1" >"$FILES_BEFORE.new/answered" || return
    sync -f "$FILES_BEFORE.new"
}

put_files_back() {
    find "$LINKMESH_FILES" -mindepth 1 -delete
    cp -a "$FILES_BEFORE/files/." "$LINKMESH_FILES"
    sync -f "$LINKMESH_FILES"
    drop_files_before
}

# The copy goes at once, because a part of it would count as the whole.
drop_files_before() {
    if [ -e "$FILES_BEFORE" ]; then mv -T "$FILES_BEFORE" "$FILES_BEFORE.new"; fi
    rm -rf "$FILES_BEFORE.new"
}

# What a step has left that was cut while it wrote. Secrets may be among it.
remove_half_files() {
    rm -rf "$LINKMESH_FILES/.new" "$FILES_BEFORE.new"
}
