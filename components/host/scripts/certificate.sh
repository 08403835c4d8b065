#!/bin/bash
# shellcheck shell=bash source=library.sh disable=SC2153
# The certificate for the public hostname, by webroot while nginx runs, and its renewal by the distribution's timer.
# A lineage that is still good is kept; another directory or another name gets a new certificate.
# DOMAIN, EMAIL, DIRECTORY. The file `ca.pem`: what the directory's own certificate is verified with, or nothing.

LIVE=/etc/letsencrypt/live
CA=/etc/linkmesh-proxy/acme-ca.pem

main() {
    local before how=--keep-until-expiring contact=(--register-unsafely-without-email)
    mountpoint -q /etc/letsencrypt || fail "/etc/letsencrypt is not on the data volume: run pulumi up again after \`sudo mount /etc/letsencrypt\` on the machine."
    trust_directory
    reload_on_renewal
    if [ -n "$EMAIL" ]; then contact=(-m "$EMAIL"); fi
    before=$(serial_on_disk)
    if [ -n "$before" ] && ! lineage_fits; then how=--force-renewal; fi
    if ! certbot certonly --non-interactive --agree-tos --no-eff-email "${contact[@]}" --server "$DIRECTORY" \
        --webroot -w /var/www/acme --cert-name "$DOMAIN" -d "$DOMAIN" "$how" >"$WORK/certbot" 2>&1; then
        fail "the certificate authority gave no certificate for $DOMAIN: $(certbot_reason)"
    fi
    # Hooks in renewal-hooks run at renewals only.
    if [ "$(serial_on_disk)" != "$before" ] && systemctl is-active --quiet nginx; then systemctl reload nginx; fi
    systemctl enable --quiet --now certbot.timer
}

serial_on_disk() {
    openssl x509 -noout -serial -in "$LIVE/$DOMAIN/cert.pem" 2>/dev/null || true
}

# The lineage comes from the wanted directory, renews by webroot, and has the name.
lineage_fits() {
    local renewal="/etc/letsencrypt/renewal/$DOMAIN.conf"
    grep -qxF "server = $DIRECTORY" "$renewal" && grep -qx 'authenticator = webroot' "$renewal" && has_name "$DOMAIN" <"$LIVE/$DOMAIN/cert.pem"
}

# certbot asks the directory with this bundle, now and at each renewal.
trust_directory() {
    local drop_in=/etc/systemd/system/certbot.service.d/10-linkmesh-proxy.conf
    {
        echo '[Unit]'
        echo 'RequiresMountsFor=/etc/letsencrypt'
    } >"$WORK/drop-in"
    file ca.pem >"$WORK/ca.pem"
    if [ -s "$WORK/ca.pem" ]; then
        install_file "$CA" <"$WORK/ca.pem" || true
        printf '[Service]\nEnvironment=REQUESTS_CA_BUNDLE=%s\n' "$CA" >>"$WORK/drop-in"
        export REQUESTS_CA_BUNDLE=$CA
    else
        rm -f "$CA"
    fi
    if install_file "$drop_in" <"$WORK/drop-in"; then systemctl daemon-reload; fi
}

reload_on_renewal() {
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nnginx -t -q && systemctl reload nginx\n' | install_file /etc/letsencrypt/renewal-hooks/deploy/linkmesh-proxy 0755 || true
}

# What the authority said, or what kept certbot from asking it, with what to do.
certbot_reason() {
    local line
    if grep -qE 'SSLError|CERTIFICATE_VERIFY_FAILED|certificate verify failed' "$WORK/certbot"; then
        echo "the certificate of $DIRECTORY itself is not trusted: set acmeCaBundle to the one that signs it."
    elif grep -qE '^ValueError: Requesting|ConnectionError|Timeout|Max retries exceeded' "$WORK/certbot"; then
        echo "$DIRECTORY does not answer: check acmeDirectory, or wait and run pulumi up again."
    elif grep -qiE 'rateLimited|too many' "$WORK/certbot"; then
        echo "$(grep -m1 -oiE 'too many.*' "$WORK/certbot") This is a limit of the authority: wait, or set acmeDirectory to staging meanwhile."
    else
        line=$(grep -m1 -oE 'Detail: .*' "$WORK/certbot" || grep -m1 -E 'urn:ietf:params:acme|[Ee]rror' "$WORK/certbot" || tail -n1 "$WORK/certbot")
        line=${line#Detail: }
        echo "${line%.}. See /var/log/letsencrypt/letsencrypt.log on the machine, then run pulumi up again."
    fi
}
