import { connect } from "node:net";
import { text } from "node:stream/consumers";

/** Runs a command on one of HAProxy's sockets and returns its answer. */
export async function command(socket: string, line: string): Promise<string> {
    const stream = connect({ path: socket });
    // Not ended, because HAProxy would then drop a command that takes time, such as a reload.
    stream.write(`${line}\n`);
    return text(stream);
}
