#!/bin/bash
# shellcheck shell=bash source=library.sh disable=SC2153
# The three surfaces answer on the machine itself, in both families; the last word of `pulumi up`.
# DOMAIN.

main() {
    local address
    for address in 127.0.0.1 '[::1]'; do
        wait_until 30 answers '^(200|302)$' "$address" 443 "https://$DOMAIN/" ||
            fail "https://$DOMAIN/ answers $status instead of 200 or 302 over $address: see /var/log/nginx/error.log on the machine."
        wait_until 30 answers '^401$' "$address" 443 "https://$DOMAIN/v1/opamp" --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
            -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ||
            fail "the OpAMP handshake at https://$DOMAIN/v1/opamp answers $status instead of 401 over $address: see /var/log/nginx/error.log on the machine."
        wait_until 30 answers '^301$' "$address" 80 "http://$DOMAIN/" ||
            fail "http://$DOMAIN/ answers $status instead of the redirect 301 over $address: see /var/log/nginx/error.log on the machine."
        wait_until 30 passes_through "$address" ||
            fail "port 50051 does not show LinkMesh's own certificate for $DOMAIN over $address: see /var/log/nginx/error.log on the machine."
    done
}

# answers PATTERN ADDRESS PORT URL…: the certificate itself was compared with the one on disk by the step before.
answers() {
    local pattern=$1 address=$2 port=$3
    shift 3
    status=$(status_of --insecure --resolve "$DOMAIN:$port:$address" "$@")
    [[ "$status" =~ $pattern ]]
}

passes_through() {
    local served
    served=$(certificate_at "$1:50051" "$DOMAIN")
    [ -n "$served" ] && has_name "$DOMAIN" <<<"$served" && [ "$served" = "$(certificate_at 127.0.0.1:50061 "$DOMAIN")" ]
}
