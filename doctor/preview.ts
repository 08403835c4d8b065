import { execa } from "execa";
import { pulumiCause } from "../checks/pulumi.ts";
import { fail, ok, type Finding } from "../checks/types.ts";
import { UsageError } from "../checks/usage-error.ts";
import { changesOf, shortType } from "../preview/changes.ts";
import { InvalidPreview, readPreview, type Preview } from "../preview/preview.ts";

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
    if (result.failed) {
        const cause = pulumiCause(errorIn(result.stdout ?? "") ?? result.stderr ?? "");
        throw new UsageError(`pulumi preview failed: ${cause}.`);
    }
    try {
        return judgePreview(readPreview(result.stdout));
    } catch (error) {
        if (!(error instanceof InvalidPreview)) throw error;
        throw new UsageError(`what \`pulumi preview --refresh --json\` printed cannot be read: ${error.message}`);
    }
}

/** Pure. */
export function judgePreview(preview: Preview): Finding[] {
    const changes = changesOf(preview);
    if (changes.length === 0) return [{ name: "preview", ...ok("the cloud has what the settings say") }];
    return changes.map(({ name, type, kind }) => ({
        name: "preview",
        ...fail(`${shortType(type)} ${name} would be ${kind}`, HINT),
    }));
}

/** Undefined if the CLI failed before the program ran: then it says why on standard error. */
function errorIn(printed: string): string | undefined {
    try {
        return readPreview(printed).diagnostics.find(({ severity }) => severity === "error")?.message;
    } catch (error) {
        if (!(error instanceof InvalidPreview)) throw error;
        return undefined;
    }
}
