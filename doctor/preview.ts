import { pulumiCause, runPulumi } from "../checks/pulumi.ts";
import { forSelection, type Selection } from "../checks/selection.ts";
import { fail, ok, type Finding } from "../checks/types.ts";
import { UsageError } from "../checks/usage-error.ts";
import { changesOf, shortType } from "../preview/changes.ts";
import { InvalidPreview, readPreview, type Preview } from "../preview/preview.ts";

const HINT = "see it with pulumi preview --refresh --diff; pulumi up --refresh brings it back to the settings";

/** What `pulumi up --refresh` would change, a finding for each resource. @throws UsageError if the preview fails */
export async function previewChanges({ stack, cwd }: Selection): Promise<Finding[]> {
    const named = stack === undefined ? [] : ["--stack", stack];
    const result = await runPulumi(["preview", "--refresh", "--json", ...named], cwd);
    if (result.failed) {
        const cause = pulumiCause(errorIn(result.stdout ?? "") ?? result.stderr ?? "");
        throw new UsageError(`pulumi preview failed: ${cause}.`);
    }
    try {
        return judgePreview(readPreview(result.stdout), { stack, cwd });
    } catch (error) {
        if (!(error instanceof InvalidPreview)) throw error;
        throw new UsageError(`what \`pulumi preview --refresh --json\` printed cannot be read: ${error.message}`);
    }
}

/** Pure. */
export function judgePreview(preview: Preview, selection: Selection): Finding[] {
    const changes = changesOf(preview);
    if (changes.length === 0) return [{ name: "preview", ...ok("the cloud has what the settings say") }];
    return changes.map(({ name, type, kind }) => ({
        name: "preview",
        ...fail(`${shortType(type)} ${name} would be ${kind}`, forSelection(HINT, selection)),
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
