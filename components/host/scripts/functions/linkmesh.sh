#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- LinkMesh

HTTP=127.0.0.1:8080

# certificate_at ADDRESS:PORT NAME: the certificate served there, in PEM form.
certificate_at() {
    # A server that asks for a client certificate shows its own before it refuses us.
    { timeout 5 openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null || true; } | openssl x509 2>/dev/null
}

# serves_certificate FOLDER: nginx shows the domain's clients the certificate of this folder.
serves_certificate() {
    [ "$(certificate_at 127.0.0.1:443 "$DOMAIN")" = "$(openssl x509 -in "$1/fullchain.pem")" ]
}

# has_name NAME <PEM: true when the certificate is valid for the name.
has_name() {
    openssl x509 -noout -checkhost "$1" 2>/dev/null | grep -q 'does match'
}

# The port on which LinkMesh's gRPC listener is: its own default before config.yaml is written, ours afterwards.
grpc_port() {
    local port
    for port in 50061 50051; do
        if [ -n "$(certificate_at "127.0.0.1:$port" "$DOMAIN")" ]; then
            echo "$port"
            return
        fi
    done
    return 1
}

status_of() {
    curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$@" || true # 000 is no answer
}

linkmesh_answers() {
    [[ "$(status_of "http://$HTTP/")" =~ ^[23] ]] && grpc_port >/dev/null
}

# linkmesh_comes_up SECONDS: true once LinkMesh answers. One that dies again and again is not waited for.
linkmesh_comes_up() {
    LINKMESH_RESTARTS=$(linkmesh_restarts) || return
    wait_until "$1" linkmesh_answers_or_dies && linkmesh_answers
}

linkmesh_answers_or_dies() {
    linkmesh_answers || systemctl is-failed --quiet "$PACKAGE" || (($(linkmesh_restarts) >= LINKMESH_RESTARTS + 4))
}

linkmesh_restarts() {
    systemctl show --property NRestarts --value "$PACKAGE"
}

# restart_linkmesh SECONDS: true when it answers within that time.
restart_linkmesh() {
    systemctl reset-failed "$PACKAGE" 2>/dev/null || true # that it has not failed
    systemctl restart "$PACKAGE" && linkmesh_comes_up "$1"
}

stop_linkmesh() {
    systemctl stop "$PACKAGE" 2>/dev/null || true # there may be none
    if systemctl is-active --quiet "$PACKAGE"; then fail "LinkMesh does not stop: see \`sudo journalctl -u $PACKAGE\` on the machine."; fi
}

# The package on this machine, and the one that has last worked on the data, whichever machine that was on: its
# version, and the name under which it is kept. Nothing when there is none.
present_version() {
    if installed "$PACKAGE"; then dpkg-query -W -f '${Version}' "$PACKAGE"; fi
}

data_version() {
    [ ! -e "$PACKAGES/in-use" ] || cut -d' ' -f2 "$PACKAGES/in-use"
}

data_package() {
    [ ! -e "$PACKAGES/in-use" ] || cut -d' ' -f1 "$PACKAGES/in-use"
}

# change_linkmesh_file PATH NEW: swaps a file of LinkMesh, keeping owner, mode and link, and restarts the service. Does
# nothing when nothing changed. A step that fails puts the old file back; its copy outlives a cut run too, so that the
# next run finishes what that has begun, or undoes it. linkmesh_file_proven, called once all is well, drops the copy.
change_linkmesh_file() {
    local path new=$2
    path=$(readlink -f "$1")
    PREVIOUS="$STATE/previous/$(basename "$path")"
    if cmp -s "$new" "$path" && [ ! -e "$PREVIOUS" ]; then return; fi
    mkdir -p "$STATE/previous"
    chmod 0700 "$STATE/previous"
    if [ ! -e "$PREVIOUS" ]; then
        cp -a "$path" "$PREVIOUS.new" || fail "cannot write $PREVIOUS: is the disk full?"
        swap "$PREVIOUS.new" "$PREVIOUS"
    fi
    on_failure put_linkmesh_file_back "$path"
    swap_content "$path" "$new"
    apply restart_linkmesh 60 ||
        fail "LinkMesh does not answer with the new $(basename "$path"), so the old one is in place again:" \
            "see \`sudo journalctl -u linkmesh-server\` on the machine, correct the settings and run pulumi up again."
}

linkmesh_file_proven() {
    commit
    rm -f "$PREVIOUS"
}

put_linkmesh_file_back() {
    swap_content "$1" "$PREVIOUS"
    rm -f "$PREVIOUS"
}

swap_content() {
    local path=$1 from=$2
    if ! { cp -a "$path" "$path.new" && cat "$from" >"$path.new"; }; then
        rm -f "$path.new"
        fail "cannot write $path: is the disk full?"
    fi
    swap "$path.new" "$path"
}
