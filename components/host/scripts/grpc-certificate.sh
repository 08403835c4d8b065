#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# LinkMesh's own certificate on the gRPC port carries the name that agents connect to.
# DOMAIN. NAME: the one for gRPC.

main() {
    systemctl is-active --quiet linkmesh-server || systemctl start linkmesh-server || true # told by the next line
    wait_until 60 linkmesh_answers || fail "LinkMesh does not answer on ports 8080 and 50051: see \`sudo journalctl -u linkmesh-server\` on the machine."
    name_grpc "$NAME"
}
