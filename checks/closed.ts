import { OPEN_PORT } from "./causes.ts";
import { connectTcp } from "./connect.ts";
import { ConnectionError } from "./connection-error.ts";
import { fail, ok, type Check, type ResolvedTarget } from "./types.ts";

/** A security group drops packets without an answer, so a short wait is enough. */
const SILENCE_MS = 2_000;

/** LinkMesh's own ports, plain HTTP and gRPC that bypass the proxy, and the public ports that are off. */
export const closed: Check = {
    name: "closed",
    async run(target) {
        const answering = (await Promise.all(target.closedPorts.map((port) => answers(target, port)))).flat();
        if (answering.length > 0) {
            return fail(
                `port ${listed(answering)} answers from outside; only ${listed(target.openPorts)} should`,
                OPEN_PORT,
            );
        }
        return ok(`${listed(target.closedPorts)} do not answer`);
    },
};

/** "80, 443 and 50051". */
function listed(ports: number[]): string {
    return ports.join(", ").replace(/, (\d+)$/, " and $1");
}

async function answers(target: ResolvedTarget, port: number): Promise<number[]> {
    try {
        (await connectTcp(target, port, Math.min(SILENCE_MS, target.timeoutMs))).destroy();
        return [port];
    } catch (error) {
        if (error instanceof ConnectionError) return [];
        throw error;
    }
}
