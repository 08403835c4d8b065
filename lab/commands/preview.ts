import { join } from "node:path";
import { requireLab } from "../slots.ts";
import { requireMachine } from "../engine/prerequisites.ts";
import { Ui } from "../ui.ts";
import { publishPackage, publishedPackage } from "./package.ts";
import { configureStack, openSession, planSettings } from "./session.ts";

export interface PreviewOptions {
    set?: string[];
    diff?: boolean;
    json?: boolean;
    verbose?: boolean;
}

/** Prints what `up` would change. Settings given here apply only to this preview. A lab that is not there is not made. */
export async function preview(options: PreviewOptions): Promise<void> {
    const lab = requireLab();
    requireMachine();
    const settings = planSettings(options.set ?? []);
    const ui = new Ui({ stream: process.stderr, verbose: options.verbose });
    const session = await openSession(lab, (message) => ui.info(message));
    try {
        await session.stack.init();
        const pkg = publishedPackage(lab) ?? (await publishPackage(lab, undefined));
        const configFile = join(session.stack.workspace.dir, "preview.yaml");
        configureStack(lab, session.stack, pkg, settings.overrides, configFile);
        const color = process.stdout.isTTY && !process.env.NO_COLOR;
        const { stdout, stderr } = await session.stack.preview({
            diff: options.diff,
            json: options.json,
            color,
            configFile,
            // The comment about a preview has its errors. In text they would be printed several times, by the engine and by the lab.
            onOutput: options.json ? (text) => process.stdout.write(text) : undefined,
        });
        if (!options.json) process.stdout.write(stdout);
        // With --diff, the engine prints messages to stderr, for example why a step runs again.
        process.stderr.write(stderr);
    } finally {
        await session.close();
    }
}
