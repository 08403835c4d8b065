#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The proxy's keys and the user's in LinkMesh's config.yaml; other keys and all comments stay, and a key that the user
# no longer sets is again what it was.
# DOMAIN. GRPC_NAME: where agents connect, or nothing. The file `config.yaml`: the keys to set. The file
# `merge_config.py`: the merge.

CONFIG=/etc/linkmesh/config.yaml
RECORD=$STATE/config-record # what stood there before; with `.pending` while the swap may have happened or not

main() {
    [ -f "$CONFIG" ] || fail "the LinkMesh package has no $CONFIG: check that it is the server's package."
    install_missing python3-ruamel.yaml
    merge_config
    if ! cmp -s "$WORK/config.yaml" "$CONFIG"; then record "$RECORD.pending" 0600 <"$WORK/pending"; fi
    change_linkmesh_file "$CONFIG" "$WORK/config.yaml"
    wait_until 30 certificate_at_internal_port ||
        fail "LinkMesh does not listen for gRPC on port $GRPC_INTERNAL_PORT with the new $CONFIG," \
            "so the old one is in place again: see \`sudo journalctl -u $PACKAGE\` on the machine."
    refuse_elsewhere '' "the old config.yaml is in place again"
    # Another database has another certificate.
    [ -z "$GRPC_NAME" ] || add_grpc_name "$GRPC_NAME"
    linkmesh_file_proven
    record "$RECORD" 0600 <"$WORK/record"
    record "$CONFIG_KEYS" 0600 <"$FILES/config.yaml"
    expect keys "$CONFIG" 'as set'
    rm -f "$RECORD.pending"
}

# Writes config.yaml, record and pending into WORK.
merge_config() {
    local records=("$RECORD" "$RECORD.pending")
    python3 "$FILES/merge_config.py" "$CONFIG" "$FILES/config.yaml" "$WORK" "${records[@]}" \
        >"$WORK/config.yaml" 2>"$WORK/merge" ||
        fail "$CONFIG cannot be read as YAML, so it was left alone: $(tail -n1 "$WORK/merge")"
}

certificate_at_internal_port() {
    [ -n "$(certificate_at "127.0.0.1:$GRPC_INTERNAL_PORT" "$DOMAIN")" ]
}
