#!/bin/bash
# shellcheck shell=bash source=library.sh disable=SC2153
# The public hostname leads to this machine, in both families, before a certificate authority is asked: a mistake in
# DNS then costs no failed authorization.
# DOMAIN, ZONE, IPV4, IPV6.

main() {
    local missing=
    wait_until 60 zone_is_delegated || fail "no name servers answer for the zone $ZONE: delegate it at its registrar to the name servers that Route 53 shows for it."
    wait_until 300 published || fail "the name servers of $ZONE do not give this machine's addresses for $DOMAIN yet: $missing"

    local probe token
    token="linkmesh-proxy-$(head -c12 /dev/urandom | od -An -tx1 | tr -d ' \n')"
    probe=/var/www/acme/.well-known/acme-challenge/$token
    echo "$token" >"$probe"
    # Its path is fixed here: the variables are gone when the shell ends.
    trap 'rm -rf "$WORK"; rm -f "'"$probe"'"' EXIT
    reach "$IPV4" "$IPV4"
    reach "$IPV6" "[$IPV6]"
}

zone_is_delegated() {
    SERVERS=$(dig +short +time=3 +tries=1 NS "$ZONE" | grep -v '^;' || true)
    [ -n "$SERVERS" ]
}

# Asks each authoritative server itself: caches may hold an old or a negative answer.
published() {
    local server answer
    for server in $SERVERS; do
        answer=$(ask "$server" A)
        [ "$answer" = "$IPV4" ] || {
            missing="${server%.} says ${answer:-nothing} instead of A $IPV4. Correct the record, or wait and run pulumi up again."
            return 1
        }
        answer=$(ask "$server" AAAA)
        [ "$answer" = "$IPV6" ] || {
            missing="${server%.} says ${answer:-nothing} instead of AAAA $IPV6. Correct the record, or wait and run pulumi up again."
            return 1
        }
    done
}

ask() {
    dig +short +norecurse +time=3 +tries=1 "@$1" "$2" "$DOMAIN" 2>/dev/null | grep -v '^;' | sort | tr '\n' ' ' | sed 's/ $//'
}

# reach ADDRESS URL-FORM: fetches the probe as a certificate authority would.
reach() {
    wait_until 60 fetched "$2" || fail "http://$DOMAIN/ does not lead here over $1: check that the security group lets port 80 in and that no other machine has the address."
}

fetched() {
    [ "$(curl --silent --max-time 5 --resolve "$DOMAIN:80:$1" "http://$DOMAIN/.well-known/acme-challenge/$token")" = "$token" ]
}
