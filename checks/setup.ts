import { UNFINISHED } from "./causes.ts";
import { runOverSsh } from "./ssh.ts";
import { fail, ok, type Verdict } from "./types.ts";

/** Each step that ends leaves a list. The last one that every machine has is verify, and in-service that of one of several. */
export const SETUP_SCRIPT = `cd /var/lib/linkmesh-proxy/expected 2>/dev/null || exit 0
last=verify
[ ! -e node ] || last=in-service
[ -e "$last" ] || echo "after $(ls -t | head -n1)"
`;

/** Whether every step of `pulumi up` has ended on the machine. @throws ConnectionError */
export async function checkSetup(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeSetup(await runOverSsh(ssh, SETUP_SCRIPT, [], timeoutMs));
}

/** @param shown what the script prints: nothing on a machine that another program has set up */
export function judgeSetup(shown: string): Verdict {
    const last = /^after ([a-z-]+)$/m.exec(shown)?.[1];
    if (last === undefined) return ok("no step of `pulumi up` is missing on the machine");
    return fail(`the machine is not set up: \`pulumi up\` runs, or stopped after the step ${last}`, UNFINISHED);
}
