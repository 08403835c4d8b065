import { execa } from "execa";
import { z } from "zod";
import { pulumiCause } from "../checks/pulumi.ts";
import { fail, ok, type Finding } from "../checks/types.ts";
import { UsageError } from "../checks/usage-error.ts";

/** What this uses of the output of `pulumi preview --json`. */
const PREVIEW = z.object({
    steps: z.array(z.object({ op: z.string(), urn: z.string() })).default([]),
    diagnostics: z.array(z.object({ message: z.string(), severity: z.string() })).default([]),
});

/** What an operation of the engine would do to a resource. The others leave it as it is. */
const WOULD: Readonly<Record<string, string>> = {
    create: "would be created",
    update: "would be updated",
    replace: "would be replaced",
    "create-replacement": "would be replaced",
    "delete-replaced": "would be replaced",
    delete: "would be deleted",
    import: "would be imported",
};

const HINT = "see it with pulumi preview --refresh --diff; pulumi up --refresh brings it back to the settings";

/** What `pulumi up --refresh` would change, a finding for each resource. @throws UsageError if the preview fails */
export async function previewChanges({ stack, cwd }: { stack?: string; cwd?: string }): Promise<Finding[]> {
    const named = stack === undefined ? [] : ["--stack", stack];
    const result = await execa("pulumi", ["--non-interactive", "preview", "--refresh", "--json", ...named], {
        cwd,
        reject: false,
        stdin: "ignore",
        env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    if (result.code === "ENOENT") throw new UsageError("there is no `pulumi` on PATH. Install the Pulumi CLI.");
    const { steps, diagnostics } = readPreview(result.stdout ?? "");
    if (result.failed) {
        const error = diagnostics.find(({ severity }) => severity === "error")?.message;
        throw new UsageError(`pulumi preview failed: ${pulumiCause(error ?? result.stderr ?? "")}.`);
    }
    return judgePreview(steps);
}

/** Pure. */
export function judgePreview(steps: readonly { op: string; urn: string }[]): Finding[] {
    // A replacement has several steps, and the stack itself only holds outputs.
    const changes = new Map(
        steps
            .filter(({ op, urn }) => op in WOULD && !urn.includes("::pulumi:pulumi:Stack::"))
            .map(({ op, urn }) => [urn, WOULD[op]!]),
    );
    if (changes.size === 0) return [{ name: "preview", ...ok("the cloud has what the settings say") }];
    return [...changes].map(([urn, would]) => {
        const [, , types = "", ...name] = urn.split("::");
        return { name: "preview", ...fail(`${types.split(/[$:]/).at(-1)} ${name.join("::")} ${would}`, HINT) };
    });
}

/** An empty one if it is none, as when the CLI fails before the program runs. */
function readPreview(text: string): z.infer<typeof PREVIEW> {
    try {
        return PREVIEW.parse(JSON.parse(text));
    } catch {
        return { steps: [], diagnostics: [] };
    }
}
