import { z } from "zod";

/** The text is no preview, or the preview failed: one sentence for the user. */
export class InvalidPreview extends Error {
    override name = "InvalidPreview";
}

const State = z.object({ custom: z.boolean().default(true), inputs: z.record(z.string(), z.unknown()).default({}) });

const PreviewStep = z.object({
    op: z.string(),
    urn: z.string(),
    oldState: State.optional(),
    newState: State.optional(),
    replaceReasons: z.array(z.string()).default([]),
});

const Diagnostic = z.object({ urn: z.string().default(""), message: z.string(), severity: z.string() });

const Preview = z
    .object({ steps: z.array(PreviewStep).optional(), diagnostics: z.array(Diagnostic).optional() })
    .refine(({ steps, diagnostics }) => steps !== undefined || diagnostics !== undefined)
    .transform(({ steps = [], diagnostics = [] }) => ({ steps, diagnostics }));

/** What this tool uses of the output of `pulumi preview --json`. */
export type Preview = z.infer<typeof Preview>;
export type PreviewStep = z.infer<typeof PreviewStep>;
export type Diagnostic = z.infer<typeof Diagnostic>;

/** Reads the output of `pulumi preview --json`. */
export function readPreview(text: string): Preview {
    if (text.trim() === "") {
        throw new InvalidPreview(
            "the preview is empty: `pulumi preview --json` prints nothing if it fails before the program runs, and says why on standard error.",
        );
    }
    const parsed = Preview.safeParse(parseJson(text));
    if (!parsed.success) {
        throw new InvalidPreview(
            "this is not the output of `pulumi preview --json`: give that command's output, unchanged.",
        );
    }
    return parsed.data;
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
