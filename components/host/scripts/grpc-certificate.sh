#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# LinkMesh's own certificate on the gRPC port carries the name that agents connect to.
# DOMAIN. NAME: the one for gRPC.

main() {
    systemctl is-active --quiet "$PACKAGE" || systemctl start "$PACKAGE" || true # the next line finds out
    wait_until 60 linkmesh_answers ||
        fail "LinkMesh does not answer on ports $HTTP_INTERNAL_PORT and $GRPC_DEFAULT_PORT:" \
            "see \`sudo journalctl -u $PACKAGE\` on the machine."
    add_grpc_name "$NAME"
}
