#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- LinkMesh

HTTP_ADDRESS=127.0.0.1:$HTTP_INTERNAL_PORT
MAX_RESTARTS=4      # by systemd, of a LinkMesh that is waited for
LINKMESH_STARTED='' # when the step has last begun to start it, as journalctl takes it

# certificate_at ADDRESS:PORT NAME: prints the certificate that is served there, in PEM form.
certificate_at() {
    # A server that asks for a client certificate shows its own before it refuses us.
    { timeout 5 openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null || true; } |
        openssl x509 2>/dev/null
}

# serves_certificate FOLDER: true when nginx shows the domain's clients the certificate of this folder.
serves_certificate() {
    [ "$(certificate_at 127.0.0.1:443 "$DOMAIN")" = "$(openssl x509 -in "$1/fullchain.pem")" ]
}

# has_name NAME <PEM: true when the certificate is valid for the name.
has_name() {
    openssl x509 -noout -checkhost "$1" 2>/dev/null | grep -q 'does match'
}

# grpc_port: prints the port on which LinkMesh's gRPC listener is; false when there is none.
grpc_port() {
    local port
    for port in "$GRPC_INTERNAL_PORT" "$GRPC_DEFAULT_PORT"; do
        if [ -n "$(certificate_at "127.0.0.1:$port" "$DOMAIN")" ]; then
            echo "$port"
            return
        fi
    done
    return 1
}

# http_status OPTION… URL: prints the status of the answer; 000 is no answer.
http_status() {
    curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$@" || true # 000 says it
}

linkmesh_answers() {
    [[ "$(http_status "http://$HTTP_ADDRESS/")" =~ ^[23] ]] && grpc_port >/dev/null
}

# linkmesh_comes_up SECONDS: true once LinkMesh answers. One that dies again and again is not waited for.
linkmesh_comes_up() {
    local restarts
    restarts=$(linkmesh_restarts) || return
    wait_until "$1" linkmesh_answers_or_dies $((restarts + MAX_RESTARTS)) && linkmesh_answers
}

# linkmesh_answers_or_dies RESTARTS: true as well once systemd has restarted it so often.
linkmesh_answers_or_dies() {
    linkmesh_answers || systemctl is-failed --quiet "$PACKAGE" || (($(linkmesh_restarts) >= $1))
}

linkmesh_restarts() {
    systemctl show --property NRestarts --value "$PACKAGE"
}

# restart_linkmesh SECONDS: true when it answers within that time.
restart_linkmesh() {
    systemctl reset-failed "$PACKAGE" 2>/dev/null || true # that it has not failed
    LINKMESH_STARTED=@$EPOCHSECONDS
    systemctl restart "$PACKAGE" && linkmesh_comes_up "$1"
}

# linkmesh_says: what LinkMesh last logged of a failure, or at all, since the step began to start it or in the last
# minutes, for the middle of a sentence. Nothing if it logged nothing.
linkmesh_says() {
    local line
    # Of its own processes: `--unit` would add what systemd says of them.
    journalctl --quiet --no-pager --output cat --since "${LINKMESH_STARTED:--10min}" \
        "_SYSTEMD_UNIT=$PACKAGE.service" >"$WORK/log" 2>/dev/null || true # then it has said nothing
    without_secrets <"$WORK/log" >"$WORK/said"
    line=$(grep -iE 'error|fatal|panic|fail|cannot|refuse|denied|invalid' "$WORK/said" | tail -n1) ||
        line=$(tail -n1 "$WORK/said")
    [ -z "$line" ] || echo " (it says: ${line::400})"
}

# without_secrets <TEXT: prints it without what LinkMesh is given in secret: the values of its environment, the lines of
# its files, and every password of a URL. A short value is likely to be a word of the text instead.
without_secrets() {
    find "$DATA/files" "$LINKMESH_FILES" -type f -exec cat {} + >"$WORK/secrets" 2>/dev/null || true # there may be none
    perl -e '
        open my $file, "<", shift;
        my @secrets;
        for (<$file>) {
            chomp;
            s/^\s*\w+="?//, s/"?\s*$//, s/\\(["\\\$`])/$1/g if /^\s*\w+=/;
            push @secrets, $_ if length >= 8;
            my ($password) = m{://[^/\s]*?:([^/\s]+)@} or next;
            push @secrets, $password, $password =~ s/%([0-9a-f]{2})/chr hex $1/gier;
        }
        my $any = join "|", map quotemeta, sort { length $b <=> length $a } @secrets;
        while (<STDIN>) {
            s/$any/…/g if @secrets;
            s{(://)[^/\s@]+@}{$1…@}g;
            print;
        }' "$WORK/secrets"
}

stop_linkmesh() {
    systemctl stop "$PACKAGE" 2>/dev/null || true # there may be none
    if systemctl is-active --quiet "$PACKAGE"; then
        fail "LinkMesh does not stop: see \`sudo journalctl -u $PACKAGE\` on the machine."
    fi
}

# --- the package on this machine, and the one that has last worked on the data, whichever machine that was on: its
# version, and the name under which it is kept. Each prints nothing when there is none.

present_version() {
    if installed "$PACKAGE"; then dpkg-query -W -f '${Version}' "$PACKAGE"; fi
}

data_version() {
    [ ! -e "$PACKAGES/in-use" ] || cut -d' ' -f2 "$PACKAGES/in-use"
}

data_package() {
    [ ! -e "$PACKAGES/in-use" ] || cut -d' ' -f1 "$PACKAGES/in-use"
}

# Where they are, and how to get more room there, for messages. One of several machines has no data volume.

data_place() {
    if mountpoint -q "$DATA"; then echo 'the data volume'; else echo "the machine's disk"; fi
}

more_room() {
    if mountpoint -q "$DATA"; then
        echo 'set dataVolumeSize to a larger value.'
    else
        echo 'free some there, or set an imageId whose disk is larger.'
    fi
}

# --- the owner of the data

# The service's user owns files on the volume by number, and another machine may number its users differently. It gets
# its old numbers where they are free; where another has them, the files get the new ones.
restore_user() {
    local uid gid
    [ -e "$DATA/identity/user" ] || return 0
    read -r uid gid <"$DATA/identity/user"
    id linkmesh >/dev/null 2>&1 || create_user "$uid" "$gid"
    if [ "$(id -u linkmesh) $(id -g linkmesh)" = "$uid $gid" ]; then return; fi
    stop_linkmesh
    find "$DATA" -xdev -gid "$gid" -exec chgrp -h linkmesh {} +
    find "$DATA" -xdev -uid "$uid" -exec chown -h linkmesh {} +
    record_user
}

# create_user [UID GID]: with these numbers if they are free.
create_user() {
    local user=(--system --gid linkmesh --home-dir /var/lib/linkmesh --no-create-home
        --shell /usr/sbin/nologin linkmesh)
    getent group linkmesh >/dev/null ||
        groupadd --system ${2:+--gid "$2"} linkmesh 2>/dev/null ||
        groupadd --system linkmesh
    useradd ${1:+--uid "$1"} "${user[@]}" 2>/dev/null || useradd "${user[@]}"
}

record_user() {
    local uid gid
    uid=$(id -u linkmesh)
    gid=$(id -g linkmesh)
    record "$DATA/identity/user" <<<"$uid $gid"
}

# --- LinkMesh's own files

# change_linkmesh_file PATH NEW: swaps a file of LinkMesh, keeping owner, mode and link, and restarts the service. Does
# nothing when nothing changed. A step that fails puts the old file back; its copy PREVIOUS outlives a step that is cut,
# so that the next run finishes or undoes that. linkmesh_file_proven, called once all is well, drops the copy.
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
        fail "LinkMesh does not answer with the new $(basename "$path")$(linkmesh_says)," \
            "so the old one is in place again:" \
            "see \`sudo journalctl -u $PACKAGE\` on the machine, correct the settings and run pulumi up again."
}

linkmesh_file_proven() {
    commit
    rm -f "$PREVIOUS"
}

put_linkmesh_file_back() {
    swap_content "$1" "$PREVIOUS"
    rm -f "$PREVIOUS"
}

# swap_content PATH FROM: gives PATH the content of FROM, in a new file of the same owner and mode.
swap_content() {
    local path=$1 from=$2
    if ! { cp -a "$path" "$path.new" && cat "$from" >"$path.new"; }; then
        rm -f "$path.new"
        fail "cannot write $path: is the disk full?"
    fi
    swap "$path.new" "$path"
}

# --- what LinkMesh writes outside the data volume, on a disk that goes with the machine

# refuse_elsewhere KNOWN OUTCOME: fails when LinkMesh writes a file outside the data volume that KNOWN does not list.
# OUTCOME tells the user what is in place again.
refuse_elsewhere() {
    local files file
    files=$(written_elsewhere "$1")
    file=${files%%$'\n'*}
    [ -z "$file" ] ||
        fail "LinkMesh writes $file, which is not on the data volume and would go with the machine, so $2:" \
            "set linkmeshConfig to a place below linkmeshDataPaths, or add $(dirname "$file") to linkmeshDataPaths," \
            "and run pulumi up again."
}

# written_elsewhere [KNOWN]: prints the files that LinkMesh has open for writing outside the data volume, one a line,
# without those that KNOWN lists. Logs and temporary files may lie there.
written_elsewhere() {
    local known=${1:-} volume pids pid descriptor file
    volume=$(stat -c %d "$DATA")
    pids=$(linkmesh_pids)
    for pid in $pids; do
        for descriptor in "/proc/$pid/fd"/*; do
            # A file may be closed meanwhile.
            is_written "$pid" "${descriptor##*/}" "$volume" || continue
            file=$(readlink "$descriptor") || continue
            case $file in
            /tmp/* | /var/tmp/* | /run/* | /dev/* | /proc/* | /sys/* | /var/log/* | /var/cache/*) ;;
            /*) grep -qxF -- "$file" <<<"$known" || echo "$file" ;;
            # Others have no name, such as what epoll waits on.
            esac
        done
    done
}

# is_written PID DESCRIPTOR VOLUME: true for a file that is open for writing, still has a name, and lies on another
# device than VOLUME.
is_written() {
    local flags file device links
    flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$1/fdinfo/$2" 2>/dev/null) || return
    # An octal number, whose last two bits are 0 for a file that is only read.
    ((8#${flags:-0} & 3)) || return
    [ -f "/proc/$1/fd/$2" ] || return
    file=$(stat -L -c '%d %h' "/proc/$1/fd/$2" 2>/dev/null) || return
    read -r device links <<<"$file" || return
    [ "$device" != "$3" ] && [ "$links" != 0 ]
}

# systemd makes a service's first process the leader of a session, which those that it starts belong to.
linkmesh_pids() {
    local main
    main=$(systemctl show --property MainPID --value "$PACKAGE")
    if [ "$main" != 0 ]; then pgrep --session "$main" || echo "$main"; fi
}

# --- the name in LinkMesh's own certificate on the gRPC port

# add_grpc_name NAME: LinkMesh's own certificate carries the name. `cert init` runs only when it does not: it needs the
# database for itself, so the service stops meanwhile.
add_grpc_name() {
    if has_grpc_name "$1"; then return; fi
    on_failure restart_linkmesh 60
    stop_linkmesh
    runuser -u linkmesh -- linkmesh-server cert init --san "dns:$1" >"$WORK/cert-init" 2>&1 ||
        fail "\`linkmesh-server cert init --san dns:$1\` failed: $(tail -n1 "$WORK/cert-init")"
    restart_linkmesh 60 ||
        fail "LinkMesh does not answer after \`cert init\`$(linkmesh_says):" \
            "see \`sudo journalctl -u $PACKAGE\` on the machine."
    has_grpc_name "$1" ||
        fail "the certificate on LinkMesh's gRPC port still lacks $1 after \`cert init\`:" \
            "see \`sudo journalctl -u $PACKAGE\` on the machine."
}

has_grpc_name() {
    local port
    port=$(grpc_port) && certificate_at "127.0.0.1:$port" "$1" | has_name "$1"
}
