#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# LinkMesh's own certificate on the gRPC port carries the name that agents connect to. `cert init` runs only when it does not:
# it needs the database for itself, so the service stops meanwhile.
# DOMAIN. NAME: the one for gRPC.

main() {
    systemctl is-active --quiet linkmesh-server || systemctl start linkmesh-server || true # told by the next line
    wait_until 60 linkmesh_answers || fail "LinkMesh does not answer on ports 8080 and 50051: see \`sudo journalctl -u linkmesh-server\` on the machine."
    if has_public_name; then return; fi
    on_failure restart_linkmesh 60
    systemctl stop linkmesh-server
    runuser -u linkmesh -- linkmesh-server cert init --san "dns:$NAME" >"$WORK/cert-init" 2>&1 ||
        fail "\`linkmesh-server cert init --san dns:$NAME\` failed: $(tail -n1 "$WORK/cert-init")"
    restart_linkmesh 60 || fail "LinkMesh does not answer after \`cert init\`: see \`sudo journalctl -u linkmesh-server\` on the machine."
    has_public_name || fail "the certificate on LinkMesh's gRPC port still lacks $NAME after \`cert init\`: see \`sudo journalctl -u linkmesh-server\` on the machine."
}

has_public_name() {
    local port
    port=$(grpc_port) && certificate_at "127.0.0.1:$port" "$NAME" | has_name "$NAME"
}
