#!/bin/bash
# shellcheck shell=bash disable=SC2034,SC2153
# --- what certbot's output means; the step certificate keeps it in the file `certbot`

CERTBOT_LOG=/var/log/letsencrypt/letsencrypt.log # of all its runs of a week, as Debian has it

# passing_trouble: prints what is wrong if it passes by itself: a busy authority, or rights that were given just now.
passing_trouble() {
    if grep -qE 'serverInternal|Service busy|503 |50[234] Server Error' "$WORK/certbot"; then
        echo "The certificate authority is busy"
    elif grep -q AccessDenied "$WORK/certbot"; then
        echo "Route 53 does not know the machine's rights yet"
    fi
}

# certbot_reason: prints why there is no certificate, and what to do.
certbot_reason() {
    local output=$WORK/certbot more=''
    if grep -qE 'SSLError|CERTIFICATE_VERIFY_FAILED|certificate verify failed' "$output"; then
        if [ -s "$FILES/ca.pem" ]; then more=", or remove acmeCaBundle if a public authority signs it"; fi
        echo "the certificate of $DIRECTORY itself is not trusted: set acmeCaBundle to the CA that signs it$more."
    elif grep -qE '^ValueError: Requesting|ConnectionError|Timeout|Max retries exceeded' "$output"; then
        echo "$DIRECTORY does not answer: check acmeDirectory, or wait and run pulumi up again."
    elif grep -qE 'Unable to locate credentials|AccessDenied' "$output"; then
        echo "the machine may not write the challenge into the Route 53 zone:" \
            "check the role of its instance profile, then run pulumi up again."
    elif [ -s "$FILES/eab.ini" ] && grep -q 'Unable to register an account' "$output"; then
        echo "the authority refuses acmeEabKeyId with acmeEabHmacKey" \
            "($(sed -n 's/.*returned by the ACME server: //p' "$output")): copy both again from where it shows them."
    elif grep -qiE 'external ?account' "$output"; then
        echo "the authority requires an external account binding:" \
            "set acmeEabKeyId and acmeEabHmacKey to the values that it shows you."
    elif grep -qiE 'rateLimited|too many' "$output"; then
        echo "$(grep -m1 -oiE 'too many.*' "$output")" \
            "This is a limit of the authority: wait, or set acmeDirectory to staging meanwhile."
    else
        echo "$(certbot_error). See $CERTBOT_LOG on the machine, then run pulumi up again."
    fi
}

# certbot_error: prints the line of certbot's output that says most, without its full stop.
certbot_error() {
    local output=$WORK/certbot line
    line=$(grep -m1 -oE 'Detail: .*' "$output" ||
        grep -m1 'urn:ietf:params:acme' "$output" ||
        grep -A1 -m1 -E '[Ee]rror.*:$' "$output" | tail -n1 | grep . ||
        grep -m1 '[Ee]rror' "$output" ||
        tail -n1 "$output")
    line=${line#Detail: }
    echo "${line%.}"
}
