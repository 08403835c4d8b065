#!/bin/bash
# shellcheck shell=bash source=../components/host/scripts/functions/base.sh disable=SC2154
# What the doctor judges: facts about the machine, in sections. Reads only. Functions and constants are those of
# the steps, so that both mean the same.

# In percent, from which on the largest folders are listed. Looking for them takes a while on a large disk.
NEARLY_FULL=80

UNASKED=() # sections that are not complete, each with what its command said

# section NAME FUNCTION: what the function prints. It ends at the first command that fails, so that its silence is not
# taken for an answer. The operator's side sets MARK, which nobody on the machine knows before.
section() {
    local errors status
    printf '%s %s\n' "$MARK" "$1"
    {
        errors=$(strictly "$2" 2>&1 >&3)
        status=$?
    } 3>&1
    if [ "$status" != 0 ]; then UNASKED+=("$1 $(tail -n1 <<<"$errors")"); fi
}

# strictly FUNCTION
strictly() {
    set -e
    shopt -s inherit_errexit
    "$1"
}

unasked() { printf '%s\n' "${UNASKED[@]}"; }

main() {
    section start now
    section host host
    section clock clock
    section expected expected
    section drop-ins drop_ins
    section failed failed_units
    section listeners listeners
    section mounts mounts
    section kernel kernel
    section disks disks
    section memory memory
    section sessions sessions
    section orders orders
    section cloud region
    section reboot kernels
    section libraries libraries
    section updates updates
    section end now
}

now() { date +%s.%N; }

# Whose data are on the volume, and for which name.
host() {
    [ ! -e "$DATA/identity/host" ] || paste -sd' ' "$DATA/identity/host"
}

# A container has the clock of its host.
clock() {
    local container
    container=$(systemd-detect-virt --container) || container=none
    echo "container=$container"
    timedatectl show --property=NTP --property=NTPSynchronized
}

# --- what the steps left, and what differs now

expected() {
    local file kind name wanted found changed
    [ -d "$EXPECTED_FOLDER" ] || return 0
    for file in "$EXPECTED_FOLDER"/*; do
        while IFS=$'\t' read -r kind name wanted; do
            [ -n "$kind" ] || continue
            echo listed
            found=$(state_of "$kind" "$name")
            if [ "$found" = "$wanted" ]; then continue; fi
            changed=$(stat -c %Y "${name%% *}" 2>/dev/null || true) # it is no file, or gone
            printf '%s\t' differs "${file##*/}" "$kind" "$name" "$(without_sum "$wanted")" "$(without_sum "$found")"
            echo "$changed"
        done <"$file"
    done
}

# A checksum of a file that holds a secret would help to guess it.
without_sum() { sed -E 's/ ?\b[0-9a-f]{64}$//' <<<"$1"; }

# expected_names KIND
expected_names() {
    cat "$EXPECTED_FOLDER"/* | awk -F '\t' -v kind="$1" '$1 == kind { print $2 }' | sort -u
}

# Drop-ins of the units in use that are none of ours, nor of a package.
drop_ins() {
    local unit path paths
    [ -d "$EXPECTED_FOLDER" ] || return 0
    for unit in $(expected_names unit | sed 'p; s/\.timer$/.service/' | sort -u); do
        paths=$(systemctl show --property=DropInPaths --value "$unit")
        for path in $paths; do
            case $path in /usr/* | /lib/* | /run/systemd/*) continue ;; esac
            expected_names file | grep -xF "$path" >/dev/null || echo "$unit $path"
        done
    done
}

failed_units() {
    local units
    units=$(systemctl list-units --state=failed --plain --no-legend)
    awk '{ print $1 }' <<<"$units"
}

# --- the network

listeners() {
    local sockets
    # Without it nginx has no configuration of ours, which is judged.
    [ ! -e "$NGINX/current/listeners" ] || sed 's/^/wanted nginx /' "$NGINX/current/listeners"
    echo "wanted linkmesh :$HTTP_INTERNAL_PORT"
    if grep -qs ":$GRPC_INTERNAL_PORT" "$NGINX/current/main-stream.conf"; then
        echo "wanted linkmesh :$GRPC_INTERNAL_PORT"
    fi
    echo "ports nginx $NGINX_PORTS"
    echo "ports linkmesh $HTTP_INTERNAL_PORT $GRPC_INTERNAL_PORT"
    linkmesh_pids | sed 's/^/linkmesh /'
    sockets=$(ss -H -l -t -n -p)
    awk 'NF { print "listens", $4, $6 }' <<<"$sockets"
}

# The kernel's settings that differ from our file's.
kernel() {
    local key wanted found
    while read -r key _ wanted; do
        case $key in '' | '#'*) continue ;; esac
        found=$(sysctl -n "$key" | tr -s '\t' ' ') # nothing if the kernel does not know it
        if [ "$found" != "$wanted" ]; then printf '%s\t%s\t%s\n' "$key" "$wanted" "$found"; fi
    done </etc/sysctl.d/90-linkmesh-proxy.conf
}

# --- disks and memory

mounts() {
    local target volume
    # A machine may have none: it has been set up without the step volume.
    if [ -e "$EXPECTED_FOLDER/proxy" ] && [ ! -e "$EXPECTED_FOLDER/volume" ]; then
        echo none
        return
    fi
    volume=$(stat -c %d "$DATA")
    block /etc/fstab | awk '!/^#/ { print $2 }' | while read -r target; do
        if ! mountpoint -q "$target"; then
            echo "missing $target"
        elif [ "$(stat -c %d "$target")" != "$volume" ]; then
            echo "elsewhere $target"
        else
            echo "mounted $target"
        fi
    done
    written_elsewhere | sed 's/^/writes /'
}

disks() {
    local all target size used percent rest
    all=$(df -k --output=target,size,used,pcent,iused,itotal / /var /tmp "$DATA")
    tail -n +2 <<<"$all" | sort -u |
        while read -r target size used percent rest; do
            echo "disk $target $size $used ${percent%\%} $rest"
            if ((${percent%\%} >= NEARLY_FULL)); then
                # Without what lies in subfolders, which have lines of their own. A name may hold a newline.
                du -xSk0 "$target" | sort -zrn | head -zn3 | sed -z "s|\n|\\\\n|g; s|^|folder $target |" | tr '\0' '\n'
            fi
        done
}

memory() {
    local kernel
    grep -E '^(MemTotal|MemAvailable|SwapTotal|SwapFree):' /proc/meminfo
    old_workers
    kernel=$(journalctl -q -k --since=-7d -o short-iso --no-pager)
    grep 'Out of memory: Killed process' <<<"$kernel" | tail -n1
}

# Workers of nginx that have sessions from before a reload. After an upgrade of nginx they have another parent than the
# others.
old_workers() {
    local pid kb
    for pid in $(pgrep -f '^nginx: worker process is shutting down'); do
        kb=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup") || continue # it has ended
        echo "old $pid $kb"
    done
}

# --- sessions, and what they need

sessions() {
    local pid established
    # systemd does not know the master that an upgrade of nginx starts.
    for pid in $(pgrep --parent "$(cat /run/nginx.pid)"); do files_of nginx "$pid"; done
    for pid in $(linkmesh_pids); do files_of LinkMesh "$pid"; done
    granted
    echo "connections $(value_state /etc/nginx/nginx.conf worker_connections)"
    echo "range $(sysctl -n net.ipv4.ip_local_port_range)"
    established=$(ss -H -t -n state established)
    awk -v internal=":($HTTP_INTERNAL_PORT|$GRPC_INTERNAL_PORT)\$" '
        $4 ~ internal { used[$4]++ }
        END { for (peer in used) print "ports", peer, used[peer] }' <<<"$established"
}

# Whether the machine grants the open files that nginx's unit asks for: a container has its host's limit.
granted() {
    local wanted answer
    wanted=$(systemctl show --property=LimitNOFILE --value nginx)
    wanted=${wanted/infinity/unlimited}
    answer=granted
    prlimit --nofile="$wanted:$wanted" true 2>/dev/null || answer=refused
    echo "unit $wanted $answer"
}

# files_of WHO PID
files_of() {
    local used limit
    used=$(find "/proc/$2/fd" -mindepth 1 | wc -l)
    limit=$(awk '/^Max open files/ { print $4 }' "/proc/$2/limits") || return 0 # it has ended
    echo "files $1 $2 $used $limit"
}

# The AWS region, from the metadata service.
region() {
    local metadata=http://169.254.169.254/latest token region
    # Without an answer the region is not known, which is judged.
    token=$(curl -sf --max-time 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token") || true
    region=$(curl -sf --max-time 2 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/placement/region") || true
    echo "region $region"
}

orders() {
    [ ! -e "$DATA/identity/orders" ] || cat "$DATA/identity/orders"
}

# --- what waits for an upgrade, a restart or a reboot

# Debian has no mark that a reboot is due.
kernels() {
    local packages
    echo "running $(uname -r)"
    packages=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n')
    sed -n 's/^installed linux-image-\([0-9]\)/installed \1/p' <<<"$packages"
}

# Services other than nginx and LinkMesh that run libraries that a package has replaced.
libraries() {
    local maps
    grep -lsE '/[^ ]+\.so[^ ]* \(deleted\)$' /proc/[0-9]*/maps | while read -r maps; do
        sed -n 's|.*/\([^/]*\.service\)$|\1|p' "${maps%maps}cgroup" || true # it has ended
    done | grep -vE '^(nginx|linkmesh-server|user@[0-9]+)\.service$' | sort -u
}

# From the lists as they are, without the network. A held package is upgraded in this simulation.
updates() {
    local stamp packages simulated
    stamp=$(stat -c %Y /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp | sort -n | tail -n1)
    echo "lists ${stamp:-0}"
    packages=$(dpkg-query -W -f '${db:Status-Want} ${Package}\n')
    sed -n 's/^hold /held /p' <<<"$packages"
    simulated=$(apt-get -s --ignore-hold --with-new-pkgs -o Debug::NoLocking=true -o Dir::Cache::pkgcache='' \
        -o Dir::Cache::srcpkgcache='' upgrade)
    sed -n '/^Inst /p' <<<"$simulated"
}
