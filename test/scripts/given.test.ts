import { beforeAll, describe, expect, test } from "vitest";
import { readScript } from "../../components/host/render/script.ts";
import { STEPS } from "../../components/host/steps.ts";
import { renderStep } from "../../components/host/render/step.ts";
import { TestCa } from "../host/test-ca.ts";
import { CONFIG, reveal, runProgram } from "../unit/program.ts";
import { taken } from "./shell.ts";

/** Set by the machine's /etc/os-release. */
const FROM_THE_MACHINE: Record<string, string[]> = { ready: ["ID", "PRETTY_NAME", "VERSION_ID"] };
/** Given only so that a change of them runs the step again. */
const TO_RUN_AGAIN: Record<string, string[]> = { verify: ["LINKMESH"], "in-service": ["BEFORE"] };

const NODE_PROGRAM = "../lab/node-program/index.ts";

/** Sets of settings that reach every step, and every variable and file of it. */
const MODES: Record<string, Record<string, string>> = {
    "the defaults": {},
    "gRPC off": { grpc: "false" },
    "names of its own": { grpcDomain: "grpc.example.com", uiDomain: "ui.example.com" },
    "DNS-01": { acmeChallenge: "dns-01", certificateNames: '["*.example.com"]', httpRedirect: "false" },
    "another authority": {
        acmeDirectory: "https://acme.example.com/dir",
        acmeEabKeyId: "kid",
        acmeEabHmacKey: "aGVsbG8",
    },
    "records elsewhere": { dns: "external" },
    "an APT source": {
        linkmeshDebUrl: "",
        linkmeshDebSha256: "",
        linkmeshAptSource: "https://apt.example.com stable main",
        linkmeshVersion: "1.0",
        linkmeshAptKey: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----",
    },
    "files for LinkMesh": { linkmeshFiles: '{"ca.pem":"x"}' },
    alarms: { alarms: "platform@example.com" },
    "Session Manager": { sessionManager: "true", operatingSystem: "ubuntu-24.04" },
    "a private network": {
        publicAddress: "false",
        subnetId: "subnet-0abc",
        acmeDirectory: "https://acme.example.com/dir",
    },
};

/** What a step's text begins with: the names of its variables, and of the files that it unpacks. */
function given(text: string): { variables: string[]; files: string[] } {
    const [head, rest] = text.split("\nunpack() {\n") as [string, string];
    const names = [...head.matchAll(/^([A-Z][A-Z0-9_]*)='/gm)].map(([, name]) => name!);
    return {
        variables: names.sort(),
        files: [...rest.matchAll(/^ {4}cat >"\$FILES\/(.*)" <<'/gm)].map(([, name]) => name!).sort(),
    };
}

/** What the text of a step without variables and files uses. */
function usesOf(step: string): ReturnType<typeof taken> {
    const { variables, files } = taken(renderStep({ name: step }).replace(/^STEP=.*/, ""));
    return { variables: [...variables, ...(TO_RUN_AGAIN[step] ?? [])].sort(), files };
}

let own: Record<string, string>;
beforeAll(async () => {
    const authority = await TestCa.create("CN=a CA of one's own");
    const { cert, key } = await authority.issue(["linkmesh.example.com"]);
    own = { tlsCertificate: cert + authority.pem, tlsPrivateKey: key };
});

describe("a step is given what its script and the functions use, and nothing else", () => {
    const seen = new Set<string>();
    const uses: Record<string, ReturnType<typeof taken>> = {};

    test.each([...Object.keys(MODES), "a certificate of one's own", "a load balancer"])("with %s", async (mode) => {
        const { registered } =
            mode === "a load balancer"
                ? await runProgram(CONFIG, { program: NODE_PROGRAM })
                : await runProgram({ ...CONFIG, ...(MODES[mode] ?? own) });
        const steps = registered.filter(({ type }) => type === "command:remote:Command");
        expect(steps.length).toBeGreaterThan(8);
        const compared = steps.map(({ name, inputs }) => {
            const step = name.replace("linkmesh-", "");
            seen.add(step);
            const { variables, files } = given(reveal<string>(inputs.stdin));
            return {
                gives: { step, variables: [...variables, ...(FROM_THE_MACHINE[step] ?? [])].sort(), files },
                uses: { step, ...(uses[step] ??= usesOf(step)) },
            };
        });
        expect(compared.map(({ gives }) => gives)).toEqual(compared.map(({ uses }) => uses));
    });

    test("the modes above reach every step", () => {
        expect([...seen].sort()).toEqual(Object.keys(STEPS).sort());
        for (const name of seen) expect(readScript(name)).toContain("\nmain() {\n");
    });
});
