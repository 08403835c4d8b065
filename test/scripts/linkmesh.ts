import { selfSigned, type Given } from "./step.ts";

export const STATE = "/var/lib/linkmesh-proxy";
export const CONFIG = "/etc/linkmesh/config.yaml";
export const ENVIRONMENT = "/etc/default/linkmesh-server";
const { certificate } = selfSigned("linkmesh.example.com");

/**
 * LinkMesh as a unit that serves what it was started with: it answers when `works` is true of its files. The version
 * that is installed is a file of /stub, which apt-get changes.
 */
export function linkmesh(works: string, { grpc = "50061", apt = "true" } = {}): NonNullable<Given["stubs"]> {
    return {
        systemctl: `case "$*" in
            start\\ * | restart\\ *) touch /stub/active/linkmesh-server; if ${works}; then touch /stub/answers; else rm -f /stub/answers; fi ;;
            stop\\ *) rm -f /stub/active/linkmesh-server /stub/answers ;;
            is-active*) [ -e /stub/active/linkmesh-server ] ;;
            is-failed*) [ ! -e /stub/answers ] ;;
            *NRestarts*) echo 0 ;;
            is-enabled*) cat /stub/enabled 2>/dev/null || true ;;
            esac`,
        curl: "if [ -e /stub/answers ]; then printf 200; else printf 000; fi",
        openssl: `case "$*" in
            "s_client -connect 127.0.0.1:${grpc} "*) [ ! -e /stub/answers ] || cat /stub/grpc.pem ;;
            s_client*) ;;
            *) exec /usr/bin/openssl "$@" ;;
            esac`,
        "dpkg-query": `[ -s /stub/version ] || exit 1; case "$*" in *Status*) echo installed ;; *) cat /stub/version ;; esac`,
        "dpkg-deb": `case "\${!#}" in Version) sed -n 1p "$2" ;; Architecture) echo amd64 ;; esac`,
        dpkg: `case "$1" in --print-architecture) echo amd64 ;; --configure) ;; *) exec /usr/bin/dpkg "$@" ;; esac`,
        "apt-get": `case "$*" in *install*) ${apt}; sed -n 1p "\${!#}" >/stub/version; systemctl restart linkmesh-server ;; esac`,
        // The steps look whether time is over by the shell's own clock.
        sleep: "/usr/bin/sleep 1",
    };
}

/** Files of a machine on which LinkMesh runs and answers. */
export const running = {
    "/stub/active/linkmesh-server": "",
    "/stub/answers": "",
    "/stub/version": "1.0\n",
    "/stub/grpc.pem": certificate,
};
