import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StorageSettings } from "../../../lab/storage/settings.ts";
import { lab, labOk, sets, theLab } from "../lab.ts";
import type { Run } from "../run.ts";
import { nodeNames, onNode } from "./nodes.ts";
import { environmentOf, severalWith } from "./stack.ts";

/** A first `up` with a MongoDB that does not answer, and one without the fault. */
export function faultyStart(storage: () => StorageSettings, whenUp: (run: Run) => void): void {
    test("the first node says in one sentence that LinkMesh does not start without MongoDB, and the second is not touched", async () => {
        const { LINKMESH_MONGODB_URI: uri = "", ...others } = environmentOf(storage().severalEnvironmentFile);
        const file = join(theLab().dir, "wrong-environment.json");
        const wrong = { ...others, LINKMESH_MONGODB_URI: uri.replace(":27017/", ":27018/") };
        writeFileSync(file, JSON.stringify(wrong), { mode: 0o600 });
        const run = await lab("up", ...severalWith(storage(), 2), ...sets({ linkmeshEnvironment: `@${file}` }));
        expect(run.exitCode).toBe(1);
        expect(run.stderr).toMatch(
            /^error: step config on node-1: LinkMesh does not answer with the new config\.yaml.* the old one is in place again: [^\n]+$/m,
        );
        expect(run.stdout).not.toMatch(/step \S+ on node-2/);
        expect(await onNode("node-2", "command -v linkmesh-server nginx || echo none")).toBe("none");
        expect(await onNode("node-1", "journalctl -u linkmesh-server -o cat")).toContain(
            "linkmesh-server: cannot use MongoDB at storage.example.test:27018",
        );
    });

    test("with the right connection string, the next up goes on from there", async () => {
        whenUp(await labOk("up", ...severalWith(storage(), 2)));
        expect(nodeNames()).toEqual(["node-1", "node-2"]);
    });
}
