import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Lab, shortId } from "../lab.ts";
import { dataDir } from "../services/service.ts";

/** How long HAProxy may be silent, long enough for a reload on a busy machine. */
const ANSWER_MS = 30_000;

/** Runs a command on one of HAProxy's sockets and returns its answer. @throws Error if none comes */
export async function command(socket: string, line: string, answerMs = ANSWER_MS): Promise<string> {
    const stream = connect({ path: socket });
    stream.setTimeout(answerMs, () =>
        stream.destroy(new Error(`HAProxy has not answered "${line}" on ${socket} for ${answerMs / 1000} s`)),
    );
    // Not ended, because HAProxy would then drop a command that takes time, such as a reload.
    stream.write(`${line}\n`);
    return text(stream);
}

export const NODE_PREFIX = "balancer-";

/** The name of a node's HAProxy among the lab's services. */
export function nodeService(networkInterfaceId: string): string {
    return NODE_PREFIX + shortId(networkInterfaceId);
}

export function socketOf(lab: Lab, name: string, kind: "admin" | "master"): string {
    return join(dataDir(lab, name), `${kind}.sock`);
}

/** The table of states of a HAProxy's servers. */
export function serverTable(lab: Lab, name: string): Promise<string> {
    return command(socketOf(lab, name, "admin"), "show servers state");
}

/** A target behind a listener. */
export interface Server {
    backend: string;
    /** Its address and port. */
    name: string;
    isHealthy: boolean;
}

/** The servers with health checks of a table of states. Column 6 is the operational state: 2 is "running". */
export function serversIn(table: string): Server[] {
    const rows = table.split("\n").map((line) => line.split(" "));
    return rows
        .filter(([, backend = ""]) => /^port_\d+$/.test(backend))
        .map(([, backend, , name, , state]) => ({ backend: backend!, name: name!, isHealthy: state === "2" }));
}
