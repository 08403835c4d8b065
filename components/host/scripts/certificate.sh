#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The certificate for the public names, by webroot while nginx runs or by a DNS record, and its renewal by the
# distribution's timer. Each directory has a lineage of its own; one that is still good is used again, whatever was in
# use meanwhile.
# NAMES: one a line, sorted. LINEAGE, EMAIL, DIRECTORY. CHALLENGE: http-01 or dns-01. WEEKLY_LIMIT: orders for these
# names in 7 days, or nothing. The file `ca.pem`: what the directory's own certificate is verified with, or nothing. The
# file `eab.ini`: certbot's options for an external account binding, or nothing.

LIVE=/etc/letsencrypt/live
RENEWAL=/etc/letsencrypt/renewal
ACCOUNTS=/etc/letsencrypt/accounts
LOG=/var/log/letsencrypt/letsencrypt.log # of all certbot's runs of a week, as Debian has it
UNIT=linkmesh-proxy-certificate.service
CA=/etc/linkmesh-proxy/acme-ca.pem
ORDERS=$DATA/identity/orders # the last 7 days': seconds since 1970, directory, names
WEEK=604800
SYSTEM_CA=/etc/ssl/certs/ca-certificates.crt

main() {
    local NAME_LIST AUTHENTICATOR
    mountpoint -q /etc/letsencrypt || fail "/etc/letsencrypt is not on the data volume: run pulumi up again after \`sudo mount /etc/letsencrypt\` on the machine."
    NAME_LIST=$(tr '\n' ',' <<<"$NAMES" | sed 's/,$//')
    if [ "$CHALLENGE" = dns-01 ]; then AUTHENTICATOR=dns-route53; else AUTHENTICATOR=webroot; fi
    trust_directory
    hook_renewals
    set_renewal "$RENEWAL/$LINEAGE.conf" on # certbot leaves one alone that is off, although it is due
    if [ "$AUTHENTICATOR" = dns-route53 ]; then
        wait_until 120 has_role || fail "the machine has no role yet with which to write into Route 53: run pulumi up again in a minute."
    fi
    refuse_beyond_limit
    if [ -z "$LIMIT_REACHED" ]; then order; fi
    renew_this_lineage_only
    systemctl enable --quiet --now certbot.timer
}

order() {
    local before how=--keep-until-expiring contact=(--register-unsafely-without-email) way=(--dns-route53) line='' tries=0 lost='' logged reason
    if [ -n "$EMAIL" ]; then contact=(-m "$EMAIL"); fi
    if [ "$AUTHENTICATOR" = webroot ]; then way=(--webroot -w /var/www/acme); fi
    # In a file: arguments are seen by every process of the machine.
    if [ -s "$FILES/eab.ini" ]; then contact+=(--config "$FILES/eab.ini"); fi
    before=$(serial_on_disk)
    if [ -n "$before" ] && ! lineage_fits; then how=--force-renewal; fi
    # Noted beforehand: a run that is cut may have got its certificate.
    if [ -z "$before" ] || [ "$how" = --force-renewal ]; then note_order; fi
    logged=$(stat -c %s "$LOG" 2>/dev/null) || logged=0
    until certbot certonly --non-interactive --agree-tos --no-eff-email "${contact[@]}" --server "$DIRECTORY" \
        --no-directory-hooks "${way[@]}" --cert-name "$LINEAGE" --renew-with-new-domains -d "$NAME_LIST" "$how" >"$WORK/certbot" 2>&1; do
        # What passes by itself; three times is enough to tell that from a longer trouble.
        if reason=$(passing) && ((++tries < 4)); then
            echo "$reason: waiting."
            sleep $((tries * 10))
            continue
        fi
        # Once: the account that certbot then makes is known there.
        if [ -z "$lost" ] && account_is_lost "$logged"; then
            lost=yes
            set_account_aside
            continue
        fi
        forget_order
        fail "the certificate authority gave no certificate for ${NAME_LIST//,/ and }: $(certbot_reason)"
    done
    if [ "$(serial_on_disk)" = "$before" ]; then
        forget_order
        # A run before this one may have ended between its certificate and its reload.
        if unit_is_there; then serve_certificate; fi
        return
    fi
    [ -n "$line" ] || note_order # it was due
    # The hook, which does this and notes the order, was left out: certbot runs it for some of these orders only.
    if unit_is_there; then
        serve_certificate
    elif systemctl is-active --quiet nginx; then
        systemctl reload nginx || fail "nginx cannot read the new certificate, since it refuses its configuration: $(nginx -t 2>&1 | grep -F '[emerg]')"
    fi
}

# account_is_lost LOGGED: an authority that was rebuilt knows none of its accounts. certbot shows its words, and logs what
# kind they are, behind the bytes that were there before.
account_is_lost() {
    [ -d "$(account_folder)" ] && { cat "$WORK/certbot" && tail -c "+$(($1 + 1))" "$LOG"; } 2>/dev/null | grep accountDoesNotExist >/dev/null
}

# certbot's own, of this directory.
account_folder() {
    local accounts=${DIRECTORY#https://}
    accounts=${accounts%%\?*}
    echo "$ACCOUNTS/${accounts%/}"
}

set_account_aside() {
    local accounts
    accounts=$(account_folder)
    echo "warning: the certificate authority does not know this machine's account any more, so a new one is registered."
    rm -rf "$accounts.lost"
    mv "$accounts" "$accounts.lost"
}

# A role that has just been given reaches the metadata service after some seconds.
has_role() {
    local token
    token=$(curl --silent --fail --max-time 3 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token) &&
        curl --silent --fail --max-time 3 -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/iam/security-credentials/ | grep -q .
}

serial_on_disk() {
    openssl x509 -noout -serial -in "$LIVE/$LINEAGE/cert.pem" 2>/dev/null || true # there may be none, or a half one
}

# The lineage comes from the wanted directory, renews in the wanted way, and has these names and no others.
lineage_fits() {
    local renewal="$RENEWAL/$LINEAGE.conf"
    grep -qsxF "server = $DIRECTORY" "$renewal" && grep -qxF "authenticator = $AUTHENTICATOR" "$renewal" && [ "$(names_of "$LIVE/$LINEAGE/cert.pem")" = "$NAMES" ]
}

# One a line, sorted as the program sorts them.
names_of() {
    openssl x509 -noout -ext subjectAltName -in "$1" | grep -o 'DNS:[^, ]*' | cut -c5- | sort
}

# --- the authority's limit

recent_orders() {
    [ ! -e "$ORDERS" ] || awk -v oldest=$(($(date +%s) - WEEK)) '$1 > oldest' "$ORDERS"
}

note_order() {
    line="$(date +%s) $DIRECTORY $NAME_LIST"
    { recent_orders && echo "$line"; } >"$WORK/orders"
    record "$ORDERS" <"$WORK/orders"
}

forget_order() {
    [ -n "$line" ] || return 0
    recent_orders | awk -v line="$line" '$0 != line' >"$WORK/orders"
    record "$ORDERS" <"$WORK/orders"
}

# Refuses the order that the authority would refuse, before it counts as a failure there. A certificate that is there
# and valid is kept meanwhile: LIMIT_REACHED says so.
refuse_beyond_limit() {
    local times possible
    LIMIT_REACHED=''
    if [ -z "$WEEKLY_LIMIT" ]; then return; fi
    recent_orders | awk -v directory="$DIRECTORY" -v names="$NAME_LIST" '$2 == directory && $3 == names { print $1 }' | sort -n >"$WORK/times"
    mapfile -t times <"$WORK/times"
    if ((${#times[@]} < WEEKLY_LIMIT)); then return; fi
    LIMIT_REACHED=yes
    if [ -n "$(serial_on_disk)" ] && lineage_fits && openssl x509 -noout -checkend 0 -in "$LIVE/$LINEAGE/cert.pem" >/dev/null; then return; fi
    possible=$(date --utc --date="@$((times[${#times[@]} - WEEKLY_LIMIT] + WEEK))" '+%Y-%m-%d %H:%M UTC')
    fail "${NAME_LIST//,/ and } has had ${#times[@]} certificates of $DIRECTORY in 7 days, and $WEEKLY_LIMIT is its limit: run pulumi up again after $possible, or set acmeDirectory to staging meanwhile."
}

# --- renewal

# The timer leaves the lineages alone that are not in use: their names may lead elsewhere by now, and a renewal that
# fails would hide the one that counts.
renew_this_lineage_only() {
    local conf
    for conf in "$RENEWAL"/*.conf; do
        [ "$conf" = "$RENEWAL/$LINEAGE.conf" ] || set_renewal "$conf" off
    done
}

# set_renewal FILE on|off: for lineages of this program alone. Undone by its opposite: certbot writes the file, too.
set_renewal() {
    local opposite=on
    if [ "$2" = on ]; then opposite=off; fi
    grep -qsE '/var/www/acme|^authenticator = dns-route53$' "$1" || return 0
    sed '/^autorenew = /d' "$1" >"$WORK/renewal"
    [ "$2" = on ] || sed -i '/^\[renewalparams\]/a autorenew = False' "$WORK/renewal"
    record "$1" <"$WORK/renewal"
    [ -z "$CHANGED" ] || on_failure set_renewal "$1" "$opposite"
}

hook_renewals() {
    install_file /etc/letsencrypt/renewal-hooks/deploy/linkmesh-proxy 0755 <<EOF_HOOK
#!/bin/sh
# certbot runs this after each renewal: it counts against the authority's limit, and nginx has to read it.
server=\$(sed -n 's/^server = //p' "$RENEWAL/\${RENEWED_LINEAGE##*/}.conf")
printf '%s %s %s\n' "\$(date +%s)" "\$server" "\$(echo "\$RENEWED_DOMAINS" | tr ' ' '\n' | LC_ALL=C.UTF-8 sort | paste -sd,)" >>$ORDERS
if [ "\$RENEWED_LINEAGE" = "$LIVE/$LINEAGE" ] && systemctl cat $UNIT >/dev/null 2>&1; then
    systemctl start $UNIT # which compares, and its timer repeats
else
    nginx -t -q && systemctl reload nginx
fi
EOF_HOOK
}

# The proxy step installs it, with a timer. It compares what nginx serves with what is on the disk.
unit_is_there() {
    systemctl cat $UNIT >/dev/null 2>&1
}

serve_certificate() {
    systemctl start $UNIT || fail "nginx does not serve the certificate that is on the disk: see \`systemctl status $UNIT\` on the machine."
}

# --- the authority

# certbot asks the directory with this bundle, now and at each renewal.
trust_directory() {
    local drop_in=/etc/systemd/system/certbot.service.d/10-linkmesh-proxy.conf
    {
        echo '[Unit]'
        echo 'RequiresMountsFor=/etc/letsencrypt'
    } >"$WORK/drop-in"
    if [ -s "$FILES/ca.pem" ]; then
        install_file "$CA" <"$FILES/ca.pem"
        # The plug-in for Route 53 would take the directory's CA for AWS's otherwise.
        printf '[Service]\nEnvironment=REQUESTS_CA_BUNDLE=%s AWS_CA_BUNDLE=%s\n' "$CA" "$SYSTEM_CA" >>"$WORK/drop-in"
        export REQUESTS_CA_BUNDLE=$CA AWS_CA_BUNDLE=$SYSTEM_CA
    else
        remove_file "$CA"
    fi
    install_file "$drop_in" <"$WORK/drop-in"
    apply systemctl daemon-reload
}

# Trouble of which an authority says that it is busy, or rights that were given just now.
passing() {
    if grep -qE 'serverInternal|Service busy|503 |50[234] Server Error' "$WORK/certbot"; then
        echo "The certificate authority is busy"
    elif grep -q AccessDenied "$WORK/certbot"; then
        echo "Route 53 does not know the machine's rights yet"
    else
        return 1
    fi
}

# What the authority said, or what kept certbot from asking it, with what to do.
certbot_reason() {
    local line
    if grep -qE 'SSLError|CERTIFICATE_VERIFY_FAILED|certificate verify failed' "$WORK/certbot"; then
        if [ -s "$FILES/ca.pem" ]; then line=", or remove that where a public authority signs it"; else line=; fi
        echo "the certificate of $DIRECTORY itself is not trusted: set acmeCaBundle to the one that signs it$line."
    elif grep -qE '^ValueError: Requesting|ConnectionError|Timeout|Max retries exceeded' "$WORK/certbot"; then
        echo "$DIRECTORY does not answer: check acmeDirectory, or wait and run pulumi up again."
    elif grep -qE 'Unable to locate credentials|AccessDenied' "$WORK/certbot"; then
        echo "the machine may not write the challenge into the Route 53 zone: check the role of its instance profile, then run pulumi up again."
    elif [ -s "$FILES/eab.ini" ] && grep -q 'Unable to register an account' "$WORK/certbot"; then
        echo "the authority does not take acmeEabKeyId with acmeEabHmacKey ($(sed -n 's/.*returned by the ACME server: //p' "$WORK/certbot")): copy both anew from where it shows them."
    elif grep -qiE 'external ?account' "$WORK/certbot"; then
        echo "the authority wants to know whose account this is: set acmeEabKeyId and acmeEabHmacKey to what it shows you."
    elif grep -qiE 'rateLimited|too many' "$WORK/certbot"; then
        echo "$(grep -m1 -oiE 'too many.*' "$WORK/certbot") This is a limit of the authority: wait, or set acmeDirectory to staging meanwhile."
    else
        line=$(grep -m1 -oE 'Detail: .*' "$WORK/certbot" || grep -m1 'urn:ietf:params:acme' "$WORK/certbot" ||
            grep -A1 -m1 -E '[Ee]rror.*:$' "$WORK/certbot" | tail -n1 | grep . || grep -m1 '[Ee]rror' "$WORK/certbot" || tail -n1 "$WORK/certbot")
        line=${line#Detail: }
        echo "${line%.}. See /var/log/letsencrypt/letsencrypt.log on the machine, then run pulumi up again."
    fi
}
