#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# nginx and certbot from the distribution, sized for the expected collectors, with port 80 answering.
# MACHINE_PACKAGES: those of the machine, one a line. HTTP2_PER_NAME: "yes" when one name of a port is to offer HTTP/2.
# WORKER_CONNECTIONS, OPEN_FILES, REVISION. The files `sysctl.conf`, `http-redirect.conf`, `listeners`.

HTTP2_PER_NAME_SINCE=1.25.1

main() {
    if ! installed nginx; then refuse_port_holder; fi
    # shellcheck disable=SC2086
    install_missing $MACHINE_PACKAGES
    if [ -n "$HTTP2_PER_NAME" ]; then refuse_old_nginx; fi
    refuse_stream_block
    limit_open_files
    set_worker_connections
    set_sysctl
    enable_unit nginx.service
    remove_nginx_file /etc/nginx/sites-enabled/default # it owns port 80
    mkdir -p /var/www/acme/.well-known/acme-challenge
    include_configuration
    restore_revision
    serve_port_80
    nginx_reads_files
}

# --- what nginx cannot work with

# Its installation starts it, and fails when something else holds port 80.
refuse_port_holder() {
    local port holder
    for port in 80 443; do
        holder=$(port_holder "$port")
        [ -z "$holder" ] ||
            fail "port $port on the machine is taken by $holder, but nginx needs it:" \
                "remove that program and run pulumi up again."
    done
}

# In older versions HTTP/2 belongs to the port, so that OpAMP's name would offer it too.
refuse_old_nginx() {
    local version
    version=$(nginx -v 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n1)
    dpkg --compare-versions "$version" ge "$HTTP2_PER_NAME_SINCE" ||
        fail "uiDomain needs nginx $HTTP2_PER_NAME_SINCE or newer, and the machine has $version:" \
            "set operatingSystem to debian-13 or imageId to an image of it, or remove uiDomain."
}

# nginx allows one stream block only.
refuse_stream_block() {
    local others
    others=$(grep -rlsE '^[[:space:]]*stream[[:space:]]*\{' /etc/nginx --include='*.conf' \
        --exclude-dir=linkmesh --exclude-dir=modules-available | head -n1 || true) # as a rule there is none
    [ -z "$others" ] ||
        fail "$others on the machine holds a stream block already and nginx allows only one:" \
            "remove it and run pulumi up again."
}

# --- limits

limit_open_files() {
    install_file /etc/systemd/system/nginx.service.d/10-linkmesh-proxy.conf <<EOF_DROP_IN
[Unit]
RequiresMountsFor=/etc/letsencrypt
[Service]
LimitNOFILE=$OPEN_FILES
Restart=on-failure
RestartSec=2
# Of refused sessions, each of which has a line: the journal keeps some, and says how many it did not. It multiplies
# the number by up to six, the more room it has.
LogRateLimitIntervalSec=1min
LogRateLimitBurst=5
# What an nginx that was killed leaves would keep the next from starting.
ExecStartPre=/bin/sh -c 'rm -f /run/linkmesh-*.sock'
IPAddressDeny=169.254.169.254/32 fd00:ec2::254/128
EOF_DROP_IN
    apply systemctl daemon-reload
    raise_running_limit
}

# The unit's limit counts from the next start, and a start would cut every session: the running master gets it too.
raise_running_limit() {
    local pid limit
    pid=$(systemctl show --property MainPID --value nginx)
    if [ "$pid" = 0 ]; then return; fi
    limit=$(open_files_limit SOFT "$pid")
    if [ "$limit" = unlimited ] || ((limit >= OPEN_FILES)); then return; fi
    if ! prlimit --pid "$pid" --nofile="$OPEN_FILES:$OPEN_FILES" 2>/dev/null; then
        # A container may be given fewer than it asks for.
        limit=$(open_files_limit HARD "$pid")
        prlimit --pid "$pid" --nofile="$limit:$limit"
        echo "warning: this machine grants nginx $limit open files instead of $OPEN_FILES."
    fi
}

# open_files_limit SOFT|HARD PID
open_files_limit() {
    prlimit --pid "$2" --nofile --output "$1" --noheadings | tr -d ' '
}

# worker_connections can be set in nginx.conf only.
set_worker_connections() {
    local wanted="worker_connections $WORKER_CONNECTIONS;"
    # An edited file of a package must not stop unattended upgrades.
    install_file /etc/apt/apt.conf.d/50linkmesh-proxy <<<'Dpkg::Options { "--force-confdef"; "--force-confold"; };'
    if ! grep -qE "^[[:space:]]*$wanted" /etc/nginx/nginx.conf; then
        leave_unread
        sed -E "s/^([[:space:]]*)worker_connections [0-9]+;/\1$wanted/" /etc/nginx/nginx.conf >"$WORK/nginx.conf"
        put_file /etc/nginx/nginx.conf <"$WORK/nginx.conf"
    fi
    expect value '/etc/nginx/nginx.conf worker_connections'
}

set_sysctl() {
    install_file /etc/sysctl.d/90-linkmesh-proxy.conf <"$FILES/sysctl.conf"
    apply load_sysctl || fail "the kernel refuses a setting: $(tail -n1 "$WORK/sysctl")"
}

load_sysctl() {
    [ ! -e /etc/sysctl.d/90-linkmesh-proxy.conf ] ||
        sysctl --quiet --load /etc/sysctl.d/90-linkmesh-proxy.conf >"$WORK/sysctl" 2>&1
}

# --- the configuration

# The only hooks into nginx's own files; a glob that matches nothing is no error. The sites come first, which makes them
# the defaults of their ports unless another one says that it is. The stream block comes last, behind all that loads
# modules.
include_configuration() {
    local sites=/etc/nginx/conf.d/00-linkmesh-proxy.conf stream=/etc/nginx/modules-enabled/zz-linkmesh-proxy.conf
    install_nginx_file "$sites" <<<"include $NGINX/current/http-*.conf;"
    install_nginx_file "$stream" <<<"include $NGINX/current/main-*.conf;"
    # Earlier names; two hooks for the same files would be an error.
    remove_nginx_file /etc/nginx/conf.d/linkmesh-proxy.conf
    remove_nginx_file /etc/nginx/modules-enabled/90-linkmesh-proxy.conf
}

# What somebody broke in the current revision would keep nginx from its start, and this step from its end. Step proxy
# writes these files, and comes later.
restore_revision() {
    local copy file
    copy=$COPIES/$(current_revision)
    if [ ! -e "$copy/listeners" ] || check_nginx; then return; fi
    leave_unread
    for file in "$copy"/*; do put_file "$NGINX/${copy##*/}/${file##*/}" <"$file"; done
}

# Until there is a certificate nginx serves port 80 alone; a complete configuration is left as it is, apart from a port
# 80 that it lacks and the authority will come to.
serve_port_80() {
    cp "$FILES/listeners" "$WORK/listeners"
    if [ ! -e "$NGINX/current/http-linkmesh.conf" ]; then
        new_revision "$REVISION"
    else
        grep -q ':80$' "$WORK/listeners" || return 0
        if grep -q ':80$' "$NGINX/current/listeners"; then return; fi
        rm -rf "${NGINX:?}/$REVISION"
        new_revision "$REVISION"
        cp -a "$NGINX/current/." "$NGINX/$REVISION"
        tail -n +2 "$NGINX/current/listeners" >>"$WORK/listeners"
    fi
    put_file "$NGINX/$REVISION/http-redirect.conf" <"$FILES/http-redirect.conf"
    put_file "$NGINX/$REVISION/listeners" <"$WORK/listeners"
    nginx_apply "$REVISION"
}
