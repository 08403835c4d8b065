import { build } from "esbuild";
import { execa } from "execa";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { stringify } from "yaml";
import type { PulumiCli } from "../lab/engine/find-pulumi.ts";
import { LabStack } from "../lab/engine/stack.ts";
import { engineEnvironment } from "../lab/engine/workspace.ts";
import type { Lab } from "../lab/lab.ts";
import { CHECKOUT } from "../lab/slots.ts";
import { interrupted } from "./lab.ts";
import { timed } from "./spread.ts";

/** What every program that is measured imports, so that the difference is the program's own. */
const SDKS = ["@pulumi/pulumi", "@pulumi/aws", "@pulumi/command", "@pulumi/tls"];
export const IMPORT_SDKS = SDKS.map((name) => `import ${JSON.stringify(name)};\n`).join("");

/** Seconds on the clock, and of processors: Pulumi's, the language host's and the program's. */
export interface Duration {
    clock: number;
    processor: number;
}

/** `pulumi preview` in a shell, with the programs in processes of their own, as a user runs it. */
export class PlainPreviews {
    private constructor(
        private readonly options: { cli: PulumiCli; lab: Lab; debugProviders: string; path: string; scratch: string },
    ) {}

    /** @param options.scratch a directory that is removed afterwards */
    static async create(options: {
        cli: PulumiCli;
        lab: Lab;
        debugProviders: string;
        scratch: string;
    }): Promise<PlainPreviews> {
        const { cli, scratch } = options;
        symlinkSync(join(CHECKOUT, "node_modules"), join(scratch, "node_modules"));
        const path = process.env.PATH ?? "";
        // An installed Pulumi has its language host.
        if (cli.origin === "PATH") return new PlainPreviews({ ...options, path });
        const host = join(scratch, "language-host.mjs");
        await build({
            entryPoints: [join(CHECKOUT, "test/lab/language-host.ts")],
            outfile: host,
            bundle: true,
            packages: "external",
            platform: "node",
            format: "esm",
            target: "node20",
        });
        const bin = join(scratch, "bin");
        mkdirSync(bin);
        const script = `#!/bin/sh\nexec '${process.execPath}' '${host}' "$@"\n`;
        writeFileSync(join(bin, "pulumi-language-nodejs"), script, { mode: 0o755 });
        return new PlainPreviews({ ...options, path: [bin, dirname(process.execPath), path].join(delimiter) });
    }

    /** A stack with the lab's settings whose program is this JavaScript. */
    async stackOf(name: string, source: string): Promise<LabStack> {
        const { cli, lab, debugProviders, scratch } = this.options;
        const programDir = join(scratch, name);
        mkdirSync(programDir);
        const own = new LabStack(lab, { command: cli.command });
        const options = { typescript: false, packagemanager: "npm" };
        const project = { name: own.workspace.project, main: "index.js", runtime: { name: "nodejs", options } };
        writeFileSync(join(programDir, "Pulumi.yaml"), stringify(project));
        writeFileSync(join(programDir, "package.json"), JSON.stringify({ type: "module" }));
        writeFileSync(join(programDir, "index.js"), source);
        const dir = join(scratch, `${name}-lab`);
        const stack = new LabStack({ ...lab, dir }, { command: cli.command, debugProviders, programDir });
        await stack.init();
        stack.configure(own.configuration);
        return stack;
    }

    /** One preview of a stack, from the start of `pulumi` to its end. */
    async time(stack: LabStack, variables: Record<string, string> = {}): Promise<Duration> {
        const { cli, debugProviders, path } = this.options;
        const env = {
            ...engineEnvironment(stack.workspace, cli.command, debugProviders),
            PATH: [...(cli.origin === "PATH" ? [] : [dirname(cli.command)]), path].join(delimiter),
            ...variables,
        };
        // `times` prints what the shell's children have used, once all of them have ended.
        const preview = [cli.command, "preview", "--non-interactive", "--suppress-progress", "--color", "never"];
        let processor = NaN;
        const clock = await timed(async () => {
            const { stdout } = await execa("bash", ["-c", '"$@" >&2 || exit; times', "preview", ...preview], {
                cwd: stack.workspace.dir,
                env,
                extendEnv: false,
                stdin: "ignore",
                cancelSignal: interrupted,
            });
            processor = processorSeconds(stdout);
        });
        return { clock, processor };
    }
}

/** Of the last line of `times`: minutes and seconds that the children have used, as "0m1.250s 0m0.130s". */
function processorSeconds(text: string): number {
    const found = [...(text.trimEnd().split("\n").at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g)];
    return found.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
