import { connect } from "node:net";
import { text } from "node:stream/consumers";

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
