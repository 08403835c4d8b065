#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The public names lead to this machine before a certificate authority is asked: a mistake in DNS then costs no failed
# authorization.
# ZONE: the zone in Route 53; nothing when the records are made elsewhere, so that they are shown and waited for.
# NAME_SERVERS: those that Route 53 has given it, one a line.
# PATIENCE: seconds for that. NAMES: what answers http, one a line. ADDRESSES: the machine's, as in a URL, one a line.
# PROBE: "yes" when the authority will come to port 80. The file `records`: NAME TYPE VALUE, one a line.

main() {
    local missing='' shown='' server='' probe token name address
    if [ -n "$ZONE" ]; then
        wait_until 60 zone_is_delegated "$ZONE" || fail "no name servers answer for the zone $ZONE: delegate it at its registrar to the name servers that Route 53 shows for it."
    elif ! published; then
        show_records
    fi
    wait_until "$PATIENCE" published || fail "$missing$(what_to_do)"
    [ -n "$PROBE" ] || return 0

    token="linkmesh-proxy-$(head -c12 /dev/urandom | od -An -tx1 | tr -d ' \n')"
    probe=/var/www/acme/.well-known/acme-challenge/$token
    on_failure rm -f "$probe"
    echo "$token" >"$probe"
    for name in $NAMES; do
        for address in $ADDRESSES; do
            wait_until 60 fetched "$name" "$address" || fail "http://$name/ does not lead here over $address: check that the security group lets port 80 in and that no other machine has the address."
        done
    done
    rm -f "$probe"
}

# Names the servers of a zone in SERVERS.
zone_is_delegated() {
    SERVERS=$(dig +short +time=3 +tries=1 NS "$1" | grep -v '^;') || return
    # A private zone of the same name hides the delegation here: these are the names that all private zones have, and
    # nobody can ask them.
    if [[ "$SERVERS" = *ns-0.awsdns-00.com* ]] && [ -n "$NAME_SERVERS" ]; then SERVERS=$NAME_SERVERS; fi
}

# The closest zone around a name, wherever it is.
find_zone() {
    local zone=$1
    until zone_is_delegated "$zone"; do
        [[ "$zone" = *.*.* ]] || return 1
        zone=${zone#*.}
    done
}

# Remarks, so that they are seen wherever the other output of a step is not.
show_records() {
    local name type value
    while read -r name type value; do
        echo "warning: make this DNS record, if it is not there: $name  $type  $value"
    done <"$FILES/records"
    shown=yes missing=''
}

# True when every record is there. Asks each authoritative server itself: caches may hold an old or a negative answer.
published() {
    local name type wanted answer
    cut -d' ' -f1,2 "$FILES/records" | sort -u >"$WORK/wanted" || return
    while read -r name type; do
        wanted=$(awk -v name="$name" -v type="$type" '$1 == name && $2 == type { sub(/^[^ ]+ [^ ]+ /, ""); print }' "$FILES/records" | one_line) || return
        [ -n "$ZONE" ] || find_zone "$name" || not_yet "no name servers answer for $name" || return
        for server in $SERVERS; do
            answer=$(ask "$server" "$type" "$name" | one_line) || return
            [ "$answer" = "$wanted" ] || not_yet "${server%.} says ${answer:-nothing} for $name instead of $type $wanted" || return
        done
    done <"$WORK/wanted"
}

# False. Where a person makes the records it helps to see which one is still missing.
not_yet() {
    [ -z "$shown" ] || [ "$missing" = "$1" ] || echo "Waiting: $1"
    missing=$1
    return 1
}

ask() {
    dig +short +norecurse +time=3 +tries=1 "@$1" "$2" "$3" 2>/dev/null | grep -v '^;' || true # no answer is one, too
}

# The values of one name and type, in a fixed order.
one_line() {
    sort | paste -sd' '
}

what_to_do() {
    if [ -n "$ZONE" ]; then
        echo " yet. Correct the record, or wait and run pulumi up again."
    else
        echo " yet. Make the record at your DNS provider, then run pulumi up again."
    fi
}

# fetched NAME ADDRESS: as a certificate authority would.
fetched() {
    [ "$(curl --silent --max-time 5 --resolve "$1:80:$2" "http://$1/.well-known/acme-challenge/$token")" = "$token" ]
}
