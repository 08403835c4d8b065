/** The times of repeated runs of one thing, in seconds. */
export interface Spread {
    runs: number;
    min: number;
    median: number;
    max: number;
}

/** @throws RangeError when there are no times */
export function spreadOf(seconds: readonly number[]): Spread {
    const sorted = [...seconds].sort((a, b) => a - b);
    const at = (index: number) => sorted[index] as number;
    if (sorted.length === 0) throw new RangeError("no times to take the spread of");
    const half = Math.floor(sorted.length / 2);
    return {
        runs: sorted.length,
        min: at(0),
        median: sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2,
        max: at(sorted.length - 1),
    };
}

/** Index of the run whose time is nearest to the median. */
export function medianRun(seconds: readonly number[]): number {
    const { median } = spreadOf(seconds);
    const distance = (index: number) => Math.abs((seconds[index] as number) - median);
    return seconds
        .map((_, index) => index)
        .reduce((best, index) => (distance(index) < distance(best) ? index : best), 0);
}

/** Runs `work` once and gives the wall-clock time it took, in seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await work();
    return (performance.now() - startedAt) / 1000;
}
