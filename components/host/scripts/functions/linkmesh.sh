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

# written_elsewhere [KNOWN]: the files that LinkMesh has open for writing on a disk that goes with the machine, one a line,
# without those that KNOWN lists. Logs and what is temporary may lie there.
written_elsewhere() {
    local pid pids fd flags device links file volume
    volume=$(stat -c %d "$DATA")
    pids=$(linkmesh_pids)
    for pid in $pids; do
        for fd in "/proc/$pid/fd"/*; do
            # A file may be closed meanwhile.
            flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$pid/fdinfo/${fd##*/}" 2>/dev/null) || continue
            if ! ((8#${flags:-0} & 3)) || [ ! -f "$fd" ]; then continue; fi
            read -r device links < <(stat -L -c '%d %h' "$fd" 2>/dev/null) || continue
            if [ "$device" = "$volume" ] || [ "$links" = 0 ]; then continue; fi
            file=$(readlink "$fd") || continue
            case $file in
            /tmp/* | /var/tmp/* | /run/* | /dev/* | /proc/* | /sys/* | /var/log/* | /var/cache/*) ;;
            /*) grep -qxF -- "$file" <<<"${1:-}" || echo "$file" ;; # others have no name, such as what epoll waits on
            esac
        done
    done
}

# systemd makes a service's first process the leader of a session, which those that it starts belong to.
linkmesh_pids() {
    local main
    main=$(systemctl show --property MainPID --value "$PACKAGE")
    if [ "$main" != 0 ]; then pgrep --session "$main" || echo "$main"; fi
}

# refuse_elsewhere KNOWN PUT_BACK: fails when LinkMesh keeps anything beside the data volume that KNOWN does not list.
refuse_elsewhere() {
    local files file
    files=$(written_elsewhere "$1")
    file=${files%%$'\n'*}
    [ -z "$file" ] ||
        fail "LinkMesh writes $file, which is not on the data volume and would go with the machine, so $2:" \
            "have linkmeshConfig name a place below linkmeshDataPaths, or add $(dirname "$file") to that, and run pulumi up again."
}

# name_grpc NAME: LinkMesh's own certificate on the gRPC port carries the name. `cert init` runs only when it does not: it
# needs the database for itself, so the service stops meanwhile.
name_grpc() {
    if has_public_name "$1"; then return; fi
    on_failure restart_linkmesh 60
    stop_linkmesh
    runuser -u linkmesh -- linkmesh-server cert init --san "dns:$1" >"$WORK/cert-init" 2>&1 ||
        fail "\`linkmesh-server cert init --san dns:$1\` failed: $(tail -n1 "$WORK/cert-init")"
    restart_linkmesh 60 || fail "LinkMesh does not answer after \`cert init\`: see \`sudo journalctl -u linkmesh-server\` on the machine."
    has_public_name "$1" || fail "the certificate on LinkMesh's gRPC port still lacks $1 after \`cert init\`: see \`sudo journalctl -u linkmesh-server\` on the machine."
}

has_public_name() {
    local port
    port=$(grpc_port) && certificate_at "127.0.0.1:$port" "$1" | has_name "$1"
}
