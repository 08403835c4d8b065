import type { Usage } from "./machine.ts";
import type { Subject } from "./subject.ts";

const INTERVAL_MS = 250;

/** Watches a proxy's memory and counts what it uses, also of processes that end meanwhile. */
export class Peak {
    readonly #timer = setInterval(() => this.#look(), INTERVAL_MS);
    readonly #sum: Usage;
    #last: Usage;

    constructor(private readonly subject: Subject) {
        this.#last = subject.usage();
        this.#sum = { ...this.#last, cpuSeconds: 0, writtenKb: 0 };
    }

    /** The most memory at a time, and processor time and writes since the start. */
    stop(): Usage {
        clearInterval(this.#timer);
        this.#look();
        return this.#sum;
    }

    #look(): void {
        const now = this.subject.usage();
        this.#sum.pssKb = Math.max(this.#sum.pssKb, now.pssKb);
        for (const counter of ["cpuSeconds", "writtenKb"] as const) {
            // Less than before: a process has ended with what it used.
            const more = now[counter] - this.#last[counter];
            this.#sum[counter] += more >= 0 ? more : now[counter];
        }
        this.#last = now;
    }
}
