import { runOverSsh } from "./ssh.ts";
import { fail, ok, warn, type Verdict } from "./types.ts";

const TIMER = "linkmesh-proxy-certificate.timer";

/**
 * Prints the host's certificates that nginx's configuration names, the one that nginx serves, and the timer that makes
 * nginx load a new one.
 */
export const SERVED_SCRIPT = `host=$1 port=$2
places='/etc/nginx/linkmesh/current /etc/nginx/sites-enabled /etc/nginx/conf.d /etc/nginx/nginx.conf'
grep -RhsE '^[[:space:]]*ssl_certificate[[:space:]]' $places | sed 's/.*ssl_certificate[[:space:]]*//; s/;.*//' | sort -u |
    while read -r file; do
        openssl x509 -noout -checkhost "$host" -in "$file" 2>/dev/null | grep -q 'does match' || continue
        echo "file $(openssl x509 -noout -serial -in "$file" | cut -d= -f2) $file"
    done
shown=$(timeout 5 openssl s_client -connect "127.0.0.1:$port" -servername "$host" </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null)
echo "served \${shown#serial=}"
echo "timer $(systemctl show --property=LoadState --value ${TIMER}) $(systemctl is-active ${TIMER})"
`;

/** Whether nginx serves the certificate that is on the disk. @throws ConnectionError */
export async function checkServed(ssh: string[], host: string, port: number, timeoutMs: number): Promise<Verdict> {
    return judgeServed(await runOverSsh(ssh, SERVED_SCRIPT, [host, String(port)], timeoutMs), host);
}

/** @param shown what the script prints */
export function judgeServed(shown: string, host: string): Verdict {
    const files = [...shown.matchAll(/^file (\S+) (\S+)$/gm)].map(([, serial, file]) => ({ serial, file }));
    const served = /^served (\S+)$/m.exec(shown)?.[1];
    if (!served) {
        return fail(
            `nginx on the machine serves no certificate for ${host}`,
            "on the machine: `systemctl status nginx; sudo nginx -t`",
        );
    }
    const serial = served.toLowerCase();
    if (files.length === 0)
        return warn(
            `nginx serves serial ${serial}, but its configuration names no certificate for ${host}`,
            "on the machine: `sudo nginx -T | grep -n ssl_certificate`",
        );
    if (!files.some((one) => one.serial === served)) {
        const [{ file, serial: wanted }] = files as [(typeof files)[0]];
        return fail(
            `nginx serves the certificate with serial ${serial}, but ${file} holds ${wanted!.toLowerCase()}: its reload failed`,
            "on the machine: `sudo nginx -t && sudo systemctl reload nginx`",
        );
    }
    const timer = /^timer loaded (?!active$)(\S+)$/m.exec(shown)?.[1];
    if (timer) {
        return fail(
            `${TIMER} is ${timer}: a reload that fails is not tried again`,
            `on the machine: \`sudo systemctl enable --now ${TIMER}\``,
        );
    }
    return ok(`nginx serves the certificate on the disk, serial ${serial}`);
}
