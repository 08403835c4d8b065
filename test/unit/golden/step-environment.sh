STEP='environment'
DOMAIN='linkmesh.example.com'

unpack() {
    cat >"$FILES/entries" <<'END_OF_FILE' &&
A="b"
END_OF_FILE
    true
}

# What every step uses. A step's script defines main; its variables and files come before it, and `start` comes last.
# A function that can `fail` stands in no pipe, no $(…), no subshell and no condition: there its failure would be lost.

set -Eeuo pipefail
shopt -s inherit_errexit
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C.UTF-8

STATE=/var/lib/linkmesh-proxy # what the steps know about this machine
DATA=/srv/linkmesh            # the data volume, which outlives this machine
PACKAGE=linkmesh-server
PACKAGES=$DATA/package        # LinkMesh's package that works on the data, and the next one
NGINX=/etc/nginx/linkmesh     # one folder for each revision of the configuration, and the link `current`
TLS=/etc/linkmesh-proxy/tls   # one folder for each certificate of the user's own, and the link `current`

WORK=''
FINISHED=''
UNDO=()
AGAIN=()

# One plain sentence: what is wrong, where, what to do.
fail() {
    error "$@"
    exit 1
}

# Told only once, although the shell around a subshell that failed fails as well.
error() {
    if [ -z "$WORK" ] || rm "$WORK/sound" 2>/dev/null; then printf 'error: %s\n' "$*" >&2; fi
}

start() {
    local work
    umask 022
    { work=$(mktemp -d /tmp/linkmesh-step.XXXXXX) && mkdir -m 0700 "$work/files" "$work/kept" && : >"$work/sound"; } || fail "cannot write in /tmp: is the disk full?"
    WORK=$work FILES=$work/files
    trap finish EXIT
    # The first line of the command alone: what a here-document holds may be secret. A subshell's failure is told by the
    # command that it is part of.
    trap '((BASH_SUBSHELL)) || fail "the step $STEP failed at \`${BASH_COMMAND%%$'"'\\n'"'*}\`$(full_disk); run pulumi up again, and look at the machine if that does not help."' ERR
    trap 'fail "the step $STEP took longer than its time limit; run pulumi up again."' TERM
    mkdir -p "$STATE"
    # A step whose connection was cut may still be running.
    exec 9>"$STATE/lock"
    if ! flock --nonblock 9; then
        flock --wait 600 9 || fail "another step has been running on the machine for 10 minutes: see \`ps\` there, then run pulumi up again."
        # Ends this step when nobody listens any more: what it was to do may have been taken back meanwhile.
        echo "Waited for a step that was still running."
    fi
    # Secrets may be in what a step that was killed has left.
    find /tmp -maxdepth 1 -name 'linkmesh-step.*' ! -path "$WORK" -exec rm -rf {} +
    unpack || fail "cannot write in /tmp: is the disk full?"
    main
    FINISHED=yes
}

finish() {
    local status=0
    trap - ERR
    trap : TERM PIPE
    set +e
    # A failure that a condition has hidden counts as well.
    if [ -z "$FINISHED" ] || [ ! -e "$WORK/sound" ]; then
        status=1
        error "the step $STEP ended before its work was done; run pulumi up again, and look at the machine if that does not help."
        undo
    fi
    rm -rf "$WORK"
    exit "$status"
}

full_disk() {
    local path
    for path in / /tmp "$DATA"; do
        [ -e "$path" ] || continue
        [ "$(df --output=avail -k "$path" 2>/dev/null | tail -n1)" -ge 1024 ] || {
            echo " because $path is full"
            return
        }
    done
}

# wait_until SECONDS COMMAND…: true as soon as the command succeeds, false when it has not within the time.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.5
    done
}

# --- a step that fails leaves what was there
# The engine runs no step when the setting that made one fail is taken back: for the engine nothing has changed.

# on_failure COMMAND…: what a step that fails does before it ends, the last one first.
on_failure() {
    local command
    printf -v command '%q ' "$@"
    UNDO+=("$command")
}

# apply COMMAND…: runs what makes files count, such as a reload. A step that fails runs it again, over the old files.
apply() {
    local command
    printf -v command '%q ' "$@"
    [[ "${AGAIN[*]}" = *"$command"* ]] || AGAIN+=("$command")
    eval "$command" # rather than "$@", which an error would name
}

# commit: what the step has done so far stays, whatever comes after.
commit() {
    UNDO=() AGAIN=()
}

undo() {
    local i status commands=()
    for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do commands+=("${UNDO[i]}"); done
    commands+=("${AGAIN[@]}")
    for i in "${commands[@]}"; do
        # Not in a condition, where `set -e` would not count.
        (
            set -e
            eval "$i"
        ) >/dev/null 2>&1
        status=$?
        [ "$status" = 0 ] || echo "warning: the step $STEP could not undo what it had begun (${i% } failed): look at the machine."
    done
}

# keep PATH: a step that fails leaves this file or link as it is now, or absent.
keep() {
    local copy
    if [ -e "$1" ] || [ -L "$1" ]; then
        copy=$(mktemp -u "$WORK/kept/XXXXXX")
        cp -a "$1" "$copy" || fail "cannot write in /tmp: is the disk full?"
        on_failure restore "$copy" "$1"
    else
        on_failure rm -f "$1"
    fi
}

restore() {
    local new
    if [ ! -L "$1" ] && [ ! -L "$2" ] && same "$1" "$2"; then return; fi
    new="$(dirname "$2")/.linkmesh.kept"
    rm -f "$new"
    cp -a "$1" "$new"
    swap "$new" "$2"
}

# --- files

# install_file PATH [MODE] <TEXT: swaps root's file as a whole. CHANGED is "yes" when that made a difference, else empty.
install_file() {
    write_beside "$@"
    if [ -z "$CHANGED" ]; then return; fi
    keep "$1"
    swap "$NEW" "$1"
}

# record PATH [MODE] <TEXT: install_file for what has happened, which a step that fails does not undo.
record() {
    write_beside "$@"
    if [ -n "$CHANGED" ]; then swap "$NEW" "$1"; fi
}

# remove_file PATH
remove_file() {
    keep "$1"
    rm -f "$1"
}

# Writes NEW beside the file that it is to replace, if they differ.
write_beside() {
    local path=$1 mode=${2:-0644}
    CHANGED=yes
    { mkdir -p "$(dirname "$path")" && NEW=$(mktemp "$(dirname "$path")/.linkmesh.XXXXXX"); } ||
        fail "cannot write in $(dirname "$path"): is the disk full?"
    { cat >"$NEW" && chmod "$mode" "$NEW" && chown root:root "$NEW"; } || {
        rm -f "$NEW"
        fail "cannot write $path: is the disk full?"
    }
    if [ -f "$path" ] && same "$NEW" "$path"; then
        CHANGED=''
        rm -f "$NEW"
    fi
}

same() {
    cmp -s "$1" "$2" && [ "$(stat -c %a:%U:%G "$1")" = "$(stat -c %a:%U:%G "$2")" ]
}

# swap NEW PATH: NEW, a file or a link, takes the place of PATH at once, and holds it after a power cut too.
swap() {
    if ! { { [ -L "$1" ] || sync "$1"; } && mv -fT "$1" "$2" && sync "$(dirname "$2")"; }; then
        rm -f "$1"
        fail "cannot write $2: is the disk full?"
    fi
}

# make_current FOLDER NAME: swaps the link `current` in the folder.
make_current() {
    keep "$1/current"
    ln -sfnT "$2" "$1/.next" || fail "cannot write in $1: is the disk full?"
    swap "$1/.next" "$1/current"
}

# --- packages

# of_this_architecture FILE.deb
of_this_architecture() {
    local architecture
    architecture=$(dpkg-deb -f "$1" Architecture) || return
    [ "$architecture" = all ] || [ "$architecture" = "$(dpkg --print-architecture)" ]
}

# Quiet unless it fails, APT_HINT says what to do then; waits for a package manager that is at work already, as on a
# machine's first minutes.
apt_get() {
    local tries=0 repaired='' apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Dpkg::Use-Pty=0)
    until "${apt[@]}" "$@" >"$WORK/apt.log" 2>&1 9>&-; do
        # DPkg::Lock::Timeout does not cover the lock of the package lists.
        if grep -q 'Could not get lock' "$WORK/apt.log" && ((++tries < 30)); then
            sleep 10
            continue
        fi
        # What a cut installation left half installed is in the way of everything else.
        if [ -z "$repaired" ] && grep -q -e '--fix-broken' "$WORK/apt.log"; then
            repaired=yes
            "${apt[@]}" -y --fix-broken install >"$WORK/repair.log" 2>&1 9>&- && continue
        fi
        fail "apt-get $1 failed: $(grep -m1 -E '^(E|Err|W|dpkg: error)' "$WORK/apt.log" || tail -n1 "$WORK/apt.log")" \
            "${APT_HINT:-Check that the machine reaches its package mirror}, then run pulumi up again."
    done
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

packages() {
    local missing=() package
    for package; do installed "$package" || missing+=("$package"); done
    ((${#missing[@]} > 0)) || return 0
    dpkg --configure -a >/dev/null 2>&1 || true # what a cut installation left
    apt_get update
    apt_get install -y --no-install-recommends "${missing[@]}"
}

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

# The user's entries in LinkMesh's environment file, after those of the package; a later entry wins.
# DOMAIN, ENVIRONMENT_FILE. GRPC_NAME: where agents connect, or nothing. The file `entries`: NAME="VALUE", one a line.

main() {
    local path known
    path=$(readlink -f "$ENVIRONMENT_FILE")
    sed '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/d' "$path" >"$WORK/environment"
    if [ -s "$FILES/entries" ]; then
        # A last line without an end would run into the first entry.
        [ -z "$(tail -c1 "$WORK/environment")" ] || echo >>"$WORK/environment"
        { echo '# BEGIN linkmesh-proxy' && cat "$FILES/entries" && echo '# END linkmesh-proxy'; } >>"$WORK/environment"
    fi
    known=$(written_elsewhere)
    change_linkmesh_file "$ENVIRONMENT_FILE" "$WORK/environment"
    if [ -e "$PREVIOUS" ]; then
        refuse_elsewhere "$known" "the old environment is in place again"
        # Another database has another certificate.
        [ -z "$GRPC_NAME" ] || name_grpc "$GRPC_NAME"
    fi
    linkmesh_file_proven
}

start </dev/null
