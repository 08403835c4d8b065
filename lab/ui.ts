import ora, { type Ora } from "ora";
import type { OpenStage } from "./engine/stages.ts";
import type { Progress } from "./lab.ts";

/** Without a spinner, a stage prints a line after this long without one. */
const HEARTBEAT_MS = 15_000;

export interface StageTime {
    name: string;
    seconds: number;
}

export interface UiOptions {
    stream?: NodeJS.WriteStream;
    /** Whether to print every progress phrase as a line. */
    verbose?: boolean;
}

interface Open {
    name: string;
    startedAt: number;
    message: string;
}

/**
 * The output of a command: one line for each stage with its seconds. A terminal also shows a spinner for the stage that
 * reported last. Several stages may be open at once.
 */
export class Ui {
    readonly stages: StageTime[] = [];
    readonly #stream: NodeJS.WriteStream;
    readonly #verbose: boolean;
    readonly #color: boolean;
    readonly #open = new Set<Open>();
    #spinner?: Ora;
    #heartbeat?: NodeJS.Timeout;

    constructor({ stream = process.stdout, verbose = false }: UiOptions = {}) {
        this.#stream = stream;
        this.#verbose = verbose;
        this.#color = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
        // Ora loops forever on a terminal of unknown width, which reports 0 columns.
        if (stream.isTTY && stream.columns > 0 && process.env.TERM !== "dumb" && !verbose) {
            this.#spinner = ora({
                stream,
                // Otherwise Ora would read the keyboard and handle Ctrl-C itself.
                discardStdin: false,
                color: this.#color ? "cyan" : false,
            });
        }
    }

    get isTerminal(): boolean {
        return this.#spinner !== undefined;
    }

    get color(): boolean {
        return this.#color;
    }

    /** Runs a stage: a tick when it returns, a cross when it throws. */
    async stage<T>(name: string, work: (progress: Progress) => Promise<T>): Promise<T> {
        const stage = this.begin(name);
        try {
            const result = await work((message) => stage.progress(message));
            stage.done();
            return result;
        } catch (error) {
            stage.fail();
            throw error;
        }
    }

    /** Opens a stage. Exactly one call of `done` or `fail` must end it. */
    begin(name: string): OpenStage {
        const open: Open = { name, startedAt: performance.now(), message: "" };
        this.#open.add(open);
        this.#refresh();
        this.#awaitSilence();
        return {
            progress: (message) => {
                if (message === "") return;
                open.message = message;
                if (this.#verbose) this.#print(`   ${name}: ${message}`);
                this.#open.delete(open);
                this.#open.add(open);
                this.#refresh();
            },
            warn: (message) => this.#print(` ${this.paint("!", "33")} ${name}: ${message}`),
            done: (finishedAt, note) => this.#close(open, "✓", "32", finishedAt, note),
            fail: () => this.#close(open, "✗", "31"),
        };
    }

    /** Marks all open stages as failed, for an interruption. */
    failOpen(): void {
        for (const open of [...this.#open]) this.#close(open, "✗", "31");
    }

    /** Prints a line between the stages. */
    info(line: string): void {
        this.#print(line);
    }

    paint(text: string, code: string): string {
        return this.#color ? `\x1b[${code}m${text}\x1b[0m` : text;
    }

    #close(open: Open, mark: string, code: string, finishedAt?: number, note?: string): void {
        if (!this.#open.delete(open)) return;
        const time = seconds(open.startedAt, finishedAt);
        this.stages.push({ name: open.name, seconds: Number(time) });
        this.#print(
            ` ${this.paint(mark, code)} ${open.name}${note ? `: ${note}` : ""}${this.paint(`  ${time} s`, "2")}`,
        );
        this.#refresh();
    }

    #print(line: string): void {
        if (this.#spinner?.isSpinning) this.#spinner.stop();
        this.#stream.write(`${line}\n`);
        this.#refresh();
        this.#awaitSilence();
    }

    #awaitSilence(): void {
        clearTimeout(this.#heartbeat);
        if (this.#spinner || this.#open.size === 0) return;
        this.#heartbeat = setTimeout(() => {
            const newest = [...this.#open].at(-1);
            if (newest) this.#print(`   ${describe(newest)}, ${seconds(newest.startedAt)} s`);
        }, HEARTBEAT_MS);
        this.#heartbeat.unref();
    }

    #refresh(): void {
        const newest = [...this.#open].at(-1);
        if (!this.#spinner) return;
        if (!newest) {
            if (this.#spinner.isSpinning) this.#spinner.stop();
            return;
        }
        // Ora would print a line that is longer than the terminal again and again.
        this.#spinner.text = describe(newest).slice(0, Math.max(20, (this.#stream.columns ?? 80) - 5));
        if (!this.#spinner.isSpinning) this.#spinner.start();
    }
}

function describe({ name, message }: Open): string {
    return message ? `${name}: ${message}` : `${name} …`;
}

function seconds(from: number, to = performance.now()): string {
    return (Math.max(0, to - from) / 1000).toFixed(1);
}
