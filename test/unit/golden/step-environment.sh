STEP='environment'
DOMAIN='linkmesh.example.com'

unpack() {
    cat >"$FILES/entries" <<'END_OF_FILE' &&
A="b"
END_OF_FILE
    true
}

set -Eeuo pipefail
shopt -s inherit_errexit
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C.UTF-8
STATE=/var/lib/linkmesh-proxy
DATA=/srv/linkmesh
PACKAGE=linkmesh-server
WORK=''
FINISHED=''
OUTPUT=()
UNDO=()
REAPPLY=()
fail() {
    report_error "$@"
    exit 1
}
report_error() {
    if [ -z "$WORK" ] || rm "$WORK/no-error-yet" 2>/dev/null; then printf 'error: %s\n' "$*" >&2; fi
}
start() {
    umask 022
    make_work_folder
    trap finish EXIT
    trap 'fail_command "$BASH_COMMAND"' ERR
    trap 'fail "the step $STEP took longer than its time limit; run pulumi up again."' TERM
    mkdir -p "$STATE"
    wait_for_other_step
    exec > >(printable 9>&-)
    OUTPUT+=("$!")
    exec 2> >(printable >&2 9>&-)
    OUTPUT+=("$!")
    find /tmp -maxdepth 1 -name 'linkmesh-step.*' ! -path "$WORK" -exec rm -rf {} +
    unpack || fail "cannot write in /tmp: is the disk full?"
    main
    if [ -e "$WORK/no-error-yet" ]; then write_expected; fi
    FINISHED=yes
}
make_work_folder() {
    local work
    {
        work=$(mktemp -d /tmp/linkmesh-step.XXXXXX) &&
            mkdir -m 0700 "$work/files" "$work/kept" &&
            touch "$work/no-error-yet"
    } || fail "cannot write in /tmp: is the disk full?"
    WORK=$work
    FILES=$work/files
}
wait_for_other_step() {
    exec 9>"$STATE/lock"
    if flock --nonblock 9; then return; fi
    flock --wait 600 9 ||
        fail "another step has been running on the machine for 10 minutes: see \`ps\` there, then run pulumi up again."
    echo "Waited for a step that was still running."
}
printable() {
    exec perl -ne '
        BEGIN { $| = 1; $SIG{TERM} = "IGNORE" }
        chomp;
        utf8::decode($_) or s/[^\x00-\x7f]/?/g;
        $_ = substr($_, 0, 2000) . " \x{2026}" if length > 2000;
        utf8::encode($_);
        print "$_\n"'
}
fail_command() {
    if ((BASH_SUBSHELL)); then return; fi
    fail "the step $STEP failed at \`${1%%$'\n'*}\`$(full_disk);" \
        "run pulumi up again, and look at the machine if that does not help."
}
finish() {
    local status=0
    trap - ERR
    trap : TERM PIPE
    set +e
    if [ -z "$FINISHED" ] || [ ! -e "$WORK/no-error-yet" ]; then
        status=1
        report_error "the step $STEP ended before its work was done;" \
            "run pulumi up again, and look at the machine if that does not help."
        undo
    fi
    rm -rf "$WORK"
    if ((${#OUTPUT[@]} > 0)); then
        exec >&- 2>&-
        wait "${OUTPUT[@]}"
    fi
    exit "$status"
}
full_disk() {
    local path free
    for path in / /tmp "$DATA"; do
        [ -e "$path" ] || continue
        free=$(df --output=avail -k "$path" 2>/dev/null | tail -n1)
        if ((free < 1024)); then
            echo " because $path is full"
            return
        fi
    done
}
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.5
    done
}
on_failure() {
    local command
    printf -v command '%q ' "$@"
    UNDO+=("$command")
}
apply() {
    local command
    printf -v command '%q ' "$@"
    [[ "${REAPPLY[*]}" = *"$command"* ]] || REAPPLY+=("$command")
    eval "$command"
}
commit() {
    UNDO=()
    REAPPLY=()
}
undo() {
    local i command commands=() status
    for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do commands+=("${UNDO[i]}"); done
    commands+=("${REAPPLY[@]}")
    for command in "${commands[@]}"; do
        (
            set -e
            eval "$command"
        ) >/dev/null 2>&1
        status=$?
        if [ "$status" != 0 ]; then
            echo "warning: the step $STEP could not undo what it had begun (${command% } failed): look at the machine."
        fi
    done
}
record() {
    write_beside "$@"
    if [ -n "$CHANGED" ]; then swap "$NEW" "$1"; fi
}
write_beside() {
    local path=$1 mode=${2:-0644} folder
    CHANGED=yes
    folder=$(dirname "$path")
    { mkdir -p "$folder" && NEW=$(mktemp "$folder/.linkmesh.XXXXXX"); } ||
        fail "cannot write in $folder: is the disk full?"
    { cat >"$NEW" && chmod "$mode" "$NEW" && chown root:root "$NEW"; } || {
        rm -f "$NEW"
        fail "cannot write $path: is the disk full?"
    }
    if [ -f "$path" ] && same_file "$NEW" "$path"; then
        CHANGED=''
        rm -f "$NEW"
    fi
}
same_file() {
    cmp -s "$1" "$2" && [ "$(stat -c %a:%U:%G "$1")" = "$(stat -c %a:%U:%G "$2")" ]
}
swap() {
    if ! flush_and_rename "$1" "$2"; then
        rm -f "$1"
        fail "cannot write $2: is the disk full?"
    fi
}
flush_and_rename() {
    [ -L "$1" ] || sync "$1" || return
    mv -fT "$1" "$2" || return
    sync "$(dirname "$2")"
}
HTTP_INTERNAL_PORT=8080
GRPC_INTERNAL_PORT=50061
GRPC_DEFAULT_PORT=50051
EXPECTED_FOLDER=$STATE/expected
CONFIG_KEYS=$STATE/config-keys
EXPECTED=()
expect() {
    local state=${3-}
    if (($# < 3)); then state=$(state_of "$1" "$2"); fi
    EXPECTED+=("$1"$'\t'"$2"$'\t'"$state")
}
write_expected() {
    printf '%s\n' "${EXPECTED[@]}" | sort -u >"$WORK/expected"
    record "$EXPECTED_FOLDER/$STEP" 0600 <"$WORK/expected"
}
state_of() {
    case $1 in
    file) file_state "$2" ;;
    block) block_state "$2" ;;
    value) value_state "${2% *}" "${2##* }" ;;
    keys) keys_state "$2" ;;
    package) dpkg-query -W -f '${db:Status-Status}\n' "$2" 2>/dev/null || echo missing ;;
    hold) dpkg-query -W -f '${db:Status-Want}\n' "$2" 2>/dev/null || echo missing ;;
    version) dpkg-query -W -f '${Version}\n' "$2" 2>/dev/null || echo missing ;;
    unit) unit_state "$2" ;;
    esac
}
file_state() {
    local sum
    if [ -L "$1" ]; then
        echo "link to $(readlink "$1")"
    elif [ -f "$1" ]; then
        sum=$(sha256sum <"$1")
        echo "$(stat -c 'mode %a of %U:%G' "$1") ${sum%% *}"
    else
        echo missing
    fi
}
block() {
    sed -n '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/p' "$1" 2>/dev/null || true
}
block_state() {
    local lines sum
    lines=$(block "$1")
    if [ -z "$lines" ]; then
        echo missing
    else
        sum=$(sha256sum <<<"$lines")
        echo "${sum%% *}"
    fi
}
value_state() {
    local value line="^[[:space:]]*$2[[:space:]=]"
    value=$(sed -nE "/$line/ { s/$line+//; s/;.*//; p; q }" "$1" 2>/dev/null) || true
    echo "${value:-missing}"
}
keys_state() {
    {
        python3 - "$1" "$CONFIG_KEYS" 2>/dev/null || echo unreadable
    } <<'EOF_PYTHON'
import sys
from ruamel.yaml import YAML

def read(path):
    with open(path, encoding="utf-8") as file:
        return YAML(typ="safe").load(file)

def differing(found, keys, path=""):
    for key, value in (keys or {}).items():
        here = found.get(key) if isinstance(found, dict) else None
        if isinstance(value, dict):
            yield from differing(here, value, f"{path}{key}.")
        elif here != value:
            yield f"{path}{key}"

print(", ".join(differing(*map(read, sys.argv[1:]))) or "as set")
EOF_PYTHON
}
unit_state() {
    local enabled active
    enabled=$(systemctl show --property=UnitFileState --value "$1")
    active=$(systemctl show --property=ActiveState --value "$1")
    echo "${enabled:-missing} $active"
}
HTTP_ADDRESS=127.0.0.1:$HTTP_INTERNAL_PORT
MAX_RESTARTS=4
LINKMESH_STARTED=''
certificate_at() {
    { timeout 5 openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null || true; } |
        openssl x509 2>/dev/null
}
has_name() {
    openssl x509 -noout -checkhost "$1" 2>/dev/null | grep -q 'does match'
}
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
http_status() {
    curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$@" || true
}
linkmesh_answers() {
    [[ "$(http_status "http://$HTTP_ADDRESS/")" =~ ^[23] ]] && grpc_port >/dev/null
}
linkmesh_comes_up() {
    local restarts
    restarts=$(linkmesh_restarts) || return
    wait_until "$1" linkmesh_answers_or_dies $((restarts + MAX_RESTARTS)) && linkmesh_answers
}
linkmesh_answers_or_dies() {
    linkmesh_answers || systemctl is-failed --quiet "$PACKAGE" || (($(linkmesh_restarts) >= $1))
}
linkmesh_restarts() {
    systemctl show --property NRestarts --value "$PACKAGE"
}
restart_linkmesh() {
    systemctl reset-failed "$PACKAGE" 2>/dev/null || true
    LINKMESH_STARTED=@$EPOCHSECONDS
    systemctl restart "$PACKAGE" && linkmesh_comes_up "$1"
}
linkmesh_says() {
    local line
    journalctl --quiet --no-pager --output cat --since "${LINKMESH_STARTED:--10min}" \
        "_SYSTEMD_UNIT=$PACKAGE.service" >"$WORK/log" 2>/dev/null || true
    without_secrets <"$WORK/log" >"$WORK/said"
    line=$(grep -iE 'error|fatal|panic|fail|cannot|refuse|denied|invalid' "$WORK/said" | tail -n1) ||
        line=$(tail -n1 "$WORK/said")
    [ -z "$line" ] || echo " (it says: ${line::400})"
}
without_secrets() {
    find "$DATA/files" "$LINKMESH_FILES" -type f -exec cat {} + >"$WORK/secrets" 2>/dev/null || true
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
    systemctl stop "$PACKAGE" 2>/dev/null || true
    if systemctl is-active --quiet "$PACKAGE"; then
        fail "LinkMesh does not stop: see \`sudo journalctl -u $PACKAGE\` on the machine."
    fi
}
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
swap_content() {
    local path=$1 from=$2
    if ! { cp -a "$path" "$path.new" && cat "$from" >"$path.new"; }; then
        rm -f "$path.new"
        fail "cannot write $path: is the disk full?"
    fi
    swap "$path.new" "$path"
}
refuse_elsewhere() {
    local files file
    files=$(written_elsewhere "$1")
    file=${files%%$'\n'*}
    [ -z "$file" ] ||
        fail "LinkMesh writes $file, which is not on the data volume and would go with the machine, so $2:" \
            "set linkmeshConfig to a place below linkmeshDataPaths, or add $(dirname "$file") to linkmeshDataPaths," \
            "and run pulumi up again."
}
written_elsewhere() {
    local known=${1:-} volume pids pid descriptor file
    volume=$(stat -c %d "$DATA")
    pids=$(linkmesh_pids)
    for pid in $pids; do
        for descriptor in "/proc/$pid/fd"/*; do
            is_written "$pid" "${descriptor##*/}" "$volume" || continue
            file=$(readlink "$descriptor") || continue
            case $file in
            /tmp/* | /var/tmp/* | /run/* | /dev/* | /proc/* | /sys/* | /var/log/* | /var/cache/*) ;;
            /*) grep -qxF -- "$file" <<<"$known" || echo "$file" ;;
            esac
        done
    done
}
is_written() {
    local flags file device links
    flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$1/fdinfo/$2" 2>/dev/null) || return
    ((8#${flags:-0} & 3)) || return
    [ -f "/proc/$1/fd/$2" ] || return
    file=$(stat -L -c '%d %h' "/proc/$1/fd/$2" 2>/dev/null) || return
    read -r device links <<<"$file" || return
    [ "$device" != "$3" ] && [ "$links" != 0 ]
}
linkmesh_pids() {
    local main
    main=$(systemctl show --property MainPID --value "$PACKAGE")
    if [ "$main" != 0 ]; then pgrep --session "$main" || echo "$main"; fi
}
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
LINKMESH_FILES=/etc/linkmesh-proxy/files
main() {
    local path known
    path=$(readlink -f "$ENVIRONMENT_FILE")
    sed '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/d' "$path" >"$WORK/environment"
    if [ -s "$FILES/entries" ]; then
        [ -z "$(tail -c1 "$WORK/environment")" ] || echo >>"$WORK/environment"
        { echo '# BEGIN linkmesh-proxy' && cat "$FILES/entries" && echo '# END linkmesh-proxy'; } >>"$WORK/environment"
    fi
    known=$(written_elsewhere)
    change_linkmesh_file "$ENVIRONMENT_FILE" "$WORK/environment"
    if [ -e "$PREVIOUS" ]; then
        refuse_elsewhere "$known" "the old environment is in place again"
        [ -z "$GRPC_NAME" ] || add_grpc_name "$GRPC_NAME"
    fi
    linkmesh_file_proven
    expect block "$ENVIRONMENT_FILE"
}
start </dev/null
