#!/bin/bash
# Whether this machine is well.
# From the step proxy, in front of this: DOMAIN. HTTP_PORT: LinkMesh's own. GRPC_PORT: likewise, or nothing. RENEWED:
# "yes" if certbot renews the certificate. DATA: where the data volume is mounted.
#
# health         prints a line an item: its name, "ok" or "wrong", its number or nothing, and a sentence, separated by
#                tabs. It exits with 1 if an item is wrong.
# health serves  the same for the one item without which it cannot serve clients.
# health answer  answers one HTTP request on its standard input: 200 if all is well, else 503. /serves asks as above,
#                and only /why has the lines.

set -uo pipefail
export LC_ALL=C TZ=UTC # so that lengths are bytes

FULL=90            # percent
OVERDUE_DAYS=21    # certbot renews 30 days before the end
OVERDUE_PERCENT=30 # of the lifetime, if that is less: it renews short-lived certificates at a third of it

# ok NAME NUMBER SENTENCE…: the parts are joined by spaces.
ok() { printf '%s\tok\t%s\t%s\n' "$1" "$2" "${*:3}"; }

# wrong NAME NUMBER SENTENCE…
wrong() { printf '%s\twrong\t%s\t%s\n' "$1" "$2" "${*:3}"; }

# certificate_at PORT: prints what is served there, as PEM.
certificate_at() {
    timeout 5 openssl s_client -connect "127.0.0.1:$1" -servername "$DOMAIN" </dev/null 2>/dev/null |
        openssl x509 2>/dev/null
}

linkmesh() {
    local status
    status=$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://127.0.0.1:$HTTP_PORT/")
    if [ "$status" = 000 ]; then
        wrong linkmesh "$status" "LinkMesh does not answer on port $HTTP_PORT: see journalctl -u linkmesh-server."
    elif [[ "$status" != [23]* ]]; then
        wrong linkmesh "$status" "LinkMesh answers with $status: see journalctl -u linkmesh-server."
    elif [ -n "$GRPC_PORT" ] && [ -z "$(certificate_at "$GRPC_PORT")" ]; then
        wrong linkmesh "$status" "LinkMesh shows no certificate on port $GRPC_PORT, where nginx passes gRPC to:" \
            "see journalctl -u linkmesh-server."
    else
        ok linkmesh "$status" "LinkMesh answers with $status."
    fi
}

# seconds_of startdate|enddate PEM: seconds since 1970.
seconds_of() {
    date -d "$(openssl x509 -noout "-$1" <<<"$2" | cut -d= -f2)" +%s
}

certificate() {
    local served first last days seconds limit
    served=$(certificate_at 443)
    if [ -z "$served" ]; then
        wrong certificate '' "nginx shows no certificate for $DOMAIN: see systemctl status nginx."
        return
    fi
    first=$(seconds_of startdate "$served") last=$(seconds_of enddate "$served")
    seconds=$((last - $(date +%s)))
    days=$((seconds / 86400))
    limit=$(((last - first) * OVERDUE_PERCENT / 100))
    if ((limit > OVERDUE_DAYS * 86400)); then limit=$((OVERDUE_DAYS * 86400)); fi
    if ((seconds < limit)); then
        wrong certificate "$days" "The certificate that nginx shows expires in $days days," \
            "on $(date -d "@$last" '+%Y-%m-%d %H:%M UTC')."
    else
        ok certificate "$days" "The certificate that nginx shows is good for $days days."
    fi
}

# A unit that has not run yet counts as one that succeeded.
renewal() {
    local unit units=(linkmesh-proxy-certificate)
    if [ -n "$RENEWED" ]; then units+=(certbot); fi
    for unit in "${units[@]}"; do
        if ! systemctl is-active --quiet "$unit.timer"; then
            wrong renewal '' "$unit.timer does not run: systemctl enable --now $unit.timer"
            return
        elif [ "$(systemctl show --property Result --value "$unit.service")" != success ]; then
            wrong renewal '' "The last run of $unit.service failed: see journalctl -u $unit."
            return
        fi
    done
    ok renewal '' "The last run of ${units[*]} did not fail."
}

disk() {
    local path percent fullest=0 place=/
    if ! mountpoint -q "$DATA"; then
        wrong disk '' "The data volume is not mounted on $DATA: see systemctl --failed."
        return
    fi
    for path in / "$DATA"; do
        # Of the space and of the inodes, which some file systems do not count.
        for percent in $(df --output=pcent,ipcent "$path" | tail -n1 | tr -dc '0-9 '); do
            if ((percent > fullest)); then fullest=$percent place=$path; fi
        done
    done
    if ((fullest >= FULL)); then
        wrong disk "$fullest" "$place is $fullest % full."
    else
        ok disk "$fullest" "No disk is fuller than $fullest %."
    fi
}

# report [serves]. Several machines behind a load balancer must not all be out because each has a full disk.
report() {
    linkmesh
    if [ "${1-}" = serves ]; then return; fi
    certificate
    renewal
    disk
}

answer() {
    local path line status='200 OK' body report
    read -r -t 5 _ path _
    path=${path%%\?*} # nginx adds the query that it was asked with
    while read -r -t 5 line && [ "$line" != $'\r' ] && [ -n "$line" ]; do :; done
    report=$(report "${path#/}")
    body=well
    if grep -q $'\twrong\t' <<<"$report"; then status='503 Service Unavailable' body='not well'; fi
    if [ "$path" = /why ]; then body=$report; fi
    printf 'HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n' "$status"
    printf 'Content-Length: %s\r\n\r\n%s\n' "$((${#body} + 1))" "$body"
}

if [ "${1-}" = answer ]; then
    answer
else
    lines=$(report "${1-}")
    echo "$lines"
    ! grep -q $'\twrong\t' <<<"$lines"
fi
