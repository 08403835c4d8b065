import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Run } from "./run.ts";

/** A process that runs commands of the lab one after the other. */
export class ServedCommands {
    #child: ChildProcess | undefined;
    #environment = "";
    #busy = false;

    get isBusy(): boolean {
        return this.#busy;
    }

    /** Ends the command that runs, as Ctrl-C does. */
    interrupt(): void {
        if (this.#busy) this.#child?.kill("SIGTERM");
    }

    async run(args: string[]): Promise<Run> {
        this.#busy = true;
        try {
            return (await answer(this.#process(), args)) as Run;
        } finally {
            this.#busy = false;
        }
    }

    /** A process with this one's environment, as a command has it that is started now. */
    #process(): ChildProcess {
        const environment = JSON.stringify(process.env);
        if (this.#child?.connected && this.#environment === environment) return this.#child;
        if (this.#child?.connected) this.#child.disconnect();
        this.#environment = environment;
        this.#child = fork(join(import.meta.dirname, "served-commands.js"), { execArgv: [] });
        return this.#child;
    }
}

function answer(child: ChildProcess, question: string[]): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
        const ended = (code: number | null, signal: string | null) =>
            reject(
                new Error(`the process that runs the lab's commands ended (${code ?? signal}): ${question.join(" ")}`),
            );
        child.once("exit", ended);
        child.once("message", (message) => {
            child.off("exit", ended);
            resolve(message);
        });
        child.send(question);
    });
}
