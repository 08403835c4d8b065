#!/bin/bash
# shellcheck shell=bash source=library.sh disable=SC2153
# The user's own certificate, in place of an authority's: swapped whole, and read by nginx without a restart.
# DOMAIN. The files `fullchain.pem` and `privkey.pem`.

main() {
    local name new before
    openssl x509 -noout -checkend 0 -in "$FILES/fullchain.pem" >/dev/null || fail "tlsCertificate has ended: set a newer one and run pulumi up again."
    name=$(cat "$FILES/fullchain.pem" "$FILES/privkey.pem" | sha256sum | cut -c1-12)
    new=$TLS/$name
    before=$(readlink "$TLS/current" || true)
    mkdir -p "$new"
    chmod 0700 "$TLS" "$new"
    install_file "$new/fullchain.pem" 0600 <"$FILES/fullchain.pem"
    install_file "$new/privkey.pem" 0600 <"$FILES/privkey.pem"
    make_current "$TLS" "$name"
    if uses_own_certificate; then
        if ! nginx -t >"$WORK/nginx.log" 2>&1; then
            take_back || true
            fail "nginx refuses the certificate, so the one before is in place again: $(grep -m1 -F '[emerg]' "$WORK/nginx.log" || true)"
        fi
        # A reload is no proof, and the one of a run that was cut has not been.
        if ! serves_certificate "$new" && ! { nginx_reload && wait_until 20 serves_certificate "$new"; }; then
            if take_back; then nginx_reload || true; fi
            fail "nginx does not serve the certificate, so the one before is in place again: $(nginx_obstacle)"
        fi
    fi
    find "$TLS" -mindepth 1 -maxdepth 1 -type d ! -name "$name" -exec rm -rf {} +
}

# False when there is none before this one.
take_back() {
    [ -n "$before" ] && [ "$before" != "$name" ] && make_current "$TLS" "$before"
}

uses_own_certificate() {
    grep -qs "$TLS/current" "$NGINX/current/http-linkmesh.conf"
}
