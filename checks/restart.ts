import { runOverSsh } from "./ssh.ts";
import { ok, warn, type Verdict } from "./types.ts";

const HOW: Readonly<Record<string, string>> = {
    nginx: "on the machine: sudo /etc/init.d/nginx upgrade, which keeps the sessions",
    "linkmesh-server": "on the machine, when its sessions may end: sudo systemctl restart linkmesh-server",
    reboot: "on the machine, when its sessions may end: sudo reboot",
};

/** Programs and libraries that a process still runs although a package has replaced them. nginx may have a new master. */
const SCRIPT = `old() {
    { readlink "/proc/$2/exe"; sed -n 's|^[^/]*\\(/.*\\.so.* (deleted)\\)$|\\1|p' "/proc/$2/maps"; } 2>/dev/null |
        sed -n "s|^.*/\\([^/]*\\) (deleted)$|$1 \\1|p" | sort -u
}
[ ! -s /run/nginx.pid ] || old nginx "$(cat /run/nginx.pid)"
old linkmesh-server "$(systemctl show --property=MainPID --value linkmesh-server)"
[ ! -e /run/reboot-required ] || echo "reboot $(tr '\\n' ' ' </run/reboot-required.pkgs)"
`;

/** Whether a package run has left something to restart: none is restarted by itself, as that would cut every session. */
export async function checkRestart(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeRestart(await runOverSsh(ssh, SCRIPT, [], timeoutMs));
}

/** @param shown what the script prints: who, and what is old */
export function judgeRestart(shown: string): Verdict {
    const old = new Map<string, string[]>();
    for (const [, who, what] of shown.matchAll(/^(nginx|linkmesh-server|reboot) (.*\S)\s*$/gm))
        old.set(who!, [...(old.get(who!) ?? []), what!]);
    if (old.size === 0) return ok("nginx and LinkMesh run what is installed, and no reboot is due");
    const told = [...old].map(([who, what]) =>
        who === "reboot"
            ? `a reboot is due for ${what.join(", ")}`
            : `${who} still runs ${what.join(", ")} as before an update`,
    );
    return warn(told.join("; "), [...old.keys()].map((who) => HOW[who]).join("; "));
}
