import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Workspace, removeBrokenAttributes } from "../../lab/engine/workspace.ts";

test("empty attribute files of a killed engine are removed, and complete ones stay", () => {
    const stateDir = mkdtempSync(join(tmpdir(), "state-"));
    const at = (name: string) => join(stateDir, ".pulumi/stacks/linkmesh-proxy", name);
    mkdirSync(at(""), { recursive: true });
    for (const [name, text] of [
        ["lab.json", ""],
        ["lab.json.attrs", ""],
        ["lab.json.bak.attrs", '{"user.content_type":"application/json"}'],
    ] as const)
        writeFileSync(at(name), text);
    removeBrokenAttributes({ stateDir } as Workspace);
    expect(["lab.json", "lab.json.attrs", "lab.json.bak.attrs"].map((name) => existsSync(at(name)))).toEqual([
        true,
        false,
        true,
    ]);
    rmSync(stateDir, { recursive: true });
});
