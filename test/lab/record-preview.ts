import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readParts } from "../../components/host/render/step.ts";
import { type Preview, readPreview } from "../../preview/preview.ts";

const DIRECTORY = join(import.meta.dirname, "../unit/previews");

export const isRecording = process.env.LINKMESH_RECORD_PREVIEWS !== undefined;

/**
 * Keeps a preview for the golden comments of test/unit, if LINKMESH_RECORD_PREVIEWS is set. Kept is what the comment is made of;
 * a step's script, which is long, is not.
 */
export function record(name: string, text: string): void {
    if (!isRecording) return;
    const { steps, diagnostics } = readPreview(text);
    const kept = steps.map(({ oldState, newState, ...step }) => ({
        ...step,
        oldState: withoutScript(oldState),
        newState: withoutScript(newState),
    }));
    writeFileSync(join(DIRECTORY, `${name}.json`), `${JSON.stringify({ steps: kept, diagnostics }, undefined, 1)}\n`);
}

type State = Preview["steps"][number]["newState"];

function withoutScript(state: State): State {
    const stdin = state?.inputs.stdin;
    if (typeof stdin !== "string" || !stdin.startsWith("STEP=")) return state;
    const script = readParts(stdin).get("script")!;
    return { ...state!, inputs: { ...state!.inputs, stdin: stdin.slice(0, stdin.length - script.length) } };
}
