import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { UsageError } from "../../checks/usage-error.ts";
import { examineOver, examineStack } from "../../doctor/machines.ts";

describe("nobody can look at a stack", () => {
    const directory = mkdtempSync(join(tmpdir(), "linkmesh-doctor-"));
    afterAll(() => rmSync(directory, { recursive: true }));
    const checks = (change = {}) => ({
        host: "linkmesh.example.com",
        ipv4: "203.0.113.10",
        http: true,
        ownCertificate: false,
        ssh: { host: "203.0.113.10", user: "admin", hostKey: "ssh-ed25519 AAAA", generatedKey: true },
        paused: false,
        ...change,
    });

    test.each<[string, object, RegExp]>([
        [
            "that is paused",
            { checks: checks({ paused: true }) },
            /^linkmesh\.example\.com is paused and has no machine: /,
        ],
        ["that has no outputs", {}, /holds no outputs: the stack has not been created\. Run `pulumi up`\.$/],
        [
            "whose login key is hidden",
            { checks: checks(), sshPrivateKey: "[secret]" },
            /^nobody can log in to .*--key\.$/,
        ],
    ])("%s", async (_, outputs, sentence) => {
        const file = join(directory, "outputs.json");
        writeFileSync(file, JSON.stringify(outputs));
        const failure = await examineStack({ json: file }, {}).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(UsageError);
        expect((failure as Error).message).toMatch(sentence);
    });

    test("whose machine does not answer, or stops in between", async () => {
        const ssh = (script: string) => {
            writeFileSync(join(directory, "ssh"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
            return [join(directory, "ssh")];
        };
        await expect(examineOver(ssh("cat >/dev/null; echo '== start'; echo 1.0"), {})).rejects.toThrow(
            /^the machine stopped before it had told everything: try again/,
        );
        await expect(examineOver(ssh("cat >/dev/null; echo 'ssh: no route' >&2; exit 255"), {})).rejects.toThrow(
            /^the command over SSH failed: ssh: no route: \S/,
        );
    });
});
