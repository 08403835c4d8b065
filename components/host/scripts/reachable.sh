#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The public names lead to this machine before a certificate authority is asked: a mistake in DNS then costs no failed
# authorization.
# ZONE: the zone in Route 53, or nothing when a person makes the records elsewhere; the step then shows them.
# NAME_SERVERS: those that Route 53 has given the zone, one a line. PATIENCE: how many seconds to wait for the records.
# NAMES: what answers http, one a line. ADDRESSES: the machine's, as in a URL, one a line. PROBE: "yes" when the
# authority will come to port 80. The file `records`: NAME TYPE VALUE, one a line.

PROBES=/var/www/acme/.well-known/acme-challenge
ZONE_SERVERS=''  # the name servers of ZONE
PROBLEM=''       # why the last look at the records failed
SHOWS_PROBLEM='' # "yes" when each new problem is shown: to a person who makes the records
MAX_ALIASES=8    # CNAME records that may follow each other

main() {
    if [ -n "$ZONE" ]; then
        wait_until 60 zone_is_delegated ||
            fail "no name servers answer for the zone $ZONE:" \
                "delegate it at its registrar to the name servers that Route 53 shows for it."
    elif ! records_are_published; then
        show_records
        PROBLEM='' SHOWS_PROBLEM=yes
    fi
    wait_until "$PATIENCE" records_are_published || fail "$PROBLEM. $(what_to_do)"
    if [ -n "$PROBE" ]; then probe_port_80; fi
}

what_to_do() {
    if [ -n "$ZONE" ]; then
        echo "Correct the record, or wait and run pulumi up again."
    else
        echo "Make the record at your DNS provider, then run pulumi up again."
    fi
}

# As warnings, because those are shown where the other output of a step is not.
show_records() {
    local name type value
    while read -r name type value; do
        echo "warning: make this DNS record, if it is not there: $name  $type  $value"
    done <"$FILES/records"
}

# --- the records, as each authoritative server has them: caches may hold an old or a negative answer

records_are_published() {
    local name type wanted
    cut -d' ' -f1,2 "$FILES/records" | sort -u >"$WORK/wanted" || return
    while read -r name type; do
        wanted=$(wanted_values "$name" "$type") || return
        check_name "$name" "$type" "$wanted" || return
    done <"$WORK/wanted"
}

# wanted_values NAME TYPE
wanted_values() {
    awk -v name="$1" -v type="$2" '$1 == name && $2 == type { sub(/^[^ ]+ [^ ]+ /, ""); print }' "$FILES/records" |
        one_line
}

# check_name NAME TYPE WANTED [ALIAS…]: true when all servers of the name's zone have the record, or lead on to it by a
# CNAME. That is followed as a certificate authority does: whatever else an answer holds, the servers of the target's
# own zone decide. ALIAS: the names that led here, the first one first.
check_name() {
    local name=$1 type=$2 wanted=$3 aliases=("${@:4}") by='' servers server target targets='' value
    if ((${#aliases[@]} > 0)); then by=" (where ${aliases[0]} leads by CNAME)"; fi
    if [ -n "$ZONE" ] && ((${#aliases[@]} == 0)); then
        servers=$ZONE_SERVERS
    elif ! servers=$(closest_name_servers "$name"); then
        note_problem "no name servers answer for $name$by"
        return 1
    fi
    for server in $servers; do
        answer "$type" "$name" "@$server" +norecurse >"$WORK/answer" || return
        target=$(values_of "$name" CNAME <"$WORK/answer") || return
        if [ -n "$target" ]; then
            targets+="${target%.}"$'\n'
            continue
        fi
        value=$(values_of "$name" "$type" <"$WORK/answer" | one_line) || return
        if [ "$value" != "$wanted" ]; then
            note_problem "${server%.} says ${value:-nothing} for $name$by instead of $type $wanted"
            return 1
        fi
    done
    targets=$(sort -u <<<"${targets,,}") || return
    for target in $targets; do
        check_target "$target" "$type" "$wanted" "${aliases[@]}" "$name" || return
    done
}

# check_target TARGET TYPE WANTED ALIAS…: check_name for the target of a CNAME.
check_target() {
    local target=$1 record="$2 $3" aliases=("${@:4}")
    if [[ " ${aliases[*]} " = *" $target "* ]]; then
        note_problem "the CNAME records of ${aliases[0]} lead in a circle, by way of $target, instead of to $record"
        return 1
    fi
    if ((${#aliases[@]} > MAX_ALIASES)); then
        note_problem "more than $MAX_ALIASES CNAME records follow each other from ${aliases[0]} on, instead of $record"
        return 1
    fi
    check_name "$@"
}

# note_problem SENTENCE: keeps it as PROBLEM. A person who makes the records is shown which one is still missing.
note_problem() {
    if [ -n "$SHOWS_PROBLEM" ] && [ "$PROBLEM" != "$1" ]; then echo "Waiting: $1"; fi
    PROBLEM=$1
}

# --- name servers

# True once ZONE has name servers, which are then in ZONE_SERVERS.
zone_is_delegated() {
    ZONE_SERVERS=$(name_servers "$ZONE")
}

# name_servers ZONE: prints those that the resolver knows; false when there are none.
name_servers() {
    local servers
    # A name that is no zone may have an alias, whose records come along: values_of leaves them out.
    servers=$(answer NS "$1" | values_of "$1" NS) || return
    # A private zone of the same name hides the delegation here: these are the names that all private zones have, and
    # nobody can ask them.
    if [[ "$servers" = *ns-0.awsdns-00.com* ]] && [ -n "$NAME_SERVERS" ]; then servers=$NAME_SERVERS; fi
    [ -n "$servers" ] && echo "$servers"
}

# closest_name_servers NAME: prints those of the closest zone around the name; false when there is none.
closest_name_servers() {
    local zone=$1
    until name_servers "$zone"; do
        [[ "$zone" = *.*.* ]] || return
        zone=${zone#*.}
    done
}

# --- answers

# answer TYPE NAME [OPTION…]: prints the records of a DNS answer, one a line; none when there is no answer.
answer() {
    dig +noall +answer +time=3 +tries=1 "${@:3}" "$1" "$2" 2>/dev/null || true # no answer is one, too
}

# values_of NAME TYPE <ANSWER: prints its values; not those of the name's aliases, which have names of their own.
values_of() {
    awk -v name="${1,,}." -v type="$2" '
        tolower($1) == name && $4 == type { $1 = $2 = $3 = $4 = ""; sub(/^ +/, ""); print }'
}

# Values in a fixed order.
one_line() {
    sort | paste -sd' '
}

# --- port 80

probe_port_80() {
    local token probe name address
    token="linkmesh-proxy-$(head -c12 /dev/urandom | od -An -tx1 | tr -d ' \n')"
    probe=$PROBES/$token
    on_failure rm -f "$probe"
    echo "$token" >"$probe"
    for name in $NAMES; do
        for address in $ADDRESSES; do
            wait_until 60 fetches "$token" "$name" "$address" ||
                fail "http://$name/ does not lead here over $address:" \
                    "check that the security group lets port 80 in and that no other machine has the address."
        done
    done
    rm -f "$probe"
}

# fetches TOKEN NAME ADDRESS: true when the probe is found as a certificate authority looks for it.
fetches() {
    [ "$(curl --silent --max-time 5 --resolve "$2:80:$3" "http://$2/.well-known/acme-challenge/$1")" = "$1" ]
}
