import { runOverSsh } from "./ssh.ts";
import { ok, warn, type Verdict } from "./types.ts";

/** The unit of nginx logs a few messages a minute (LogRateLimitBurst), so not every refusal is there. */
export const LIMITS_SCRIPT = "journalctl --quiet --unit nginx --since -1h --output cat --no-pager --lines 2000\n";

/** Whether nginx refused a client because its address has too many sessions. @throws ConnectionError */
export async function checkLimits(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeLimits(await runOverSsh(ssh, LIMITS_SCRIPT, [], timeoutMs));
}

/** @param journal nginx's log of the last hour */
export function judgeLimits(journal: string): Verdict {
    const refusals = journal.matchAll(/limiting connections by zone "linkmesh_[a-z]+".*?client: ([0-9a-f.:]+)/g);
    const addresses = [...new Set([...refusals].map(([, address]) => address!))];
    if (addresses.length === 0) return ok("no client was refused for too many sessions in the last hour");
    const [first, ...others] = addresses;
    const who = others.length === 0 ? first : `${first} and ${others.length} more addresses`;
    return warn(
        `${who} reached the session limit for one address in the last hour and got no more sessions`,
        "if many clients share the address, for example behind a NAT gateway, raise the limit: `pulumi config set sessionsPerAddress NUMBER && pulumi up`",
    );
}
