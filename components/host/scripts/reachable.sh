#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The public names lead to this machine before a certificate authority is asked: a mistake in DNS then costs no failed
# authorization.
# ZONE: the zone in Route 53; nothing when the records are made elsewhere, so that they are shown and waited for.
# NAME_SERVERS: those that Route 53 has given it, one a line.
# PATIENCE: seconds for that. NAMES: what answers http, one a line. ADDRESSES: the machine's, as in a URL, one a line.
# PROBE: "yes" when the authority will come to port 80. The file `records`: NAME TYPE VALUE, one a line.

main() {
    local missing='' shown='' SERVERS='' probe token name address
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

# Names the servers of a zone in SERVERS. A name that is no zone may have an alias, whose records come along.
zone_is_delegated() {
    SERVERS=$(answer NS "$1" | values_of "$1" NS) || return
    # A private zone of the same name hides the delegation here: these are the names that all private zones have, and
    # nobody can ask them.
    if [[ "$SERVERS" = *ns-0.awsdns-00.com* ]] && [ -n "$NAME_SERVERS" ]; then SERVERS=$NAME_SERVERS; fi
    [ -n "$SERVERS" ]
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
    local name type wanted
    cut -d' ' -f1,2 "$FILES/records" | sort -u >"$WORK/wanted" || return
    while read -r name type; do
        wanted=$(awk -v name="$name" -v type="$type" '$1 == name && $2 == type { sub(/^[^ ]+ [^ ]+ /, ""); print }' "$FILES/records" | one_line) || return
        leads "$name" "$type" "$wanted" || return
    done <"$WORK/wanted"
}

# leads NAME TYPE WANTED [ALIAS…]: all servers of the name's zone have the record, or lead on to it by a CNAME, which is
# followed as a certificate authority does: whatever else an answer holds, the servers of the target's own zone decide.
# The aliases are those on the way.
leads() {
    local name=$1 type=$2 wanted=$3 way=("${@:4}") server target targets='' value by=''
    local SERVERS=$SERVERS # those of an alias's target are others
    if ((${#way[@]} > 0)); then by=" (where ${way[0]} leads by CNAME)"; fi
    if ((${#way[@]} > 0)) || [ -z "$ZONE" ]; then
        find_zone "$name" || not_yet "no name servers answer for $name$by" || return
    fi
    for server in $SERVERS; do
        answer "$type" "$name" "@$server" +norecurse >"$WORK/answer" || return
        target=$(values_of "$name" CNAME <"$WORK/answer") || return
        if [ -n "$target" ]; then
            target=${target,,}
            targets+="${target%.} "
            continue
        fi
        value=$(values_of "$name" "$type" <"$WORK/answer" | one_line) || return
        [ "$value" = "$wanted" ] || not_yet "${server%.} says ${value:-nothing} for $name$by instead of $type $wanted" || return
    done
    targets=$(tr ' ' '\n' <<<"$targets" | sort -u) || return
    for target in $targets; do
        [[ " ${way[*]} $name " != *" $target "* ]] ||
            not_yet "the CNAME records of ${way[0]:-$name} lead in a circle, by way of $target, instead of to $type $wanted" || return
        ((${#way[@]} < 8)) || not_yet "more than 8 CNAME records follow each other from ${way[0]} on, instead of $type $wanted" || return
        leads "$target" "$type" "$wanted" "${way[@]}" "$name" || return
    done
}

# False. Where a person makes the records it helps to see which one is still missing.
not_yet() {
    [ -z "$shown" ] || [ "$missing" = "$1" ] || echo "Waiting: $1"
    missing=$1
    return 1
}

# answer TYPE NAME [OPTION…]: the records of a DNS answer, one a line; none when there is no answer.
answer() {
    dig +noall +answer +time=3 +tries=1 "${@:3}" "$1" "$2" 2>/dev/null || true # no answer is one, too
}

# values_of NAME TYPE <ANSWER: not those of the name's aliases, which have names of their own.
values_of() {
    awk -v name="${1,,}." -v type="$2" 'tolower($1) == name && $4 == type { $1 = $2 = $3 = $4 = ""; sub(/^ +/, ""); print }'
}

# Values in a fixed order.
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
