#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The public endpoints answer on the machine itself, in each address family that it has.
# DOMAIN. UI_DOMAIN: the name with HTTP/2, or nothing. GRPC_HOST, GRPC_PORT: where agents connect, or nothing. REDIRECT:
# "yes" when port 80 is open. LOOPBACK: the machine's own address of each family, as in a URL, one a line. LINKMESH:
# names its package and configuration; only there so that a change of them runs this step again. HEALTH_PATH: of the
# health URL.

# What opens a WebSocket, which only HTTP/1.1 does.
HANDSHAKE=(--http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket'
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
HEALTH_STATUS='' # that this path should answer with
ANSWER=''        # status and HTTP version of the last one

main() {
    local address
    for address in $LOOPBACK; do
        wait_until 30 answers '^(200|302) ' "$address" 443 "https://$DOMAIN/" ||
            fail_answer "https://$DOMAIN/" "200 or 302" "$address"
        wait_until 30 answers '^401 ' "$address" 443 "https://$DOMAIN/v1/opamp" "${HANDSHAKE[@]}" ||
            fail_answer "the OpAMP handshake at https://$DOMAIN/v1/opamp" "401" "$address"
        if [ -n "$UI_DOMAIN" ]; then
            wait_until 30 answers '^(200|302) 2$' "$address" 443 "https://$UI_DOMAIN/" --http2 ||
                fail_answer "https://$UI_DOMAIN/" "200 or 302 by HTTP/2" "$address"
        fi
        if [ -n "$REDIRECT" ]; then
            wait_until 30 answers '^301 ' "$address" 80 "http://$DOMAIN/" ||
                fail_answer "http://$DOMAIN/" "the redirect 301" "$address"
        fi
        if [ -n "$GRPC_HOST" ]; then
            wait_until 30 passes_grpc_through "$address" ||
                fail "port $GRPC_PORT does not show LinkMesh's own certificate for $GRPC_HOST over $address:" \
                    "see $NGINX_ERROR_LOG on the machine."
        fi
    done
    # Last, because LinkMesh may have needed time to answer.
    for address in $LOOPBACK; do
        wait_until 30 health_answers "$address" ||
            fail_answer "https://$DOMAIN$HEALTH_PATH" "$HEALTH_STATUS" "$address"
    done
    warn_if_unwell
}

# health_answers ADDRESS: true when the health URL says what the machine says, which may change meanwhile.
health_answers() {
    HEALTH_STATUS=503
    if /usr/local/lib/linkmesh-proxy/health >"$WORK/health"; then HEALTH_STATUS=200; fi
    answers "^$HEALTH_STATUS " "$1" 443 "https://$DOMAIN$HEALTH_PATH"
}

# All endpoints answer even on a machine that is not well.
warn_if_unwell() {
    local verdict sentence
    while IFS=$'\t' read -r _ verdict _ sentence; do
        [ "$verdict" = ok ] || echo "warning: this machine is not well: $sentence"
    done <"$WORK/health"
}

# answers PATTERN ADDRESS PORT URL [OPTION…]: true when ANSWER is as the pattern says. The step before has compared the
# certificate itself with the one on disk.
answers() {
    local pattern=$1 address=$2 port=$3 url=$4 host
    host=${url#*://}
    host=${host%%/*}
    ANSWER=$(http_status --write-out '%{http_code} %{http_version}' --insecure \
        --resolve "$host:$port:$address" "$url" "${@:5}") || return
    [[ "$ANSWER" =~ $pattern ]]
}

# fail_answer WHAT WANTED ADDRESS
fail_answer() {
    fail "$1 answers $ANSWER instead of $2 over $3: see $NGINX_ERROR_LOG on the machine."
}

passes_grpc_through() {
    local served internal
    served=$(certificate_at "$1:$GRPC_PORT" "$GRPC_HOST") || return
    has_name "$GRPC_HOST" <<<"$served" || return
    internal=$(certificate_at "127.0.0.1:$GRPC_INTERNAL_PORT" "$GRPC_HOST") || return
    [ "$served" = "$internal" ]
}
