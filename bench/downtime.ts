import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";

const PAUSE_MS = 50;
const PATIENCE_MS = 1000;

/** Asks for a TLS handshake on port 443 several times a second, until it is told to stop. */
export class DowntimeWatch {
    #stopped = false;
    #failed: [first: number, last: number] | undefined;
    readonly #watch: Promise<void>;

    /** `onLook` is called before each handshake. */
    constructor(address: string, host: string, onLook: () => void = () => undefined) {
        this.#watch = this.#run(address, host, onLook);
    }

    /** Seconds from the start of the first handshake that failed to the end of the last one; 0 when none did. */
    async stop(): Promise<number> {
        this.#stopped = true;
        await this.#watch;
        const [first = 0, last = 0] = this.#failed ?? [];
        return (last - first) / 1000;
    }

    async #run(address: string, host: string, onLook: () => void): Promise<void> {
        while (!this.#stopped) {
            onLook();
            const start = Date.now();
            if (!(await handshake(address, host))) this.#failed = [this.#failed?.[0] ?? start, Date.now()];
            await sleep(PAUSE_MS);
        }
    }
}

function handshake(host: string, servername: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port: 443, servername, rejectUnauthorized: false, timeout: PATIENCE_MS });
        const end = (answer: boolean) => {
            socket.destroy();
            resolve(answer);
        };
        socket.once("secureConnect", () => end(true));
        socket.once("error", () => end(false));
        socket.once("timeout", () => end(false));
    });
}
