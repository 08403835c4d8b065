#!/bin/bash
# Before LinkMesh stops: the load balancer's health checks fail, and it has the time to stop sending.
# drain FLAG SECONDS: nginx looks for the file FLAG.

set -euo pipefail

HEALTH=${HEALTH:-/usr/local/lib/linkmesh-proxy/health}

# The load balancer sends nothing to a machine whose LinkMesh has ended by itself, or that is not set up yet.
if ! "$HEALTH" serves >/dev/null 2>&1; then exit 0; fi
touch "$1"
sleep "$2"
