#!/bin/bash
# prune-snapshots.sh STACK KEEP: deletes the snapshots of the stack's data, except the newest KEEP of each host.
# Only if each volume was made of the last snapshot before it: an empty LinkMesh answers checks, too. Otherwise it deletes
# none, and fails.

set -euo pipefail
stack=$1 keep=$2
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

pulumi stack export --stack "$stack" |
    jq --compact-output '.deployment.resources[] | select(.type == "aws:ebs/volume:Volume" and .inputs.tags["linkmesh-proxy"])
        | {id, tag: .inputs.tags["linkmesh-proxy"]}' >"$work/volumes"
mapfile -t volumes <"$work/volumes"
for volume in "${volumes[@]}"; do
    id=$(jq --raw-output .id <<<"$volume")
    tag=$(jq --raw-output .tag <<<"$volume")
    aws ec2 describe-volumes --volume-ids "$id" --output json | jq '.Volumes[0]' >"$work/volume"
    aws ec2 describe-snapshots --owner-ids self --output json \
        --filters "Name=tag:linkmesh-proxy,Values=$tag" Name=status,Values=completed |
        jq '.Snapshots | sort_by(.StartTime) | reverse' >"$work/snapshots"
    # A schedule may have made a newer one of the new volume.
    saved=$(jq --raw-output --slurpfile volume "$work/volume" \
        'map(select(.StartTime < $volume[0].CreateTime)) | first | .SnapshotId' "$work/snapshots")
    origin=$(jq --raw-output '.SnapshotId // ""' "$work/volume")
    if [ "$origin" != "$saved" ]; then
        echo "error: the volume $id comes from ${origin:-no snapshot}, and the last snapshot before it is $saved," \
            "so no snapshot is deleted. Restore it as docs/operations.md says." >&2
        exit 1
    fi
    jq --raw-output --argjson keep "$keep" '.[([$keep, 1] | max):][].SnapshotId' "$work/snapshots" >>"$work/old"
done
[ -e "$work/old" ] || exit 0
mapfile -t old <"$work/old"
for snapshot in "${old[@]}"; do
    echo "deleting $snapshot"
    aws ec2 delete-snapshot --snapshot-id "$snapshot"
done
