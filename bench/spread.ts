/** The times of repeated runs, in seconds. */
export interface Spread {
    runs: number;
    min: number;
    median: number;
    max: number;
}

export function spreadOf(seconds: readonly number[]): Spread {
    const sorted = [...seconds].sort((a, b) => a - b);
    const at = (index: number) => sorted[index] as number;
    if (sorted.length === 0) throw new RangeError("there are no times");
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

/** The wall-clock seconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
    const startedAt = performance.now();
    await work();
    return (performance.now() - startedAt) / 1000;
}
