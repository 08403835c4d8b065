#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The SSM agent runs, by which AWS Session Manager lets people in. From a package, or as the image has it.
# URL, SHA256: of the package, or nothing.

AGENT=amazon-ssm-agent
INSTALLED=$STATE/ssm-agent # there when this program has installed the agent: the checksum of its package

main() {
    local unit=$AGENT
    if [ -n "$URL" ]; then
        if ! installed $AGENT || [ "$(cat "$INSTALLED" 2>/dev/null)" != "$SHA256" ]; then install_agent; fi
        expect package $AGENT
    elif ! unit_exists $AGENT; then
        unit=snap.$AGENT.$AGENT
        unit_exists "$unit" ||
            fail "sessionManager: the image has no SSM agent: set ssmAgentDebUrl and ssmAgentDebSha256."
    fi
    enable_unit "$unit" --now
    wait_until 20 systemctl is-active --quiet "$unit" ||
        fail "sessionManager: the SSM agent does not run: see \`systemctl status $unit\` on the machine."
}

unit_exists() {
    systemctl cat "$1" >/dev/null 2>&1
}

install_agent() {
    local deb="$WORK/agent.deb" sum
    curl --globoff --fail --silent --show-error --location --retry 5 --retry-connrefused --max-time 600 \
        --output "$deb" "$URL" 2>"$WORK/curl" ||
        fail "ssmAgentDebUrl: $URL cannot be fetched ($(tail -n1 "$WORK/curl")):" \
            "check the address and that the machine reaches it."
    sum=$(sha256sum "$deb" | cut -d' ' -f1)
    [ "$sum" = "$SHA256" ] ||
        fail "ssmAgentDebSha256: the package at $URL has the checksum $sum, so it was not installed:" \
            "correct the setting if you trust that package."
    [ "$(dpkg-deb -f "$deb" Package 2>/dev/null)" = $AGENT ] ||
        fail "ssmAgentDebUrl: $URL is not a Debian package named $AGENT, so it was not installed:" \
            "correct the address."
    of_this_architecture "$deb" ||
        fail "ssmAgentDebUrl: $URL is a package for another architecture than the machine's: correct the address."
    record "$INSTALLED" <<<"begun"
    dpkg --configure -a >/dev/null 2>&1 || true # what a cut installation left
    apt_get install -y --no-install-recommends --allow-downgrades "$deb"
    record "$INSTALLED" <<<"$SHA256"
}
