import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";

const INTERVAL_MS = 50;
const TIMEOUT_MS = 1000;

/** Tries a TLS handshake on port 443 several times a second until it is stopped. */
export class DowntimeWatch {
    #stopped = false;
    #failed: [first: number, last: number] | undefined;
    readonly #watch: Promise<void>;

    /** @param onHandshake called before each handshake */
    constructor(address: string, host: string, onHandshake: () => void = () => undefined) {
        this.#watch = this.#run(address, host, onHandshake);
    }

    /** Seconds from the start of the first handshake that failed to the end of the last one; 0 if none failed. */
    async stop(): Promise<number> {
        this.#stopped = true;
        await this.#watch;
        const [first = 0, last = 0] = this.#failed ?? [];
        return (last - first) / 1000;
    }

    async #run(address: string, host: string, onHandshake: () => void): Promise<void> {
        while (!this.#stopped) {
            onHandshake();
            const start = Date.now();
            if (!(await handshake(address, host))) this.#failed = [this.#failed?.[0] ?? start, Date.now()];
            await sleep(INTERVAL_MS);
        }
    }
}

function handshake(host: string, servername: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port: 443, servername, rejectUnauthorized: false, timeout: TIMEOUT_MS });
        const end = (answer: boolean) => {
            socket.destroy();
            resolve(answer);
        };
        socket.once("secureConnect", () => end(true));
        socket.once("error", () => end(false));
        socket.once("timeout", () => end(false));
    });
}
