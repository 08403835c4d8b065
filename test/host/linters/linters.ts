import { execa } from "execa";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "../../../lab/engine/apt.ts";
import { ensureGo } from "../../../lab/engine/build-pulumi.ts";
import { labCacheDir } from "../../../lab/lab.ts";

const HERE = import.meta.dirname;
const CACHE = join(labCacheDir(), "tools");

/** Path of actionlint, which go.mod pins. It runs shellcheck on the scripts of a workflow. */
export async function actionlint(): Promise<string> {
    const version = /actionlint (v\S+)/.exec(readFileSync(join(HERE, "go.mod"), "utf8"))![1]!;
    return cached(`actionlint-${version}`, "actionlint", async (directory) => {
        const go = await ensureGo(join(CACHE, "go"), () => undefined);
        const args = ["build", "-trimpath", "-o", join(directory, "actionlint")];
        // The same as for the Pulumi CLI: no other Go, and no C.
        const env = { GOTOOLCHAIN: "local", CGO_ENABLED: "0" };
        await execa(go, [...args, "github.com/rhysd/actionlint/cmd/actionlint"], { cwd: HERE, env });
    });
}

/** Path of zizmor, which requirements.txt pins. */
export async function zizmor(): Promise<string> {
    const requirements = join(HERE, "requirements.txt");
    const version = /^zizmor==(\S+)/.exec(readFileSync(requirements, "utf8"))![1]!;
    return cached(`zizmor-${version}`, "bin/zizmor", async (directory) => {
        if ((await execa("python3", ["-m", "pip", "--version"], { reject: false })).failed) {
            await aptInstall(
                [{ name: "python3-pip", why: "fetches zizmor, which reads the workflows" }],
                () => undefined,
            );
        }
        const pinned = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", requirements];
        await execa("python3", ["-m", "pip", "install", "--quiet", ...pinned, "--target", directory]);
    });
}

/** The file `path` of a directory in the cache, which is made if it is not there. */
export async function cached(name: string, path: string, make: (directory: string) => Promise<void>): Promise<string> {
    const directory = join(CACHE, name);
    if (!existsSync(join(directory, path))) {
        mkdirSync(CACHE, { recursive: true });
        // Another run may make the same at the same time.
        const draft = mkdtempSync(`${directory}-`);
        await make(draft);
        try {
            renameSync(draft, directory);
        } catch {
            // The other run was faster.
            rmSync(draft, { recursive: true });
        }
    }
    return join(directory, path);
}
