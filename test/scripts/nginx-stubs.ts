import { selfSigned } from "./step.ts";

// In place of nginx and what the steps look at it with.

export const CURRENT = "/etc/nginx/linkmesh/current";
export const { certificate, key } = selfSigned("linkmesh.example.com");
export const other = selfSigned("linkmesh.example.com");

/** nginx that serves the revision and certificate of its last reload. */
export const SERVES = {
    systemctl: `case "$*" in
        "is-active --quiet nginx") true ;;
        "show --property MainPID --value nginx") echo 0 ;;
        "reload nginx" | "start nginx") readlink ${CURRENT} >/stub/revision || true; cp /etc/linkmesh-proxy/tls/current/fullchain.pem /stub/served.pem 2>/dev/null; true ;;
        esac`,
    curl: "cat /stub/revision",
    ss: `echo 'LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=1,fd=6))'`,
    openssl: `case "$1" in s_client) cat /stub/served.pem ;; *) exec /usr/bin/openssl "$@" ;; esac`,
    // Time that passes at once.
    sleep: "/usr/bin/sleep 1",
};
/** A reload that succeeds, and changes nothing: what a port that another program holds leads to. */
export const DEAF = {
    ...SERVES,
    systemctl: SERVES.systemctl.replace(/"reload nginx" .*;;/, '"reload nginx") true ;;'),
};
export const SQUATTED = { ...DEAF, ss: `echo 'LISTEN 0 5 0.0.0.0:80 0.0.0.0:* users:(("apache2",pid=1,fd=6))'` };
export const REFUSES = { ...SERVES, nginx: `echo "nginx: [emerg] no luck in $*" >&2; exit 1` };
