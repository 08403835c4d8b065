#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The user's own certificate, in place of an authority's: swapped whole, and read by nginx without a restart.
# DOMAIN. The files `fullchain.pem` and `privkey.pem`.

main() {
    local name new
    openssl x509 -noout -checkend 0 -in "$FILES/fullchain.pem" >/dev/null ||
        fail "tlsCertificate has expired: set a newer one and run pulumi up again."
    name=$(cat "$FILES/fullchain.pem" "$FILES/privkey.pem" | sha256sum | cut -c1-12)
    new=$TLS/$name
    [ -e "$new" ] || on_failure rm -rf "$new"
    mkdir -p "$new"
    chmod 0700 "$TLS" "$new"
    install_file "$new/fullchain.pem" 0600 <"$FILES/fullchain.pem"
    install_file "$new/privkey.pem" 0600 <"$FILES/privkey.pem"
    make_current "$TLS" "$name"
    expect file "$TLS/current"
    if uses_own_certificate; then
        check_nginx ||
            fail "nginx refuses the certificate, so the one before is in place again: $(nginx_emergency)"
        # A reload is no proof, and that of a step that was cut may not have happened.
        serves_certificate "$new" || { apply nginx_reload && wait_until 20 serves_certificate "$new"; } ||
            fail "nginx does not serve the certificate, so the one before is in place again: $(nginx_obstacle)"
    fi
    commit
    find "$TLS" -mindepth 1 -maxdepth 1 -type d ! -name "$name" -exec rm -rf {} +
}

uses_own_certificate() {
    grep -qs "$TLS/current" "$NGINX/current/http-linkmesh.conf"
}
