/** The subject that every ratio is about. */
export const THIS_PROGRAM = "this program";

/** One figure of one subject. */
export interface Measure {
    /** What is measured, for example "memory per session". The same name in several subjects is one comparison. */
    name: string;
    /** Who is measured: {@link THIS_PROGRAM}, a rival, or a floor such as "direct". */
    subject: string;
    /** "s", "KiB", "" for a count, or "ratio" for a value that is one already. */
    unit: string;
    /** One for each run. The runs take turns over the subjects, so that other load affects all of them alike. */
    values: number[];
    better: "less" | "more";
    goal?: number;
    /** Shows that the benchmark itself is sound. It is in the table only: nobody compares it. */
    aside?: true;
}

/** Collects the values of interleaved runs into measures. */
export class Measures {
    readonly #measures = new Map<string, Measure>();

    add(subject: string, name: string, value: number, rest: Pick<Measure, "unit" | "better" | "goal" | "aside">): void {
        const key = `${name}\n${subject}`;
        const measure = this.#measures.get(key) ?? { name, subject, ...rest, values: [] };
        measure.values.push(value);
        this.#measures.set(key, measure);
    }

    /** Sorted by name in the order in which the names came, so that the subjects of a comparison are side by side. */
    list(): Measure[] {
        const all = [...this.#measures.values()];
        const names = [...new Set(all.map(({ name }) => name))];
        return names.flatMap((name) => all.filter((measure) => measure.name === name));
    }
}
