import { runOverSsh } from "./ssh.ts";
import { ok, warn, type Verdict } from "./types.ts";

/** The journal keeps some of the refusals of each minute. */
const SCRIPT = "journalctl --quiet --unit nginx --since -1h --output cat --no-pager --lines 2000\n";

/** Whether a client was refused because its address holds too many sessions. @param ssh the ssh command up to the destination. @throws ConnectionError */
export async function checkLimits(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeLimits(await runOverSsh(ssh, SCRIPT, [], timeoutMs));
}

/** @param journal what nginx has said in the last hour */
export function judgeLimits(journal: string): Verdict {
    const refusals = journal.matchAll(/limiting connections by zone "linkmesh_(?:http|grpc)".*?client: ([0-9a-f.:]+)/g);
    const addresses = [...new Set([...refusals].map(([, address]) => address!))];
    if (addresses.length === 0) return ok("no client was refused for too many sessions in the last hour");
    const [first, ...others] = addresses;
    const who = others.length === 0 ? first : `${first} and ${others.length} more addresses`;
    return warn(
        `${who} reached the limit of sessions for one address in the last hour, and was refused more`,
        "raise sessionsPerAddress if that is a whole site, as behind a NAT gateway",
    );
}
