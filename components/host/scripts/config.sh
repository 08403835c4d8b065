#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The proxy's keys and the user's in LinkMesh's config.yaml; other keys and all comments stay, and a key that the user
# no longer sets is again what it was.
# DOMAIN. GRPC_NAME: where agents connect, or nothing. FILE_NAMES: the user's files for LinkMesh, one a line. The file
# `config.yaml`: the keys to set. The file `merge_config.py`: the merge.

CONFIG=/etc/linkmesh/config.yaml
RECORD=$STATE/config-record # what stood there before; with `.pending` while the swap may have happened or not

main() {
    [ -f "$CONFIG" ] || fail "the LinkMesh package has no $CONFIG: check that it is the server's package."
    install_missing python3-ruamel.yaml
    merge_config
    if ! cmp -s "$WORK/config.yaml" "$CONFIG"; then record "$RECORD.pending" 0600 <"$WORK/pending"; fi
    change_linkmesh_file "$CONFIG" "$WORK/config.yaml"
    wait_until 30 certificate_at_internal_port ||
        fail "LinkMesh does not listen for gRPC on port $GRPC_INTERNAL_PORT with the new $CONFIG$(linkmesh_says)," \
            "so the old one is in place again: see \`sudo journalctl -u $PACKAGE\` on the machine."
    refuse_elsewhere '' "the old config.yaml is in place again"
    # Another database has another certificate.
    [ -z "$GRPC_NAME" ] || add_grpc_name "$GRPC_NAME"
    linkmesh_file_proven
    record "$RECORD" 0600 <"$WORK/record"
    record "$CONFIG_KEYS" 0600 <"$FILES/config.yaml"
    expect keys "$CONFIG" 'as set'
    rm -f "$RECORD.pending"
    remove_unused_files
}

# Only now, because the configuration before may have named them, and would be put back if the new one failed.
remove_unused_files() {
    local unused
    remove_half_files
    unused=$(unused_files)
    if [ -n "$unused" ]; then
        remove_files "$unused"
    elif [ -z "$FILE_NAMES" ]; then
        drop_files_before
    fi
    # If linkmeshFiles was changed back after a step that failed or was cut, no step runs, but the doctor finds this.
    expect file "$FILES_BEFORE/answered" missing
    if [ -z "$FILE_NAMES" ]; then
        forget files
        expect file "$EXPECTED_FOLDER/files" missing
    fi
}

# Prints the names of those that are there, or were before a run that was cut.
unused_files() {
    local path
    for path in "$LINKMESH_FILES"/* "$FILES_BEFORE/files"/*; do
        [ -e "$path" ] || continue # there is none
        if grep -qxF -- "${path##*/}" <<<"$FILE_NAMES"; then continue; fi
        echo "${path##*/}"
    done | sort -u
}

# remove_files NAMES: one a line.
remove_files() {
    local name
    keep_files yes
    while read -r name; do
        rm -f "$LINKMESH_FILES/$name"
        expect file "$LINKMESH_FILES/$name"
    done <<<"$1"
    apply restart_linkmesh 60 ||
        fail "LinkMesh does not answer without files that linkmeshFiles lacks (${1//$'\n'/ })$(linkmesh_says)," \
            "so they are in place again: see \`sudo journalctl -u $PACKAGE\` on the machine," \
            "correct linkmeshFiles and run pulumi up again."
    commit
    drop_files_before
}

# Writes config.yaml, record and pending into WORK.
merge_config() {
    local records=("$RECORD" "$RECORD.pending")
    python3 "$FILES/merge_config.py" "$CONFIG" "$FILES/config.yaml" "$WORK" "${records[@]}" \
        >"$WORK/config.yaml" 2>"$WORK/merge" ||
        fail "$(tail -n1 "$WORK/merge")"
}

certificate_at_internal_port() {
    [ -n "$(certificate_at "127.0.0.1:$GRPC_INTERNAL_PORT" "$DOMAIN")" ]
}
