#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The user's entries in LinkMesh's environment file, after those of the package; a later entry wins.
# DOMAIN, ENVIRONMENT_FILE. GRPC_NAME: where agents connect, or nothing. The file `entries`: NAME="VALUE", one a line.

main() {
    local path known
    path=$(readlink -f "$ENVIRONMENT_FILE")
    sed '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/d' "$path" >"$WORK/environment"
    if [ -s "$FILES/entries" ]; then
        # A last line without an end would run into the first entry.
        [ -z "$(tail -c1 "$WORK/environment")" ] || echo >>"$WORK/environment"
        { echo '# BEGIN linkmesh-proxy' && cat "$FILES/entries" && echo '# END linkmesh-proxy'; } >>"$WORK/environment"
    fi
    known=$(written_elsewhere)
    change_linkmesh_file "$ENVIRONMENT_FILE" "$WORK/environment"
    if [ -e "$PREVIOUS" ]; then
        refuse_elsewhere "$known" "the old environment is in place again"
        # Another database has another certificate.
        [ -z "$GRPC_NAME" ] || add_grpc_name "$GRPC_NAME"
    fi
    linkmesh_file_proven
    expect block "$ENVIRONMENT_FILE"
}
