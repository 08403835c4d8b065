#!/bin/bash
# shellcheck shell=bash source=functions/base.sh disable=SC2153
# The user's environment for the first start of LinkMesh on this machine. Without it, the package would start LinkMesh
# with a secret of its own, and LinkMesh then refuses the one of the data that are kept elsewhere.
# ENVIRONMENT_FILE. The file `entries`: NAME="VALUE", one a line.

main() {
    local file="$DATA/files$ENVIRONMENT_FILE"
    # The step environment brings what changes later.
    if installed "$PACKAGE"; then return; fi
    # A data volume may have that of the machine before, with a secret of the package's.
    if [ -e "$file" ] && [ "$(head -n1 "$file")" != '# BEGIN linkmesh-proxy' ]; then return; fi
    mkdir -p "$(dirname "$file")"
    { echo '# BEGIN linkmesh-proxy' && cat "$FILES/entries" && echo '# END linkmesh-proxy'; } >"$WORK/environment"
    put_file "$file" 0600 <"$WORK/environment"
}
