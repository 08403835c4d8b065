import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { UsageError } from "../../checks/usage-error.ts";
import { judgePreview, previewChanges } from "../../doctor/preview.ts";
import { readPreview } from "../../preview/preview.ts";

describe("what a preview would change", () => {
    const step = (op: string, urn: string, custom = true) => {
        const state = { custom };
        return {
            op,
            urn: `urn:pulumi:prod::fleet::${urn}`,
            ...(op === "delete" ? { oldState: state } : { newState: state }),
        };
    };
    const printed = (steps: object[]) => readPreview(JSON.stringify({ steps }));

    test("is a finding for each resource, and one that all is well", () => {
        expect(judgePreview(printed([step("same", "aws:ec2/eip:Eip::linkmesh-eip")]), {})).toMatchObject([
            { status: "ok" },
        ]);
        const machine = "linkmesh-proxy:index:LinkMeshProxy$aws:ec2/instance:Instance::linkmesh-machine";
        const found = judgePreview(
            printed([
                step("same", "pulumi:pulumi:Stack::fleet-prod", false),
                step("update", "pulumi:pulumi:Stack::fleet-prod", false),
                step("create-replacement", machine),
                step("replace", machine),
                step("delete", "aws:route53/record:Record::linkmesh-dns-a"),
            ]),
            { stack: "prod" },
        );
        expect(found.map(({ status, detail }) => `${status} ${detail}`)).toEqual([
            "fail Instance linkmesh-machine would be replaced",
            "fail Record linkmesh-dns-a would be deleted",
        ]);
        expect(found[0]!.hint).toBe(
            "see it with pulumi preview --stack prod --refresh --diff; pulumi up --stack prod --refresh brings it back to the settings",
        );
    });

    describe("by the CLI", () => {
        const directory = mkdtempSync(join(tmpdir(), "linkmesh-drift-"));
        afterAll(() => {
            vi.unstubAllEnvs();
            rmSync(directory, { recursive: true });
        });

        test.each([
            ["prints nothing", "", 0, /^what `pulumi preview .*` printed cannot be read: the preview is empty: /],
            ["prints something else", "{}", 0, /cannot be read: this is not the output of `pulumi preview --json`/],
            ["fails before the program runs", "", 1, /^pulumi preview failed: there is no stack "prod"\. /],
            [
                "fails in the program",
                JSON.stringify({ diagnostics: [{ severity: "error", message: "domain is missing" }] }),
                1,
                /^pulumi preview failed: domain is missing\.$/,
            ],
        ])("that %s is not taken for no drift", async (_, stdout, code, sentence) => {
            const script = `#!/bin/sh\nprintf %s '${stdout}'\necho "error: no stack named 'prod' found" >&2\nexit ${code}\n`;
            writeFileSync(join(directory, "pulumi"), script, { mode: 0o755 });
            vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
            const failure = await previewChanges({}).catch((error: unknown) => error);
            expect(failure).toBeInstanceOf(UsageError);
            expect((failure as Error).message).toMatch(sentence);
        });

        test("a project's directory that is not there is told as such", async () => {
            await expect(previewChanges({ cwd: "/does/not/exist" })).rejects.toThrow(
                "there is no directory /does/not/exist: --cwd",
            );
        });
    });
});
