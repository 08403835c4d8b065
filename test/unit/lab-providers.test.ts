import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sshpk from "sshpk";
import ssh2 from "ssh2";
import { describe, expect, it } from "vitest";
import { EXISTING_VPC } from "../../lab/cloud/existing-network.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import { labAt } from "../../lab/lab.ts";
import { checkConnection, toConnection } from "../../lab/providers/command/connection.ts";
import { generateKey } from "../../lab/providers/tls/keys.ts";
import { UNKNOWN, decode, encode, equal, hasUnknown } from "../../lab/providers/property-values.ts";

describe("property values", () => {
    it("keep secrets over the wire", () => {
        const { values, secrets } = decode(encode({ a: "x", b: { c: ["y"] }, gone: null }, new Set(["b"])));
        expect(values).toEqual({ a: "x", b: { c: ["y"] } });
        expect([...secrets]).toEqual(["b"]);
        expect(JSON.stringify(encode({ b: 1 }, new Set(["b"])).toJavaScript())).toContain(
            "1b47061264138c4ac30d75fd1eb44270",
        );
    });

    it("make a whole property secret if a part of it is secret", () => {
        const part = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "s" };
        const { values, secrets } = decode(encode({ tags: { open: "o", hidden: part } }));
        expect(values).toEqual({ tags: { open: "o", hidden: "s" } });
        expect([...secrets]).toEqual(["tags"]);
    });

    it("do not wrap unknown values", () => {
        const wire = encode({ a: { b: [UNKNOWN] } }, new Set(["a"])).toJavaScript();
        expect(wire).toEqual({ a: { b: [UNKNOWN] } });
        expect(hasUnknown(wire.a as never)).toBe(true);
    });

    it("are equal if they differ only in absent and null", () => {
        expect(equal({ a: 1, b: null }, { a: 1 })).toBe(true);
        expect(equal([1, 2], [2, 1])).toBe(false);
        expect(equal("1", 1)).toBe(false);
    });
});

describe("a generated key", () => {
    it.each(["ED25519", "RSA", "ECDSA"] as const)("of kind %s can be read by other tools", async (algorithm) => {
        const key = await generateKey({ algorithm, rsaBits: 2048, ecdsaCurve: "P256" });
        const parsed = ssh2.utils.parseKey(key.privateKeyOpenssh);
        if (parsed instanceof Error) throw parsed;
        expect(`${parsed.type} ${parsed.getPublicSSH().toString("base64")}\n`).toBe(key.publicKeyOpenssh);
        const fingerprint = sshpk.parseKey(key.publicKeyOpenssh, "ssh").fingerprint("sha256").toString();
        expect(key.publicKeyFingerprintSha256).toBe(fingerprint);
        expect(key.publicKeyFingerprintMd5).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
        expect(key.privateKeyPemPkcs8).toContain("BEGIN PRIVATE KEY");
    });

    it("of curve P224 has no OpenSSH format", async () => {
        const key = await generateKey({ algorithm: "ECDSA", ecdsaCurve: "P224" });
        expect(key).toMatchObject({ privateKeyOpenssh: "", publicKeyOpenssh: "" });
        expect(key.privateKeyPem).toContain("BEGIN EC PRIVATE KEY");
    });
});

describe("a connection", () => {
    it("has errors that do not show its values", () => {
        const failures = checkConnection({ port: "22", privateKye: "SECRET", proxy: { user: 5 } });
        expect(failures).toEqual([
            { property: "connection.port", reason: "expected a number" },
            { property: "connection.privateKye", reason: "unknown property" },
            { property: "connection.proxy.user", reason: "expected a string" },
            { property: "connection.proxy.host", reason: 'missing required property "connection.proxy.host"' },
            { property: "connection.host", reason: 'missing required property "connection.host"' },
        ]);
        expect(checkConnection(UNKNOWN)).toEqual([]);
        expect(checkConnection(undefined)).toHaveLength(1);
    });

    it("has the real provider's defaults", () => {
        expect(toConnection({ host: "h", privateKey: "k" })).toMatchObject({
            port: 22,
            user: "root",
            dialErrorLimit: 10,
            perDialTimeout: 15,
        });
    });
});

describe("the cloud's state", () => {
    it("is restored and applied again if a change cannot be applied", async () => {
        const dir = await mkdtemp(join(tmpdir(), "linkmesh-store-"));
        const applied: string[][] = [];
        const store = new CloudStore(
            { ...labAt(7), dir },
            {
                apply(state) {
                    applied.push(Object.keys(state.vpcs).filter((id) => id !== EXISTING_VPC));
                    return state.vpcs.bad ? Promise.reject(new Error("no")) : Promise.resolve();
                },
            },
        );
        const add = (id: string) => store.change((state) => (state.vpcs[id] = { id, cidrBlock: "10.77.0.0/24" }));
        await add("good");
        await expect(add("bad")).rejects.toThrow("no");
        await store.change((state) => (state.tags = { good: { team: "infra" } }));
        await store.change(() => undefined);
        expect(applied).toEqual([["good"], ["good", "bad"], ["good"]]);
        expect(JSON.parse(await readFile(join(dir, "cloud.json"), "utf8"))).toMatchObject({
            vpcs: { good: {} },
            tags: { good: { team: "infra" } },
        });
        await Promise.all(["a", "b", "c"].map(add));
        expect(Object.keys((await store.read()).vpcs)).toEqual([EXISTING_VPC, "good", "a", "b", "c"]);
        await rm(dir, { recursive: true });
    });
});
