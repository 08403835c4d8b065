#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The whole configuration of nginx: port 80, the https site, the gRPC stream.
# DOMAIN, REVISION. CERTIFICATE: folder of the one to serve. GRPC: "yes" if gRPC is on. The files of the revision,
# `serve-certificate.sh` and `health.sh`.

UNIT=linkmesh-proxy-certificate
HEALTH=linkmesh-proxy-health
PROGRAMS=/usr/local/lib/linkmesh-proxy

main() {
    local name
    new_revision "$REVISION"
    for name in http-redirect.conf http-linkmesh.conf main-stream.conf tls.inc listeners; do
        # One in use that differs was edited by hand.
        if [ "$(current_revision)" = "$REVISION" ]; then
            install_nginx_file "$NGINX/$REVISION/$name" <"$FILES/$name"
        else
            install_file "$NGINX/$REVISION/$name" <"$FILES/$name"
        fi
    done
    nginx_apply "$REVISION"
    expect file "$NGINX/current"
    wait_until 20 serves_certificate "$CERTIFICATE" || reload_certificate
    watch_certificate
    answer_health
    nginx_reads_files
    enable_unit $UNIT.timer --now
    enable_unit $HEALTH.socket --now
    # Not "start": that would wait for a run that the timer has begun with the certificate of before, and fail with it.
    systemctl restart $UNIT.service
    keep_copy
    find "$NGINX" -mindepth 1 -maxdepth 1 -type d ! -name "$REVISION" -exec rm -rf {} +
    leave_other_certificates
}

# For step nginx, if somebody breaks a file.
keep_copy() {
    rm -rf "$COPIES"
    mkdir -p "$COPIES"
    cp -a "$NGINX/$REVISION" "$COPIES/"
}

reload_certificate() {
    apply nginx_reload
    wait_until 20 serves_certificate "$CERTIFICATE" ||
        fail "nginx serves another certificate on port 443 than $CERTIFICATE holds:" \
            "see $NGINX_ERROR_LOG on the machine."
}

# nginx serves a new certificate within 15 minutes, whoever puts it on the disk.
watch_certificate() {
    install_file $PROGRAMS/serve-certificate 0755 <"$FILES/serve-certificate.sh"
    install_file /etc/systemd/system/$UNIT.service <<EOF_SERVICE
[Unit]
Description=nginx serves the certificate of $DOMAIN that is on the disk
RequiresMountsFor=$CERTIFICATE
[Service]
Type=oneshot
Environment=DOMAIN=$DOMAIN CERTIFICATE=$CERTIFICATE
ExecStart=$PROGRAMS/serve-certificate
EOF_SERVICE
    install_file /etc/systemd/system/$UNIT.timer <<'EOF_TIMER'
[Unit]
Description=nginx is reloaded again if it could not be at a renewal
[Timer]
OnCalendar=*:0/15
[Install]
WantedBy=timers.target
EOF_TIMER
    apply systemctl daemon-reload
}

# nginx asks this socket for the health URL. Each question gets a process, because a permanent one could hang.
answer_health() {
    local grpc_port='' renewed=yes
    if [ -n "$GRPC" ]; then grpc_port=$GRPC_INTERNAL_PORT; fi
    if [ "$CERTIFICATE" = "$TLS/current" ]; then renewed=''; fi
    {
        echo '#!/bin/bash'
        echo "DOMAIN=$DOMAIN HTTP_PORT=$HTTP_INTERNAL_PORT GRPC_PORT=$grpc_port RENEWED=$renewed DATA=$DATA"
        cat "$FILES/health.sh"
    } >"$WORK/health"
    install_file $PROGRAMS/health 0755 <"$WORK/health"
    install_file /etc/systemd/system/$HEALTH.socket <<'EOF_SOCKET'
[Unit]
Description=The health URL asks here whether this machine is well
[Socket]
ListenStream=/run/linkmesh-proxy/health.sock
SocketGroup=www-data
SocketMode=0660
Accept=yes
MaxConnections=8
# Otherwise many questions at once would end the socket for good.
TriggerLimitIntervalSec=0
[Install]
WantedBy=sockets.target
EOF_SOCKET
    install_file /etc/systemd/system/$HEALTH@.service <<EOF_SERVICE
[Unit]
Description=Whether this machine is well
CollectMode=inactive-or-failed
[Service]
ExecStart=$PROGRAMS/health answer
StandardInput=socket
StandardError=null
RuntimeMaxSec=30
LogLevelMax=notice
User=www-data
ProtectSystem=strict
PrivateTmp=yes
ProtectHome=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_NETLINK
IPAddressDeny=any
IPAddressAllow=localhost
CapabilityBoundingSet=
NoNewPrivileges=yes
EOF_SERVICE
    apply systemctl daemon-reload
}

# Last, when the new one is served: an update that fails earlier and is taken back runs no step again.
leave_other_certificates() {
    if [ "$CERTIFICATE" != "$TLS/current" ]; then
        rm -rf "$TLS"
        forget own-certificate
    elif installed certbot; then
        # The lineages stay on the data volume, but a renewal that fails would be noise.
        systemctl disable --quiet --now certbot.timer
        forget certificate
    fi
}
