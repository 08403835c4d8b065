#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- what a step leaves on the machine. Each step that succeeds lists it in a file of its own, so that the doctor
# finds what was changed by hand since. A step that fails leaves the list of its last success.

EXPECTED_FOLDER=$STATE/expected
CONFIG_KEYS=$STATE/config-keys # those of the last step config
EXPECTED=()                    # lines of kind, name and state

# expect KIND NAME [STATE]: the step leaves it in this state, by default in the one that it is in now.
expect() {
    local state=${3-}
    if (($# < 3)); then state=$(state_of "$1" "$2"); fi
    EXPECTED+=("$1"$'\t'"$2"$'\t'"$state")
}

write_expected() {
    printf '%s\n' "${EXPECTED[@]}" | sort -u >"$WORK/expected"
    record "$EXPECTED_FOLDER/$STEP" 0600 <"$WORK/expected"
}

# forget STEP: of a step whose part another one has taken over.
forget() {
    rm -f "$EXPECTED_FOLDER/$1"
}

# enable_unit UNIT [--now]: also one that somebody has masked. Only if something changes, as packages have enabled most:
# systemd reads all units again then, which takes as long as some steps. A unit whose [Install] section changes in a
# later version needs `systemctl reenable` in its step.
enable_unit() {
    local state
    state=$(systemctl is-enabled "$1" 2>/dev/null || true) # fails for all but "enabled"
    if [[ "$state" = masked* ]]; then systemctl unmask --quiet "$1"; fi
    if [ "$state" != enabled ]; then
        systemctl enable --quiet "${@:2}" "$1"
    elif (($# > 1)); then
        systemctl start "$1"
    fi
    expect unit "$1" 'enabled active'
}

# state_of KIND NAME: prints it in one line, which is another one when it differs. KIND is
#   file     NAME is a path
#   block    NAME is a path, of which the lines between our marks count
#   value    NAME is a path and a key: what the file sets the key to
#   keys     NAME is a YAML file: whether it has the keys that are in CONFIG_KEYS
#   package, hold, version  NAME is a Debian package: whether it is installed, or on hold, or its version
#   unit     NAME is a unit of systemd: whether it is enabled, and whether it is active
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

# block PATH: prints the lines between our marks.
block() {
    sed -n '/^# BEGIN linkmesh-proxy$/,/^# END linkmesh-proxy$/p' "$1" 2>/dev/null || true # there is no file
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

# value_state PATH KEY: "KEY VALUE;" and "KEY = VALUE" are the forms.
value_state() {
    local value line="^[[:space:]]*$2[[:space:]=]"
    value=$(sed -nE "/$line/ { s/$line+//; s/;.*//; p; q }" "$1" 2>/dev/null) || true # there is no file
    echo "${value:-missing}"
}

# keys_state PATH: prints "as set", or the keys that differ.
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
