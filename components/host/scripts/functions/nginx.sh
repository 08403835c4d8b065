#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- nginx

# new_revision NAME: a folder for a revision of the configuration.
new_revision() {
    [ "$(current_revision)" = "$1" ] || on_failure rm -rf "$NGINX/$1"
    mkdir -p "$NGINX/$1"
}

current_revision() {
    readlink "$NGINX/current" || true # none yet
}

# nginx_apply REVISION: makes a folder below $NGINX the configuration that is served. Validated as it will be read,
# swapped by one link, proven by what is served.
nginx_apply() {
    local revision=$1
    if [ "$(current_revision)" = "$revision" ] && nginx_serves "$revision"; then return; fi
    nginx_accepts "$revision" || fail "nginx refuses the new configuration, so nothing was changed: $(nginx_emergency)"
    make_current "$NGINX" "$revision"
    { apply nginx_reload && wait_until 20 nginx_serves "$revision"; } ||
        fail "nginx does not serve the new configuration, so the old one is in place again: $(nginx_obstacle)"
}

# Validates in a private view of the file system, in which the revision is already the current one.
nginx_accepts() {
    # shellcheck disable=SC2016
    rm -rf "$WORK/nginx" && cp -a /etc/nginx "$WORK/nginx" && ln -sfnT "$1" "$WORK/nginx/linkmesh/current" &&
        unshare --mount -- sh -c 'mount --bind "$1" /etc/nginx && exec nginx -t' sh "$WORK/nginx" >"$WORK/nginx.log" 2>&1
}

# What kept `nginx -t` from accepting the configuration.
nginx_emergency() {
    grep -m1 -F '[emerg]' "$WORK/nginx.log" || tail -n1 "$WORK/nginx.log"
}

nginx_reload() {
    if systemctl is-active --quiet nginx; then
        systemctl reload nginx 2>/dev/null
    else
        systemctl reset-failed nginx 2>/dev/null || true # that it has not failed
        systemctl start nginx 2>/dev/null
    fi
}

# A reload reports success although a port could not be bound, so only an answer counts.
nginx_serves() {
    local listener
    read -r listener <"$NGINX/$1/listeners" || return 1 # the first is the one of http
    [ "$(curl --silent --max-time 3 "http://127.0.0.1:${listener##*:}/.well-known/linkmesh-proxy")" = "$1" ] || return 1
    while read -r listener; do
        listens "$listener" || return 1
    done <"$NGINX/$1/listeners"
}

listens() {
    ss -H -l -t -n -p "src = $1" | grep -q '"nginx"'
}

# port_holder PORT: the program that listens there and is not nginx.
port_holder() {
    ss -H -l -t -n -p "sport = :$1" | awk -F '"' '$2 && $2 != "nginx" && !told++ { print $2 }'
}

# Who else holds a port that nginx should have; else the newest error that nginx logged.
nginx_obstacle() {
    local port holder
    for port in 80 443 50051; do
        holder=$(port_holder "$port")
        [ -z "$holder" ] || {
            echo "port $port is taken by $holder, so stop it and run pulumi up again."
            return
        }
    done
    tail -n1 /var/log/nginx/error.log 2>/dev/null || true # there may be none
}
