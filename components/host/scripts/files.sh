#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The user's files for LinkMesh, before it is installed or restarts for another reason. A file that the user no longer
# sets stays until the step config has shown that LinkMesh does without it.
# DOMAIN. GRPC_NAME: where agents connect, or nothing. The file `entries`: a name and a text in base64, one a line.

main() {
    local name
    remove_half_files
    restore_user
    id linkmesh >/dev/null 2>&1 || create_user
    write_new_files
    # Also after a step that was cut.
    if [ -e "$FILES_BEFORE" ] || files_differ; then change_files; fi
    while read -r name _; do expect file "$LINKMESH_FILES/$name"; done <"$FILES/entries"
}

write_new_files() {
    local name text
    mkdir "$WORK/new"
    while read -r name text; do base64 -d <<<"$text" >"$WORK/new/$name"; done <"$FILES/entries"
    chown root:linkmesh "$WORK/new"/*
    chmod 0640 "$WORK/new"/*
}

files_differ() {
    local file
    for file in "$WORK/new"/*; do
        if ! same_file "$file" "$LINKMESH_FILES/${file##*/}"; then return 0; fi
    done
    return 1
}

change_files() {
    local known file answered=''
    # A LinkMesh that is down may need more than these files, which only later steps bring.
    if [ -s "$FILES_BEFORE/answered" ] || linkmesh_answers; then answered=yes; fi
    known=$(written_elsewhere)
    mkdir -p "$LINKMESH_FILES"
    chown root:linkmesh "$LINKMESH_FILES"
    chmod 0750 "$LINKMESH_FILES"
    keep_files "$answered"
    for file in "$WORK/new"/*; do
        cp -a "$file" "$LINKMESH_FILES/.new" || fail "cannot write in $LINKMESH_FILES: is the disk full?"
        swap "$LINKMESH_FILES/.new" "$LINKMESH_FILES/${file##*/}"
    done
    if [ -n "$answered" ]; then
        apply restart_linkmesh 60 ||
            fail "LinkMesh does not answer with the new linkmeshFiles$(linkmesh_says)," \
                "so the old ones are in place again:" \
                "see \`sudo journalctl -u $PACKAGE\` on the machine, correct linkmeshFiles and run pulumi up again."
        refuse_elsewhere "$known" "the old linkmeshFiles are in place again"
        # Another internal CA has another certificate.
        [ -z "$GRPC_NAME" ] || add_grpc_name "$GRPC_NAME"
    elif installed "$PACKAGE"; then
        restart_linkmesh 60 || true # it did not answer before either
    fi
    commit
    drop_files_before
}
