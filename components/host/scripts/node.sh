#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# What a machine behind a load balancer has of its own: whose it is, a certificate that only the load balancer sees, and
# a LinkMesh that stops only when the load balancer has stopped sending.
# DOMAIN, OWNER. DRAIN_SECONDS: how long that takes. The file `drain.sh`.

OWN=$TLS/self-signed
DRAIN=/usr/local/lib/linkmesh-proxy/drain
DRAIN_UNIT=linkmesh-proxy-drain.service
FLAG=/run/linkmesh-draining # nginx fails the load balancer's health checks while it is there

main() {
    record "$DATA/identity/host" <<<"$OWNER"$'\n'"$DOMAIN"
    provide_certificate
    drain_before_stop
}

# The load balancer does not check it, so it is good for a hundred years.
provide_certificate() {
    if ! is_usable; then
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=linkmesh-proxy \
            -addext "subjectAltName=DNS:$DOMAIN" -keyout "$WORK/key" -out "$WORK/certificate" 2>"$WORK/openssl" ||
            fail "openssl makes no certificate: $(tail -n1 "$WORK/openssl")"
        mkdir -p "$OWN"
        put_file "$OWN/privkey.pem" 0600 <"$WORK/key"
        put_file "$OWN/fullchain.pem" 0600 <"$WORK/certificate"
    fi
    expect file "$OWN/privkey.pem"
    expect file "$OWN/fullchain.pem"
    make_current "$TLS" self-signed
    expect file "$TLS/current"
}

# A step that was cut may have left a certificate of another key.
is_usable() {
    [ -e "$OWN/privkey.pem" ] || return
    has_name "$DOMAIN" 2>/dev/null <"$OWN/fullchain.pem" || return
    [ "$(openssl x509 -noout -pubkey -in "$OWN/fullchain.pem")" = "$(openssl pkey -pubout -in "$OWN/privkey.pem")" ]
}

# systemd drains whatever stops LinkMesh: a step, a package, a person or a reboot. It stops this unit before LinkMesh,
# whatever LinkMesh's package says of how to stop and how long that may take. The flag stays until LinkMesh runs again.
# nginx answers until then, so it stops later.
drain_before_stop() {
    install_file $DRAIN 0755 <"$FILES/drain.sh"
    install_file /etc/systemd/system/$DRAIN_UNIT <<EOF_UNIT
[Unit]
Description=The load balancer stops sending before LinkMesh stops
PartOf=$PACKAGE.service
After=$PACKAGE.service nginx.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/rm -f $FLAG
ExecStop=$DRAIN $FLAG $DRAIN_SECONDS
TimeoutStopSec=$((DRAIN_SECONDS + 90))
[Install]
WantedBy=$PACKAGE.service
EOF_UNIT
    apply systemctl daemon-reload
    enable_unit $DRAIN_UNIT --now
}
