#!/bin/bash
# shellcheck shell=bash source=functions/base.sh
# The machine has finished its first boot, and has an operating system that the other steps know.

RECOVERED=2 # exit status of cloud-init that has met errors and gone on

main() {
    local status=0
    cloud-init status --wait >"$WORK/cloud-init" 2>&1 || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq "$RECOVERED" ] ||
        fail "cloud-init ended with an error: see /var/log/cloud-init.log on the machine."

    # shellcheck source=/dev/null
    . /etc/os-release
    case "$ID-$VERSION_ID" in
    debian-12 | debian-13 | ubuntu-24.04) ;;
    *)
        fail "the image holds $PRETTY_NAME, but Debian 12, Debian 13 or Ubuntu 24.04 is needed:" \
            "choose another imageId."
        ;;
    esac
}
