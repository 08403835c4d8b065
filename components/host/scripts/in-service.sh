#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The load balancer sends to this machine again, because its health URL has been well for long enough. The steps of the
# next machine come after this one.
# DOMAIN, HEALTH_PATH. DRAIN_SECONDS: how long the load balancer takes. BEFORE: names all steps before; only there so
# that a change of one of them runs this step again.

STATUS='' # of the last answer

main() {
    wait_until 60 is_well || fail_unwell
    sleep "$DRAIN_SECONDS"
    wait_until 10 is_well || fail_unwell
}

# Over the port and with the header of the load balancer.
is_well() {
    local address
    address=$(ip -4 -o address show scope global | awk 'NR == 1 { sub("/.*", "", $4); print $4 }') || return
    STATUS=$(http_status --insecure --haproxy-protocol --resolve "$DOMAIN:443:$address" \
        "https://$DOMAIN$HEALTH_PATH") || return
    [ "$STATUS" = 200 ]
}

fail_unwell() {
    local reason
    reason=$(reasons) || reason=''
    fail "the load balancer does not send to this machine, because its health URL answers $STATUS:" \
        "${reason:-see $NGINX_ERROR_LOG on the machine.}"
}

# Prints what is wrong with this machine, in one line.
reasons() {
    # Its status says that something is wrong.
    { /usr/local/lib/linkmesh-proxy/health || true; } | awk -F '\t' '$2 == "wrong" { print $4 }' | paste -sd' '
}
