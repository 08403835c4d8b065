import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { preview } from "../../lab/commands/preview.ts";
import { services } from "../../lab/services/services.ts";
import { allocateLab } from "../../lab/slots.ts";

let root: string;
let printed: string;

beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "preview-"));
    vi.stubEnv("LINKMESH_LAB_ROOT", root);
    vi.stubEnv("PATH", `${root}/bin:${process.env.PATH}`);
    const lab = await allocateLab();
    const { packagesDir } = services(lab);
    mkdirSync(packagesDir, { recursive: true });
    writeFileSync(join(packagesDir, "a.deb"), "");
    const published = { url: "http://10.77.128.55/a.deb", sha256: "", origin: "a.deb" };
    writeFileSync(join(lab.dir, "package.json"), JSON.stringify(published));
    // As the engine tells a wrong setting: while it goes on, in its summary, and on standard error.
    const told = 'printf "error: subnetId is wrong.\\n%.0s" 1 2 3 4';
    mkdirSync(join(root, "bin"));
    writeFileSync(
        join(root, "bin/pulumi"),
        `#!/bin/bash\ncase $1 in version) echo v3.999.0 ;; preview) ${told}; echo "error: subnetId is wrong." >&2; exit 1 ;; esac\n`,
    );
    chmodSync(join(root, "bin/pulumi"), 0o755);
    printed = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
        printed += String(text);
        return true;
    });
});
afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
});

it("a preview that fails prints nothing but its sentence, and with --json what the comment is made of", async () => {
    const sentence = String(await preview({}).catch(String));
    expect(sentence).toMatch(/^LabError: subnetId is wrong\.\n\(preview failed; its whole output: \S+\)$/);
    expect(printed).toBe("");
    const log = /its whole output: (\S+)\)$/.exec(sentence)![1]!;
    expect(readFileSync(log, "utf8").match(/subnetId/g)).toHaveLength(5);
    await expect(preview({ json: true })).rejects.toThrow(/^subnetId is wrong\./);
    expect(printed.match(/subnetId/g)).toHaveLength(4);
});
