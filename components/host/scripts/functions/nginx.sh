#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- nginx

NGINX_ERROR_LOG=/var/log/nginx/error.log
COPIES=$STATE/nginx        # the revision that step proxy made current, as it left it
UNREAD=$STATE/reload-nginx # there while nginx may not have read its files as they are now

# install_nginx_file PATH <TEXT: install_file for one that nginx has to read.
install_nginx_file() {
    write_beside "$1"
    if [ -n "$CHANGED" ]; then
        leave_unread
        keep "$1"
        swap "$NEW" "$1"
    fi
    expect file "$1"
}

# remove_nginx_file PATH
remove_nginx_file() {
    if [ -e "$1" ] || [ -L "$1" ]; then leave_unread; fi
    remove_file "$1"
}

# Beforehand, for a step that is cut before nginx has read the change.
leave_unread() {
    keep "$UNREAD"
    touch "$UNREAD"
}

# nginx_reads_files: commits the step once nginx runs with its files as they are now.
nginx_reads_files() {
    if [ -e "$UNREAD" ] || ! systemctl is-active --quiet nginx; then
        check_nginx || fail "nginx refuses its configuration, so nothing was changed: $(nginx_emergency)"
        apply nginx_reload || fail "nginx does not start: $(nginx_obstacle)"
    fi
    commit
    rm -f "$UNREAD"
}

# new_revision NAME: makes the folder of a revision of the configuration.
new_revision() {
    [ "$(current_revision)" = "$1" ] || on_failure rm -rf "$NGINX/$1"
    mkdir -p "$NGINX/$1"
}

current_revision() {
    readlink "$NGINX/current" || true # none yet
}

# nginx_apply REVISION: makes this revision the one that is served. It is validated as nginx will read it, and counts
# once its answers are seen.
nginx_apply() {
    local revision=$1
    if [ "$(current_revision)" = "$revision" ] && nginx_serves "$revision"; then return; fi
    nginx_accepts "$revision" || fail "nginx refuses the new configuration, so nothing was changed: $(nginx_emergency)"
    make_current "$NGINX" "$revision"
    { apply nginx_reload && wait_until 20 nginx_serves "$revision"; } ||
        fail "nginx does not serve the new configuration, so the old one is in place again: $(nginx_obstacle)"
}

# nginx_accepts REVISION: asks nginx in a private view of the file system, in which the revision is already current.
nginx_accepts() {
    rm -rf "$WORK/nginx" || return
    cp -a /etc/nginx "$WORK/nginx" || return
    ln -sfnT "$1" "$WORK/nginx/linkmesh/current" || return
    # shellcheck disable=SC2016
    unshare --mount -- sh -c 'mount --bind "$1" /etc/nginx && exec nginx -t' sh "$WORK/nginx" >"$WORK/nginx.log" 2>&1
}

# check_nginx: asks nginx about its configuration as it is.
check_nginx() {
    nginx -t >"$WORK/nginx.log" 2>&1
}

# nginx_emergency: prints what nginx said when it refused a configuration.
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

# nginx_serves REVISION. A reload reports success although a port could not be bound, so only an answer counts.
nginx_serves() {
    local listener
    read -r listener <"$NGINX/$1/listeners" || return 1 # the first is the one of http
    [ "$(served_revision "${listener##*:}")" = "$1" ] || return 1
    while read -r listener; do
        listens "$listener" || return 1
    done <"$NGINX/$1/listeners"
}

# served_revision PORT: prints the revision with which nginx answers there.
served_revision() {
    curl --silent --max-time 3 "http://127.0.0.1:$1/.well-known/linkmesh-proxy"
}

# listens ADDRESS:PORT: true when nginx does.
listens() {
    ss -H -l -t -n -p "src = $1" | grep -q '"nginx"'
}

# port_holder PORT: prints the first program that listens there and is not nginx.
port_holder() {
    ss -H -l -t -n -p "sport = :$1" |
        awk -F '"' '$2 != "" && $2 != "nginx" && holder == "" { holder = $2 } END { print holder }'
}

# nginx_obstacle: prints who else holds a port that nginx should have; otherwise the newest error that nginx logged.
nginx_obstacle() {
    local port holder
    for port in $NGINX_PORTS; do
        holder=$(port_holder "$port")
        if [ -n "$holder" ]; then
            echo "port $port is taken by $holder, so stop it and run pulumi up again."
            return
        fi
    done
    tail -n1 "$NGINX_ERROR_LOG" 2>/dev/null || true # there may be none
}
