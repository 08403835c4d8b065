#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- packages

# of_this_architecture FILE.deb
of_this_architecture() {
    local architecture
    architecture=$(dpkg-deb -f "$1" Architecture) || return
    [ "$architecture" = all ] || [ "$architecture" = "$(dpkg --print-architecture)" ]
}

# apt_get ARGUMENT…: quiet unless it fails; APT_HINT says what to do then. Waits for a package manager that is at work
# already, as in a machine's first minutes.
apt_get() {
    local tries=0 repaired=''
    until run_apt_get apt.log "$@"; do
        # DPkg::Lock::Timeout does not cover the lock of the package lists.
        if grep -q 'Could not get lock' "$WORK/apt.log" && ((++tries < 30)); then
            sleep 10
            continue
        fi
        # What a cut installation left half installed is in the way of everything else.
        if [ -z "$repaired" ] && grep -q -e '--fix-broken' "$WORK/apt.log"; then
            repaired=yes
            if run_apt_get repair.log -y --fix-broken install; then continue; fi
        fi
        fail "apt-get $1 failed: $(apt_error)" \
            "${APT_HINT:-Check that the machine reaches its package mirror}, then run pulumi up again."
    done
}

# run_apt_get LOG ARGUMENT…: without the step's lock, descriptor 9, which a service that a package starts would keep.
run_apt_get() {
    apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Dpkg::Use-Pty=0 "${@:2}" >"$WORK/$1" 2>&1 9>&-
}

apt_error() {
    grep -m1 -E '^(E|Err|W|dpkg: error)' "$WORK/apt.log" || tail -n1 "$WORK/apt.log"
}

# installed PACKAGE
installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_missing PACKAGE…: installs those that are missing.
install_missing() {
    local missing=() package
    for package; do installed "$package" || missing+=("$package"); done
    if ((${#missing[@]} > 0)); then add_packages "${missing[@]}"; fi
    for package; do expect package "$package" installed; done
}

add_packages() {
    dpkg --configure -a >/dev/null 2>&1 || true # what a cut installation left
    apt_get update
    apt_get install -y --no-install-recommends "$@"
}
