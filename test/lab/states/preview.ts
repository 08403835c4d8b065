import { join } from "node:path";
import { DryLab } from "../dry-lab.ts";
import { ownCertificate, readStates } from "./kept-states.ts";

/** What the program of this checkout would do to each kept stack, as JSON: version, mode, steps. In a process of its own, like a lab. */
const previews: [version: string, mode: string, steps: string[]][] = [];
for (const { version, stacks } of readStates()) {
    for (const [mode, { program, ...kept }] of Object.entries(stacks)) {
        const certificate = "tlsCertificate" in kept.settings ? await ownCertificate() : {};
        const lab = await DryLab.create(join(import.meta.dirname, "../../..", program));
        try {
            previews.push([
                version,
                mode,
                await lab.preview({ ...kept, settings: { ...kept.settings, ...certificate } }),
            ]);
        } finally {
            lab.remove();
        }
    }
}
console.log(JSON.stringify(previews));
