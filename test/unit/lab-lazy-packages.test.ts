import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Runs it in a process of its own, in which nothing is loaded yet, and returns what it prints. */
function run(script: string): string {
    const head = `
        const { createRequire } = await import("node:module");
        const require = createRequire(process.cwd() + "/x.js");
        (await import("./lab/engine/lazy-packages.ts")).loadLazily();
        const loaded = () => Object.keys(require.cache).filter((file) => /node_modules\\/(typescript|@npmcli\\/arborist)\\//.test(file)).length;
        const pulumi = require("@pulumi/pulumi");`;
    return execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", head + script], {
        cwd: join(import.meta.dirname, "../.."),
        encoding: "utf8",
    }).trim();
}

test("the SDK loads no compiler and no package manager, unless a program serializes a function", () => {
    expect(run('require("@pulumi/pulumi/automation/index.js"); console.log(loaded());')).toBe("0");
    const serialized = run(`
        const { text } = await pulumi.runtime.serializeFunction((a) => a + 1);
        console.log(loaded() > 0, text.includes("a + 1"));`);
    expect(serialized).toBe("true true");
});
