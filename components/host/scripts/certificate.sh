#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The certificate for the public names, and its renewal by the distribution's timer. Each ACME directory has a lineage
# of its own, so that a way back to one that was used before orders nothing.
# NAMES: one a line, sorted. LINEAGE, EMAIL, DIRECTORY. AUTHENTICATOR: certbot's, webroot for HTTP-01.
# DNS_AUTHENTICATORS: all that this program may have used, as a regular expression. WEEKLY_LIMIT:
# orders for these names in 7 days, or nothing. The file `ca.pem`: the CA bundle for the directory's own certificate, or
# nothing. The file `eab.ini`: certbot's options for an external account binding, or nothing.

LIVE=/etc/letsencrypt/live
RENEWAL=/etc/letsencrypt/renewal
ACCOUNTS=/etc/letsencrypt/accounts
UNIT=linkmesh-proxy-certificate.service # of the step proxy, with a timer: has nginx serve what is on the disk
CA=/etc/linkmesh-proxy/acme-ca.pem
SYSTEM_CA=/etc/ssl/certs/ca-certificates.crt
METADATA=http://169.254.169.254/latest
ORDERS=$DATA/identity/orders # the ledger of the last 7 days: seconds since 1970, directory, names
WEEK=604800
ORDER=''     # this run's line in the ledger
NAME_LIST='' # NAMES, joined by commas

main() {
    mountpoint -q /etc/letsencrypt ||
        fail "/etc/letsencrypt is not on the data volume:" \
            "run pulumi up again after \`sudo mount /etc/letsencrypt\` on the machine."
    NAME_LIST=$(paste -sd, <<<"$NAMES")
    trust_directory
    install_renewal_hook
    set_renewal "$RENEWAL/$LINEAGE.conf" on # certbot leaves one alone that is off, although it is due
    if [ "$AUTHENTICATOR" = dns-route53 ]; then
        wait_until 120 has_role ||
            fail "the machine does not have its IAM role yet, so it cannot write into Route 53:" \
                "run pulumi up again in a minute."
    fi
    order_within_limit
    renew_this_lineage_only
    expect value "$RENEWAL/$LINEAGE.conf server"
    expect value "$RENEWAL/$LINEAGE.conf authenticator"
    expect value "$RENEWAL/$LINEAGE.conf autorenew"
    enable_unit certbot.timer --now
}

# A role that has just been given reaches the metadata service after some seconds.
has_role() {
    local token
    token=$(curl --silent --fail --max-time 3 --request PUT \
        --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$METADATA/api/token") || return
    curl --silent --fail --max-time 3 --header "X-aws-ec2-metadata-token: $token" \
        "$METADATA/meta-data/iam/security-credentials/" | grep -q .
}

# --- the authority's limit

# An order beyond the limit is not made, because the authority counts one that it refuses as a failure. A certificate
# that is still valid is kept until then.
order_within_limit() {
    local times first next
    if [ -z "$WEEKLY_LIMIT" ]; then
        order
        return
    fi
    recent_orders >"$WORK/recent"
    awk -v directory="$DIRECTORY" -v names="$NAME_LIST" '$2 == directory && $3 == names { print $1 }' "$WORK/recent" |
        sort -n >"$WORK/times"
    mapfile -t times <"$WORK/times"
    if ((${#times[@]} < WEEKLY_LIMIT)); then
        order
        return
    fi
    if lineage_is_valid; then return; fi
    # Once this one is older than a week, there are fewer than the limit.
    first=${times[${#times[@]} - WEEKLY_LIMIT]}
    next=$(date --utc --date="@$((first + WEEK))" '+%Y-%m-%d %H:%M UTC')
    fail "${NAME_LIST//,/ and } has had ${#times[@]} certificates from $DIRECTORY in 7 days," \
        "and $WEEKLY_LIMIT is its limit: run pulumi up again after $next, or set acmeDirectory to staging meanwhile."
}

# recent_orders: prints the ledger without what is older than a week.
recent_orders() {
    [ ! -e "$ORDERS" ] || awk -v oldest=$(($(date +%s) - WEEK)) '$1 > oldest' "$ORDERS"
}

add_order() {
    ORDER="$(date +%s) $DIRECTORY $NAME_LIST"
    recent_orders >"$WORK/orders"
    echo "$ORDER" >>"$WORK/orders"
    record "$ORDERS" <"$WORK/orders"
}

remove_order() {
    if [ -z "$ORDER" ]; then return; fi
    recent_orders | awk -v order="$ORDER" '$0 != order' >"$WORK/orders"
    record "$ORDERS" <"$WORK/orders"
}

# --- the order

# Has certbot order a certificate, unless the one that is there is good and not due.
order() {
    local before renew=--keep-until-expiring
    before=$(serial_on_disk)
    if [ -n "$before" ] && ! lineage_fits; then renew=--force-renewal; fi
    # Beforehand, since a step that is cut may have got its certificate.
    if [ -z "$before" ] || [ "$renew" = --force-renewal ]; then add_order; fi
    get_certificate "$renew"
    if [ "$(serial_on_disk)" = "$before" ]; then
        remove_order
        # A run before this one may have ended between its certificate and its reload.
        if unit_exists; then serve_certificate; fi
        return
    fi
    if [ -z "$ORDER" ]; then add_order; fi # it was due
    # A renewal that failed before is over. None may have failed.
    systemctl reset-failed certbot.service 2>/dev/null || true
    # certbot runs the hook, which does this, for some of these orders only.
    if unit_exists; then
        serve_certificate
    elif systemctl is-active --quiet nginx; then
        systemctl reload nginx ||
            fail "nginx does not read the new certificate, because it refuses its configuration:" \
                "$(nginx -t 2>&1 | grep -F '[emerg]')"
    fi
}

# get_certificate RENEW: runs certbot. Trouble that passes by itself gets three more tries. If the authority has lost
# the account, certbot gets one more, in which it registers a new one.
get_certificate() {
    local renew=$1 log_size tries=0 registers_anew='' trouble
    log_size=$(stat -c %s "$CERTBOT_LOG" 2>/dev/null) || log_size=0
    until run_certbot "$renew"; do
        trouble=$(passing_trouble)
        if [ -n "$trouble" ] && ((++tries < 4)); then
            echo "$trouble: waiting."
            sleep $((tries * 10))
        elif [ -z "$registers_anew" ] && account_is_lost "$log_size"; then
            registers_anew=yes
            set_account_aside
        else
            remove_order
            fail "the certificate authority gave no certificate for ${NAME_LIST//,/ and }: $(certbot_reason)"
        fi
    done
}

# run_certbot RENEW: writes certbot's output to the file `certbot`.
run_certbot() {
    local options=(--non-interactive --agree-tos --no-eff-email --server "$DIRECTORY" --no-directory-hooks
        --cert-name "$LINEAGE" --renew-with-new-domains -d "$NAME_LIST" "$1")
    if [ -n "$EMAIL" ]; then options+=(-m "$EMAIL"); else options+=(--register-unsafely-without-email); fi
    options+=("--$AUTHENTICATOR")
    if [ "$AUTHENTICATOR" = webroot ]; then options+=(-w /var/www/acme); fi
    # In a file: arguments are seen by every process of the machine.
    if [ -s "$FILES/eab.ini" ]; then options+=(--config "$FILES/eab.ini"); fi
    certbot certonly "${options[@]}" >"$WORK/certbot" 2>&1
}

# account_is_lost LOG_SIZE: true when the authority does not know this machine's account, as after it was rebuilt.
# certbot prints a sentence about it. The kind of error is in its log, after the bytes that were there before.
account_is_lost() {
    [ -d "$(account_folder)" ] || return
    { cat "$WORK/certbot" && tail -c "+$(($1 + 1))" "$CERTBOT_LOG"; } 2>/dev/null | grep accountDoesNotExist >/dev/null
}

# certbot's folder of this directory's accounts.
account_folder() {
    local path=${DIRECTORY#https://}
    path=${path%%\?*}
    echo "$ACCOUNTS/${path%/}"
}

set_account_aside() {
    local folder
    folder=$(account_folder)
    echo "warning: the certificate authority does not know this machine's account any more, so a new one is registered."
    rm -rf "$folder.lost"
    mv "$folder" "$folder.lost"
}

# --- what is on the disk

serial_on_disk() {
    openssl x509 -noout -serial -in "$LIVE/$LINEAGE/cert.pem" 2>/dev/null || true # there may be none, or a half one
}

# The lineage comes from the wanted directory, renews in the wanted way, and has these names and no others.
lineage_fits() {
    local settings="$RENEWAL/$LINEAGE.conf"
    grep -qsxF "server = $DIRECTORY" "$settings" || return
    grep -qxF "authenticator = $AUTHENTICATOR" "$settings" || return
    [ "$(names_of "$LIVE/$LINEAGE/cert.pem")" = "$NAMES" ]
}

lineage_is_valid() {
    [ -n "$(serial_on_disk)" ] || return
    lineage_fits || return
    openssl x509 -noout -checkend 0 -in "$LIVE/$LINEAGE/cert.pem" >/dev/null
}

# names_of FILE: prints a certificate's names, one a line, sorted as the program sorts them.
names_of() {
    openssl x509 -noout -ext subjectAltName -in "$1" | grep -o 'DNS:[^, ]*' | cut -c5- | sort
}

# The step proxy installs it, so it is not there on a new machine.
unit_exists() {
    systemctl cat "$UNIT" >/dev/null 2>&1
}

serve_certificate() {
    # A run that has begun before looks for the certificate of before.
    systemctl restart "$UNIT" ||
        fail "nginx does not serve the certificate that is on the disk: see \`systemctl status $UNIT\` on the machine."
}

# --- renewal

# The timer leaves the lineages alone that are not in use: their names may lead elsewhere by now, and a renewal that
# fails would hide the one that counts.
renew_this_lineage_only() {
    local file
    for file in "$RENEWAL"/*.conf; do
        [ "$file" = "$RENEWAL/$LINEAGE.conf" ] || set_renewal "$file" off
    done
}

# set_renewal FILE on|off: for lineages of this program alone. A step that fails sets the opposite rather than put the
# file back, because certbot writes it, too.
set_renewal() {
    local opposite=on
    if [ "$2" = on ]; then opposite=off; fi
    grep -qsE "/var/www/acme|^authenticator = ($DNS_AUTHENTICATORS)$" "$1" || return 0
    sed '/^autorenew = /d' "$1" >"$WORK/renewal"
    if [ "$2" = off ]; then sed -i '/^\[renewalparams\]/a autorenew = False' "$WORK/renewal"; fi
    record "$1" <"$WORK/renewal"
    [ -z "$CHANGED" ] || on_failure set_renewal "$1" "$opposite"
}

install_renewal_hook() {
    {
        echo '#!/bin/sh'
        echo "lineage=$LIVE/$LINEAGE renewal=$RENEWAL orders=$ORDERS unit=$UNIT"
        cat <<'EOF_HOOK'
# certbot runs this after each renewal: it counts against the authority's limit, and nginx has to read it.
server=$(sed -n 's/^server = //p' "$renewal/${RENEWED_LINEAGE##*/}.conf")
names=$(echo "$RENEWED_DOMAINS" | tr ' ' '\n' | LC_ALL=C.UTF-8 sort | paste -sd,)
printf '%s %s %s\n' "$(date +%s)" "$server" "$names" >>"$orders"
if [ "$RENEWED_LINEAGE" = "$lineage" ] && systemctl cat "$unit" >/dev/null 2>&1; then
    systemctl restart "$unit" # which compares, and its timer repeats
else
    nginx -t -q && systemctl reload nginx
fi
EOF_HOOK
    } >"$WORK/hook"
    install_file /etc/letsencrypt/renewal-hooks/deploy/linkmesh-proxy 0755 <"$WORK/hook"
}

# certbot asks the directory with the user's CA bundle, now and at each renewal.
trust_directory() {
    local drop_in=/etc/systemd/system/certbot.service.d/10-linkmesh-proxy.conf
    printf '[Unit]\nRequiresMountsFor=/etc/letsencrypt\n' >"$WORK/drop-in"
    if [ -s "$FILES/ca.pem" ]; then
        install_file "$CA" <"$FILES/ca.pem"
        # Without the second one the plug-in for Route 53 would use the directory's CA for AWS.
        export REQUESTS_CA_BUNDLE=$CA AWS_CA_BUNDLE=$SYSTEM_CA
        printf '[Service]\nEnvironment=REQUESTS_CA_BUNDLE=%s AWS_CA_BUNDLE=%s\n' "$CA" "$SYSTEM_CA" >>"$WORK/drop-in"
    else
        remove_file "$CA"
    fi
    install_file "$drop_in" <"$WORK/drop-in"
    apply systemctl daemon-reload
}
