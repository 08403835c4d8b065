import { runOverSsh } from "./ssh.ts";
import { ok, warn, type Verdict } from "./types.ts";

const REMEDY: Readonly<Record<string, string>> = {
    nginx: "on the machine, without dropping sessions: `sudo /etc/init.d/nginx upgrade`",
    "linkmesh-server": "on the machine, when sessions may drop: `sudo systemctl restart linkmesh-server`",
    reboot: "on the machine, when sessions may drop: `sudo reboot`",
};

/**
 * Prints programs and libraries that a process still runs although a package has replaced them. systemd does not know the
 * master that an upgrade of nginx starts, so the pid comes from nginx's own file.
 */
export const RESTART_SCRIPT = `old() {
    { readlink "/proc/$2/exe"; sed -n 's|^[^/]*\\(/.*\\.so.* (deleted)\\)$|\\1|p' "/proc/$2/maps"; } 2>/dev/null |
        sed -n "s|^.*/\\([^/]*\\) (deleted)$|$1 \\1|p" | sort -u
}
[ ! -s /run/nginx.pid ] || old nginx "$(cat /run/nginx.pid)"
old linkmesh-server "$(systemctl show --property=MainPID --value linkmesh-server)"
[ ! -e /run/reboot-required ] || echo "reboot $(tr '\\n' ' ' </run/reboot-required.pkgs)"
`;

/** Whether something must be restarted after an upgrade. Nothing restarts by itself, because that would drop every session. */
export async function checkRestart(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeRestart(await runOverSsh(ssh, RESTART_SCRIPT, [], timeoutMs));
}

/** @param shown what the script prints: a process and a file that it still runs */
export function judgeRestart(shown: string): Verdict {
    const old = new Map<string, string[]>();
    for (const [, who, what] of shown.matchAll(/^(nginx|linkmesh-server|reboot) (.*\S)\s*$/gm))
        old.set(who!, [...(old.get(who!) ?? []), what!]);
    if (old.size === 0) return ok("nginx and LinkMesh run the installed versions, and no reboot is due");
    const sentences = [...old].map(([who, what]) =>
        who === "reboot" ? `a reboot is due for ${what.join(", ")}` : `${who} still runs the old ${what.join(", ")}`,
    );
    return warn(sentences.join("; "), [...old.keys()].map((who) => REMEDY[who]).join("; "));
}
