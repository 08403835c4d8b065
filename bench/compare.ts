import { LabError } from "../lab/lab.ts";
import { type Measure, THIS_PROGRAM } from "./measure.ts";
import type { Result } from "./result.ts";
import { type Spread, spreadOf } from "./spread.ts";

/** A difference of less than this part of the median is none, whatever the spread. */
const TOLERANCE = 0.05;

/** A figure that does not depend on how fast the machine is. */
export interface Ratio {
    /** For example "memory per session: this program : HAProxy". */
    name: string;
    /** One for each run. */
    values: number[];
    better: "less" | "more";
}

/** A ratio that got worse. */
export interface Regression {
    part: string;
    ratio: string;
    before: Spread;
    after: Spread;
}

/**
 * The ratios between this program and each other subject in the same run, values that are ratios already, and counts
 * whose goal is 0, such as errors.
 */
export function ratiosOf(measures: readonly Measure[]): Ratio[] {
    return measures.flatMap((measure) => {
        const { name, subject, values, better, aside } = measure;
        if (aside) return [];
        if (measure.unit === "ratio" || (measure.goal === 0 && subject === THIS_PROGRAM)) {
            return [{ name: `${name}: ${subject}`, values, better }];
        }
        const own = measures.find((other) => other.name === name && other.subject === THIS_PROGRAM);
        const quotients = own && own !== measure ? perRun(own.values, values) : [];
        if (quotients.length === 0) return [];
        return [{ name: `${name}: ${THIS_PROGRAM} : ${subject}`, values: quotients, better }];
    });
}

/** The quotient of each run. Empty if one of them has no quotient. */
function perRun(own: readonly number[], base: readonly number[]): number[] {
    const runs = Math.min(own.length, base.length);
    const quotients = own.slice(0, runs).map((value, run) => value / base[run]!);
    return quotients.every(Number.isFinite) ? quotients : [];
}

/**
 * Which ratios got worse than their spread: the best run of now is worse than the worst run of before, and the median
 * by more than the tolerance.
 *
 * @throws LabError if nothing can be compared
 */
export function compare(before: readonly Result[], after: readonly Result[]): Regression[] {
    let compared = 0;
    const worse = after.flatMap((now) => {
        const then = before.find(({ part }) => part === now.part);
        if (!then) return [];
        if (then.quick !== now.quick) {
            const kind = (quick: boolean) => (quick ? "a quick run" : "a full run");
            throw new LabError(
                `${now.part} was measured by ${kind(then.quick)} and now by ${kind(now.quick)}, which have other sizes: compare runs of one kind`,
            );
        }
        const earlier = new Map(ratiosOf(then.measures).map((ratio) => [ratio.name, ratio]));
        return ratiosOf(now.measures).flatMap(({ name, values, better }) => {
            const old = earlier.get(name);
            if (!old) return [];
            compared++;
            return isWorse(old.values, values, better)
                ? [{ part: now.part, ratio: name, before: spreadOf(old.values), after: spreadOf(values) }]
                : [];
        });
    });
    if (compared === 0) {
        throw new LabError(
            "the results to compare with have no ratio in common with this run: name others, or other parts",
        );
    }
    return worse;
}

function isWorse(before: readonly number[], after: readonly number[], better: "less" | "more"): boolean {
    const [old, now] = [spreadOf(before), spreadOf(after)];
    return better === "less"
        ? now.min > old.max && now.median > old.median * (1 + TOLERANCE)
        : now.max < old.min && now.median < old.median * (1 - TOLERANCE);
}
