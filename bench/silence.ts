import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 100;

/** Asks again and again until it is stopped, and measures for how long there was no answer. */
export class SilenceWatch {
    #stopped = false;
    #silent: [first: number, last: number] | undefined;
    readonly #watch: Promise<void>;

    /** @param answers whether there is an answer now; must not reject, nor take longer than a second */
    constructor(answers: () => Promise<boolean>) {
        this.#watch = this.#run(answers);
    }

    /** Seconds from the start of the first question without an answer to the end of the last one; 0 if all were answered. */
    async stop(): Promise<number> {
        this.#stopped = true;
        await this.#watch;
        const [first = 0, last = 0] = this.#silent ?? [];
        return (last - first) / 1000;
    }

    async #run(answers: () => Promise<boolean>): Promise<void> {
        while (!this.#stopped) {
            const start = Date.now();
            if (!(await answers())) this.#silent = [this.#silent?.[0] ?? start, Date.now()];
            await sleep(INTERVAL_MS);
        }
    }
}
