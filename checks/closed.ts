import { connectTcp } from "./dial.ts";
import { Fault } from "./fault.ts";
import { fail, ok, type Check, type Endpoint } from "./types.ts";

/** A packet filter drops without an answer, so the silence is awaited for a short time only. */
const SILENCE_MS = 2_000;

/** LinkMesh's own ports, plain HTTP and unproxied gRPC, which would let anyone past the proxy; and those that are off. */
export const closed: Check = {
    name: "closed",
    async run(at) {
        const answering = (await Promise.all(at.closedPorts.map((port) => answers(at, port)))).flat();
        if (answering.length > 0) {
            return fail(
                `port ${listed(answering)} answers from outside, where only ${listed(at.openPorts)} should`,
                "close it in the security group: whoever reaches LinkMesh's own ports is past the proxy",
            );
        }
        return ok(`${listed(at.closedPorts)} do not answer`);
    },
};

/** "80, 443 and 50051". */
function listed(ports: number[]): string {
    return ports.join(", ").replace(/, (\d+)$/, " and $1");
}

async function answers(at: Endpoint, port: number): Promise<number[]> {
    try {
        (await connectTcp(at, port, Math.min(SILENCE_MS, at.timeoutMs))).destroy();
        return [port];
    } catch (error) {
        if (error instanceof Fault) return [];
        throw error;
    }
}
