#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The load balancer sends to this machine again, because its health URL has been well for long enough. The steps of the
# next machine come after this one.
# HEALTH_PATH. DRAIN_SECONDS: how long the load balancer takes. BEFORE: names all steps before; only there so that a
# change of one of them runs this step again. The file `ask_as_balancer.py`.

STATUS='' # of the last answer

main() {
    wait_until 60 is_well || fail_unwell
    sleep "$DRAIN_SECONDS"
    wait_until 10 is_well || fail_unwell
}

is_well() {
    local address
    address=$(ip -4 -o address show scope global | awk 'NR == 1 { sub("/.*", "", $4); print $4 }') || return
    STATUS=$(python3 "$FILES/ask_as_balancer.py" "$address" "$HEALTH_PATH") || return
    [ "$STATUS" = 200 ]
}

fail_unwell() {
    local reason
    reason=$(reasons) || reason=''
    fail "the load balancer does not send to this machine, because its health check answers ${STATUS:-nothing}:" \
        "${reason:-see $NGINX_ERROR_LOG on the machine.}"
}

# Prints why this machine cannot serve clients, in one line.
reasons() {
    # Its status says that something is wrong.
    { /usr/local/lib/linkmesh-proxy/health serves || true; } | awk -F '\t' '$2 == "wrong" { print $4 }' | paste -sd' '
}
