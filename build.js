import { execFileSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

// What other programs get: npm runs it as `prepare` when it installs this package from git. Node takes no TypeScript
// below node_modules, so they need JavaScript and declarations.

const path = (file) => fileURLToPath(new URL(file, import.meta.url));
const compiler = path("node_modules/typescript-7/bin/tsc");

if (existsSync(compiler)) {
    rmSync(path("dist"), { recursive: true, force: true });
    execFileSync(process.execPath, [compiler, "-p", path("tsconfig.build.json")], { stdio: "inherit" });
    cpSync(path("components/host/scripts"), path("dist/host/scripts"), { recursive: true });
    await buildPolicyPack();
} else {
    // `npm ci --omit=dev` in a checkout: the program itself runs from its sources.
    console.error("There is no TypeScript: dist/, which other programs import, is not built.");
}

/** One file, because the CLI starts a policy pack from its own directory, and so that the pack can be published. */
async function buildPolicyPack() {
    const { build } = await import("esbuild");
    await build({
        entryPoints: [path("policy/pack.ts")],
        outfile: path("dist/policy/index.cjs"),
        bundle: true,
        platform: "node",
        target: "node20",
        external: ["@pulumi/policy"],
        logLevel: "error",
    });
    for (const file of ["PulumiPolicy.yaml", "package.json"])
        cpSync(path(`policy/${file}`), path(`dist/policy/${file}`));
}
