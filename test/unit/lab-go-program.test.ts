import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, expect, it } from "vitest";
import { GO_VERSION } from "../../lab/engine/versions.ts";

const directory = mkdtempSync(join(tmpdir(), "linkmesh-go-"));
const cache = join(directory, "cache");
afterAll(() => rmSync(directory, { recursive: true }));

const BUILD = `
    const { ensureGoProgram } = await import("./lab/engine/go-program.ts");
    const program = { name: "tool", source: process.env.SOURCE, package: ".", folder: "tools" };
    await ensureGoProgram(program, () => undefined);`;

/** Builds with a `go` that answers as Go does, and for `go build` does what is given. */
function build(whenBuilding: string) {
    const go = join(directory, "bin/go");
    mkdirSync(join(directory, "bin"), { recursive: true });
    writeFileSync(go, `#!/bin/bash\ncase $1 in env) echo go${GO_VERSION} ;; build) ${whenBuilding} ;; esac\n`);
    chmodSync(go, 0o755);
    return execa(process.execPath, ["--import", "tsx", "--input-type=module", "-e", BUILD], {
        cwd: join(import.meta.dirname, "../.."),
        env: {
            PATH: `${directory}/bin:${process.env.PATH}`,
            LINKMESH_LAB_CACHE: cache,
            SOURCE: join(directory, "source"),
        },
        reject: false,
    });
}

it("a build leaves its program alone, also after one that was killed", async () => {
    mkdirSync(join(directory, "source"));
    writeFileSync(join(directory, "source/go.mod"), "module tool\n");
    expect((await build("kill -KILL $PPID")).signal).toBe("SIGKILL");
    expect(readdirSync(join(cache, "tools"))).toHaveLength(1);
    const { stderr, failed } = await build('while [ "$1" != -o ]; do shift; done; echo >"$2"');
    expect(failed, stderr).toBe(false);
    expect(readdirSync(join(cache, "tools"))).toEqual([expect.stringMatching(/^tool-[0-9a-f]{10}$/)]);
});
