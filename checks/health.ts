import { setTimeout as sleep } from "node:timers/promises";
import { HEALTH_PATH } from "../components/health.ts";
import { NO_HEALTH, NODE_NOT_WELL, NOT_WELL } from "./causes.ts";
import { connectTls } from "./connect.ts";
import { addressAndPort } from "./connection-error.ts";
import { get, type HttpResponse } from "./http.ts";
import { runOverSsh } from "./ssh.ts";
import { fail, ok, type Check, type ResolvedTarget, type Verdict } from "./types.ts";

/** The health URL, which says whether LinkMesh, the certificate, its renewal and the disks are well. */
export const health: Check = {
    name: "health",
    async run(target) {
        const verdict = judgeHealth(await ask(target));
        if (verdict.status === "ok") return verdict;
        await sleep(KEPT_MS);
        return judgeHealth(await ask(target));
    },
};

/** A load balancer's answer comes from any one of several machines, so each is asked. @throws ConnectionError */
export async function checkNodeHealth(ssh: string[], timeoutMs: number): Promise<Verdict> {
    return judgeNodeHealth(await runOverSsh(ssh, "/usr/local/lib/linkmesh-proxy/health 2>&1 || true\n", [], timeoutMs));
}

/** @param shown a line an item, as the program on the machine prints it */
export function judgeNodeHealth(shown: string): Verdict {
    const items = [...shown.matchAll(/^\S+\t(ok|wrong)\t[^\t]*\t(.*)$/gm)];
    if (items.length === 0) return fail("the machine does not say whether it is well", NO_HEALTH);
    const wrong = items.filter(([, verdict]) => verdict === "wrong").map(([, , sentence]) => sentence);
    return wrong.length === 0
        ? ok("LinkMesh, the certificate and the disks are well")
        : fail(wrong.join(" "), NODE_NOT_WELL);
}

/** nginx gives an answer again for 2 seconds, in which somebody may have mended what was wrong. */
const KEPT_MS = 2_500;

async function ask(target: ResolvedTarget): Promise<HttpResponse> {
    const { socket } = await connectTls(target, target.httpsPort, ["http/1.1"]);
    const where = addressAndPort(target.address, target.httpsPort);
    return get(socket, where, HEALTH_PATH, { host: target.host }, target.timeoutMs);
}

/** LinkMesh's own pages also answer 200, but may be kept by a cache. */
function judgeHealth({ status, headers }: HttpResponse): Verdict {
    if (status === 200 && headers["cache-control"] === "no-store")
        return ok("200: LinkMesh, the certificate, its renewal and the disks are well");
    if (status === 503) return fail("503: LinkMesh, the certificate, its renewal or a disk is not well", NOT_WELL);
    return fail(`${status}, which does not come from this program's health URL ${HEALTH_PATH}`, NO_HEALTH);
}
