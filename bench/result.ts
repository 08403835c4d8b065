import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { LabError } from "../lab/lab.ts";

const MEASURE = z.strictObject({
    name: z.string().min(1),
    subject: z.string().min(1),
    unit: z.string(),
    values: z.array(z.number()).min(1),
    better: z.enum(["less", "more"]),
    goal: z.number().optional(),
    aside: z.literal(true).optional(),
});

const RESULT = z.strictObject({
    part: z.string().min(1),
    what: z.string(),
    /** The command that measured it. */
    command: z.string(),
    /** ISO 8601. */
    date: z.iso.datetime(),
    quick: z.boolean(),
    /** CPU, memory, system and versions, a line each. */
    machine: z.array(z.string()),
    /** Load average of the last minute before the start. */
    load: z.number(),
    measures: z.array(MEASURE).min(1),
    notes: z.array(z.string()),
});

/** What one run of a part has found; the content of docs/benchmarks/NAME.json. */
export type Result = z.infer<typeof RESULT>;

export function resultText(result: Result): string {
    // Rounded, because further digits are noise and make every diff longer.
    const round = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(5)) : value);
    return `${JSON.stringify(RESULT.parse(result), round, 2)}\n`;
}

/** @throws LabError if the file is not the result of a part */
export function readResult(file: string): Result {
    const wrong = (reason: string) =>
        new LabError(`${file} is no result of the benchmark (${reason}): name a file that npm run bench has written`);
    let value: unknown;
    try {
        value = JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
        throw wrong((error as Error).message.split("\n")[0] ?? "");
    }
    const parsed = RESULT.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw wrong(`${issue?.path.join(".") || "its content"}: ${issue?.message}`);
}

/** The result in a file, or all results in a folder. @throws LabError if there are none */
export function readResults(path: string): Result[] {
    if (!existsSync(path)) {
        throw new LabError(`${path} does not exist: name a file or folder that npm run bench has written`);
    }
    if (!statSync(path).isDirectory()) return [readResult(path)];
    const files = readdirSync(path)
        .filter((name) => name.endsWith(".json"))
        .sort();
    if (files.length === 0) {
        throw new LabError(`${path} contains no results: name a file or folder that npm run bench has written`);
    }
    return files.map((name) => readResult(join(path, name)));
}
