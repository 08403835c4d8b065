#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# LinkMesh's own certificate on the gRPC port carries the name that agents connect to.
# DOMAIN. NAME: the one for gRPC.

CONFIG=/etc/linkmesh/config.yaml

main() {
    local keys
    keys=$(keys_state "$CONFIG")
    # Edited by hand: the step config puts it right, and then does what this step does.
    if [ -e "$CONFIG_KEYS" ] && [ "$keys" != 'as set' ]; then return; fi
    systemctl is-active --quiet "$PACKAGE" || systemctl start "$PACKAGE" || true # the next line finds out
    wait_until 60 linkmesh_answers ||
        fail "LinkMesh does not answer on ports $HTTP_INTERNAL_PORT and $GRPC_DEFAULT_PORT$(linkmesh_says):" \
            "see \`sudo journalctl -u $PACKAGE\` on the machine."
    add_grpc_name "$NAME"
}
