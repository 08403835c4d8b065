#!/bin/bash
# shellcheck shell=bash disable=SC2034
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
OUTPUT='' # processes through which it goes
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
    # From here on: whoever waited must hear at once that nobody listens.
    exec > >(printable 9>&-) && OUTPUT=$!
    exec 2> >(printable >&2 9>&-) && OUTPUT+=" $!"
    # Secrets may be in what a step that was killed has left.
    find /tmp -maxdepth 1 -name 'linkmesh-step.*' ! -path "$WORK" -exec rm -rf {} +
    unpack || fail "cannot write in /tmp: is the disk full?"
    main
    FINISHED=yes
}

# Lines as Pulumi's provider takes them: it hangs at one of 64 KiB, and fails at what is no UTF-8. Debian's images have
# perl without its modules.
printable() {
    exec perl -ne 'BEGIN { $| = 1; $SIG{TERM} = "IGNORE" } chomp; utf8::decode($_) or s/[^\x00-\x7f]/?/g;
        $_ = substr($_, 0, 2000) . " \x{2026}" if length > 2000; utf8::encode($_); print "$_\n"'
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
    if [ -n "$OUTPUT" ]; then
        exec >&- 2>&-
        # shellcheck disable=SC2086
        wait $OUTPUT
    fi
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
