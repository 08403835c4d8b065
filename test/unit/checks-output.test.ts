import { rootCertificates } from "node:tls";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import type { Checks } from "../../components/checks.ts";
import { checksIn } from "../../checks/outputs.ts";
import { targetOf } from "../../checks/stack.ts";
import { validate } from "../../checks/validate.ts";
import { TestCa } from "../host/test-ca.ts";
import { BASTION } from "./keys.ts";
import { CONFIG, runProgram, valueOf } from "./program.ts";

let ca: TestCa;
let own: Record<string, string>;
beforeAll(async () => {
    ca = await TestCa.create("CN=own");
    const { cert, key } = await ca.issue(["linkmesh.example.com"]);
    own = { tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key };
});

async function output(config: Record<string, string> = {}): Promise<Checks> {
    const secretKeys = ["bastionPrivateKey", "tlsPrivateKey"];
    const { outputs } = await runProgram({ ...CONFIG, ...config }, { secretKeys });
    expect(await pulumi.isSecret(outputs.checks as pulumi.Output<Checks>)).toBe(false);
    const checks = (await valueOf(outputs.checks)) as Checks;
    expect(JSON.stringify(checks)).not.toMatch(/PRIVATE KEY/);
    // What the program writes the tools read.
    expect(checksIn({ checks }).map((found) => found.checks)).toEqual([checks]);
    return checks;
}

const USUAL = {
    host: "linkmesh.example.com",
    ipv4: "203.0.113.10",
    ipv6: "2001:db8:0:100::10",
    grpc: { host: "linkmesh.example.com", port: 50051 },
    http: true,
    ownCertificate: false,
    acmeDirectory: "staging",
    ssh: {
        host: "203.0.113.10",
        user: "admin",
        hostKey: expect.stringMatching(/^\S+ \S+/) as string,
        generatedKey: true,
    },
    paused: false,
};

describe("the output `checks`", () => {
    test("holds what a check has to know, and no secret", async () => {
        expect(await output()).toEqual(USUAL);
    });

    test.each<[string, Record<string, string>, object]>([
        [
            "names of their own",
            { uiDomain: "ui.example.com", grpcDomain: "grpc.example.com" },
            { uiHost: "ui.example.com", grpc: { host: "grpc.example.com", port: 443 } },
        ],
        ["a pause", { paused: "true" }, { paused: true }],
        ["snapshots every night", { dailySnapshots: "7" }, { dailySnapshots: 7 }],
        [
            "a bastion",
            BASTION,
            {
                ssh: {
                    ...USUAL.ssh,
                    bastion: { host: "bastion.example.com", user: "admin", hostKey: BASTION.bastionHostKey },
                },
            },
        ],
    ])("with %s", async (_, config, change) => {
        expect(await output(config)).toEqual({ ...USUAL, ...change });
    });

    test("without gRPC it has no place of it", async () => {
        expect(await output({ grpc: "false" })).not.toHaveProperty("grpc");
    });

    test("with an own certificate it has the CA that clients must trust, and no authority", async () => {
        const checks = await output({ ...own, httpRedirect: "false" });
        expect(checks).toMatchObject({ ownCertificate: true, http: false });
        expect(checks).not.toHaveProperty("acmeDirectory");
        expect(checks.ca!.trim()).toBe(ca.pem.trim());
    });

    test("with a private authority it has that one's CA", async () => {
        const checks = await output({ acmeDirectory: "https://ca.example.com/acme", acmeCaBundle: ca.pem });
        expect(checks.acmeDirectory).toBe("https://ca.example.com/acme");
        expect(checks.ca!.trim()).toBe(ca.pem.trim());
    });
});

test.each<[string, Partial<Checks>, object]>([
    ["a usual host", {}, {}],
    ["a name of the web UI", { uiHost: "ui.example.com" }, { uiHost: "ui.example.com" }],
    ["no gRPC", { grpc: undefined }, { grpc: false }],
    ["no IPv6", { ipv6: undefined }, { ipv6: false }],
    ["no port 80", { http: false }, { httpPort: false }],
    ["an own certificate", { ownCertificate: true }, { ownCertificate: true }],
])("%s is checked for what the output says", (_, change, wanted) => {
    const target = targetOf({ ...USUAL, ...change });
    const { host, ipv4, ipv6, grpc } = USUAL;
    expect(target).toEqual({ host, ipv4, ipv6, grpc, ownCertificate: false, health: true, ...wanted });
    expect(() => validate(target, [])).not.toThrow();
});

test("the bundle of an ACME directory counts beside the public roots, because another CA may issue", () => {
    const own = targetOf({ ...USUAL, ca: ca.pem, ownCertificate: true });
    expect(own.ca).toBe(ca.pem);
    const target = targetOf({ ...USUAL, ca: ca.pem });
    const blocks = target.ca!.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!;
    expect(blocks[0]).toBe(ca.pem.trim());
    expect(blocks.slice(1)).toEqual([...rootCertificates]);
    expect(() => validate(target, [])).not.toThrow();
});
