#!/bin/bash
# nginx shows clients the certificate that is on the disk, and is reloaded if it does not. certbot ignores a hook that
# fails, so that nginx would serve the old certificate to its end: the timer of this unit tries again.
# From the unit: DOMAIN. CERTIFICATE: the folder of the one to serve.

set -euo pipefail
export LC_ALL=C.UTF-8

# fail SENTENCE…: the parts are joined by spaces.
fail() {
    echo "error: $*" >&2
    exit 1
}

# Prints the certificate that nginx shows.
served() {
    # A failure prints nothing, which is not what is wanted.
    { timeout 10 openssl s_client -connect 127.0.0.1:443 -servername "$DOMAIN" </dev/null 2>/dev/null || true; } |
        openssl x509 2>/dev/null || true # likewise
}

wanted=$(openssl x509 -in "$CERTIFICATE/fullchain.pem") || fail "$CERTIFICATE/fullchain.pem cannot be read."
# nginx reads the certificate when it starts.
systemctl is-active --quiet nginx || exit 0
if [ "$(served)" = "$wanted" ]; then exit 0; fi

test_output=$(nginx -t 2>&1) ||
    fail "nginx does not serve the certificate in $CERTIFICATE because it refuses its configuration:" \
        "$(grep -m1 -F '[emerg]' <<<"$test_output" || echo "$test_output")"
systemctl reload nginx ||
    fail "nginx does not serve the certificate in $CERTIFICATE and cannot be reloaded: see \`systemctl status nginx\`."
for _ in $(seq 20); do
    if [ "$(served)" = "$wanted" ]; then
        echo "nginx was reloaded, and serves the certificate in $CERTIFICATE."
        exit 0
    fi
    sleep 0.5
done
fail "nginx serves another certificate for $DOMAIN than $CERTIFICATE holds, after a reload as well:" \
    "see /var/log/nginx/error.log."
