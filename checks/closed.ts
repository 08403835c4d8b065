import { connectTcp } from "./dial.ts";
import { Fault } from "./fault.ts";
import { fail, ok, type Check, type Endpoint } from "./types.ts";

/** A packet filter drops without an answer, so the silence is awaited for a short time only. */
const SILENCE_MS = 2_000;

/** LinkMesh's own ports: plain HTTP and unproxied gRPC, which would let anyone past the proxy. */
export const closed: Check = {
    name: "closed",
    async run(at) {
        const answering = (await Promise.all(at.closedPorts.map((port) => answers(at, port)))).flat();
        if (answering.length > 0) {
            return fail(
                `port ${answering.join(" and ")} answers from outside, past the proxy`,
                "close it in the security group: only 80, 443 and 50051 belong to the world",
            );
        }
        return ok(`${at.closedPorts.join(" and ")} do not answer`);
    },
};

async function answers(at: Endpoint, port: number): Promise<number[]> {
    try {
        (await connectTcp(at, port, Math.min(SILENCE_MS, at.timeoutMs))).destroy();
        return [port];
    } catch (error) {
        if (error instanceof Fault) return [];
        throw error;
    }
}
