#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The user's environment for the first start of LinkMesh on this machine. Without it, the package would start LinkMesh
# with a secret of its own, and LinkMesh then refuses the one that all machines share.
# ENVIRONMENT_FILE. The file `entries`: NAME="VALUE", one a line.

main() {
    # The step environment brings what changes later.
    if installed "$PACKAGE"; then return; fi
    mkdir -p "$(dirname "$DATA/files$ENVIRONMENT_FILE")"
    { echo '# BEGIN linkmesh-proxy' && cat "$FILES/entries" && echo '# END linkmesh-proxy'; } >"$WORK/environment"
    put_file "$DATA/files$ENVIRONMENT_FILE" 0600 <"$WORK/environment"
}
