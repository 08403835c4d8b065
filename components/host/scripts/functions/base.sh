#!/bin/bash
# shellcheck shell=bash disable=SC2034
# What every step uses. A step's script defines main; its variables and files come before it, and `start` comes last.
# A function that can `fail` stands in no pipe, no $(…), no subshell and no condition, where its failure would be lost.

set -Eeuo pipefail
shopt -s inherit_errexit
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C.UTF-8

STATE=/var/lib/linkmesh-proxy # what the steps know about this machine
DATA=/srv/linkmesh            # the data volume, which outlives this machine
PACKAGE=linkmesh-server
PACKAGES=$DATA/package      # LinkMesh's package that works on the data, and the next one
NGINX=/etc/nginx/linkmesh   # one folder for each revision of the configuration, and the link `current`
TLS=/etc/linkmesh-proxy/tls # one folder for each certificate of the user's own, and the link `current`

WORK=''     # the step's own temporary folder
FINISHED='' # "yes" once main has ended
OUTPUT=()   # processes that pass the step's output on
UNDO=()     # commands that a step that fails runs, the last one first
REAPPLY=()  # commands that it runs after those

# fail SENTENCE…: what is wrong, where, and what to do. The parts are joined by spaces.
fail() {
    report_error "$@"
    exit 1
}

# Reports only the first error: when a subshell fails, the shell around it fails as well. A file says that there was
# none so far, because a subshell cannot set a variable of the shell around it.
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
    # Not earlier: the line about waiting has to fail at once if the connection is gone.
    exec > >(printable 9>&-)
    OUTPUT+=("$!")
    exec 2> >(printable >&2 9>&-)
    OUTPUT+=("$!")
    # A step that was killed may have left secrets.
    find /tmp -maxdepth 1 -name 'linkmesh-step.*' ! -path "$WORK" -exec rm -rf {} +
    unpack || fail "cannot write in /tmp: is the disk full?"
    main
    # An error that a condition hid fails the step as well.
    if [ -e "$WORK/no-error-yet" ]; then write_expected; fi
    FINISHED=yes
}

# Makes WORK, and in it FILES, the folder of the files that the step is given.
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

# A step whose connection was cut may still be running. Descriptor 9 holds the lock for as long as this step runs.
wait_for_other_step() {
    exec 9>"$STATE/lock"
    if flock --nonblock 9; then return; fi
    flock --wait 600 9 ||
        fail "another step has been running on the machine for 10 minutes: see \`ps\` there, then run pulumi up again."
    # Ends this step if its connection is gone: what it was to do may have been taken back meanwhile.
    echo "Waited for a step that was still running."
}

# Passes on lines that Pulumi's provider can take: it hangs at a line of 64 KiB, and fails at bytes that are not UTF-8.
# Debian's images have perl without its modules.
printable() {
    exec perl -ne '
        BEGIN { $| = 1; $SIG{TERM} = "IGNORE" }
        chomp;
        utf8::decode($_) or s/[^\x00-\x7f]/?/g;
        $_ = substr($_, 0, 2000) . " \x{2026}" if length > 2000;
        utf8::encode($_);
        print "$_\n"'
}

# fail_command COMMAND: of a command that failed. Shows its first line alone: a here-document may hold secrets.
fail_command() {
    # The command that a subshell is part of fails as well, and says more.
    if ((BASH_SUBSHELL)); then return; fi
    fail "the step $STEP failed at \`${1%%$'\n'*}\`$(full_disk);" \
        "run pulumi up again, and look at the machine if that does not help."
}

finish() {
    local status=0
    trap - ERR
    trap : TERM PIPE
    set +e
    # An error that was reported counts, even if a condition hid the failure.
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

# The reason of a failure, as the end of a sentence, when a disk has less than 1 MiB left; otherwise nothing.
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
# When the setting that made a step fail is taken back, the engine runs no step: what it knows has not changed.
# An array cannot hold commands with their arguments, so a command is kept as one quoted string.

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
    [[ "${REAPPLY[*]}" = *"$command"* ]] || REAPPLY+=("$command")
    eval "$command" # an error would name "$@" as it stands here
}

# commit: what the step has done so far stays, whatever comes after.
commit() {
    UNDO=()
    REAPPLY=()
}

undo() {
    local i command commands=() status
    for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do commands+=("${UNDO[i]}"); done
    commands+=("${REAPPLY[@]}")
    for command in "${commands[@]}"; do
        # Not in a condition, where `set -e` would not count.
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

# restore COPY PATH
restore() {
    local new
    if [ ! -L "$1" ] && [ ! -L "$2" ] && same_file "$1" "$2"; then return; fi
    new="$(dirname "$2")/.linkmesh.kept"
    rm -f "$new"
    cp -a "$1" "$new"
    swap "$new" "$2"
}

# --- files

# install_file PATH [MODE] <TEXT: swaps root's file as a whole, which the machine has from then on. CHANGED is "yes" if
# that made a difference, or empty.
install_file() {
    put_file "$@"
    expect file "$1"
}

# put_file PATH [MODE] <TEXT: install_file for one that a later step takes away.
put_file() {
    write_beside "$@"
    if [ -z "$CHANGED" ]; then return; fi
    keep "$1"
    swap "$NEW" "$1"
}

# record PATH [MODE] <TEXT: put_file for what has happened, which a step that fails does not undo.
record() {
    write_beside "$@"
    if [ -n "$CHANGED" ]; then swap "$NEW" "$1"; fi
}

# remove_file PATH
remove_file() {
    keep "$1"
    rm -f "$1"
    expect file "$1"
}

# write_beside PATH [MODE] <TEXT: writes the file NEW that is to take the place of PATH, and sets CHANGED to "yes". If
# both are the same, CHANGED is empty and there is no NEW.
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

# same_file ONE OTHER: true when content, mode and owner are the same.
same_file() {
    cmp -s "$1" "$2" && [ "$(stat -c %a:%U:%G "$1")" = "$(stat -c %a:%U:%G "$2")" ]
}

# swap NEW PATH: NEW, a file or a link, takes the place of PATH at once, and holds it after a power cut too.
swap() {
    if ! flush_and_rename "$1" "$2"; then
        rm -f "$1"
        fail "cannot write $2: is the disk full?"
    fi
}

flush_and_rename() {
    # A link has no content of its own to flush.
    [ -L "$1" ] || sync "$1" || return
    mv -fT "$1" "$2" || return
    sync "$(dirname "$2")"
}

# make_current FOLDER NAME: swaps the link `current` in the folder.
make_current() {
    keep "$1/current"
    ln -sfnT "$2" "$1/.next" || fail "cannot write in $1: is the disk full?"
    swap "$1/.next" "$1/current"
}
