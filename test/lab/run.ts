import { expect } from "vitest";

/** What a command printed, and how it ended. */
export interface Run {
    exitCode: number;
    stdout: string;
    stderr: string;
}

/** Its output; an exit code other than 0 fails the test with all that was printed. */
export function succeeded(run: Run): string {
    expect(run.exitCode, `${run.stdout}\n${run.stderr}`).toBe(0);
    return run.stdout;
}
