/** One press of Ctrl-C reaches this process up to three times: from the terminal, from npm and from npm's shell. */
const SAME_PRESS_MS = 1000;

type Handler = (signal: NodeJS.Signals) => void;

const handlers: Handler[] = [];
let last = 0;
let listening = false;

/**
 * Calls `handler` when the user interrupts (Ctrl-C, SIGTERM, a closed terminal). Only the last handler is called, so
 * that the running work decides how it ends. Returns the function that removes the handler.
 */
export function onInterrupt(handler: Handler): () => void {
    if (!listening) {
        listening = true;
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
    }
    handlers.push(handler);
    return () => {
        const index = handlers.indexOf(handler);
        if (index >= 0) handlers.splice(index, 1);
    };
}

function interrupt(signal: NodeJS.Signals): void {
    const now = Date.now();
    if (now - last < SAME_PRESS_MS) return;
    last = now;
    const handler = handlers.at(-1);
    if (handler) handler(signal);
    else process.exit(130);
}
