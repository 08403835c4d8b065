#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The public surfaces answer on the machine itself, in each family that it has; the last word of `pulumi up`.
# DOMAIN. UI_DOMAIN: the name with HTTP/2, or nothing. GRPC_HOST, GRPC_PORT: where agents connect, or nothing. REDIRECT:
# "yes" when port 80 is open. LOOPBACK: the machine's own address of each family, as in a URL, one a line. LINKMESH: names
# its package and configuration; only there so that a change of them runs this step again.

LOG=/var/log/nginx/error.log

main() {
    local address
    for address in $LOOPBACK; do
        wait_until 30 answers '^(200|302) ' "$address" 443 "https://$DOMAIN/" ||
            fail "https://$DOMAIN/ answers $status instead of 200 or 302 over $address: see $LOG on the machine."
        wait_until 30 answers '^401 ' "$address" 443 "https://$DOMAIN/v1/opamp" --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
            -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ||
            fail "the OpAMP handshake at https://$DOMAIN/v1/opamp answers $status instead of 401 over $address: see $LOG on the machine."
        [ -z "$UI_DOMAIN" ] || wait_until 30 answers '^(200|302) 2$' "$address" 443 "https://$UI_DOMAIN/" --http2 ||
            fail "https://$UI_DOMAIN/ answers $status instead of 200 or 302 by HTTP/2 over $address: see $LOG on the machine."
        [ -z "$REDIRECT" ] || wait_until 30 answers '^301 ' "$address" 80 "http://$DOMAIN/" ||
            fail "http://$DOMAIN/ answers $status instead of the redirect 301 over $address: see $LOG on the machine."
        [ -z "$GRPC_HOST" ] || wait_until 30 passes_through "$address" ||
            fail "port $GRPC_PORT does not show LinkMesh's own certificate for $GRPC_HOST over $address: see $LOG on the machine."
    done
}

# answers PATTERN ADDRESS PORT URL…: status and version of HTTP. The certificate itself was compared with the one on disk
# by the step before.
answers() {
    local pattern=$1 address=$2 port=$3 host
    host=${4#*://}
    host=${host%%/*}
    shift 3
    status=$(status_of --write-out '%{http_code} %{http_version}' --insecure --resolve "$host:$port:$address" "$@") || return
    [[ "$status" =~ $pattern ]]
}

passes_through() {
    local served
    served=$(certificate_at "$1:$GRPC_PORT" "$GRPC_HOST") && has_name "$GRPC_HOST" <<<"$served" && [ "$served" = "$(certificate_at 127.0.0.1:50061 "$GRPC_HOST")" ]
}
