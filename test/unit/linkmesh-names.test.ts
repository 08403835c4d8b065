import { describe, expect, it } from "vitest";
import { buildPackage } from "../../lab/linkmesh/build.ts";
import { readVariable } from "../../lab/linkmesh/server/secret.ts";
import { mergeSubjectNames, parseSubjectName } from "../../lab/linkmesh/server/server-certificate.ts";

describe("--san", () => {
    it("takes host names and addresses", () => {
        expect(parseSubjectName("dns:LinkMesh.example.com")).toEqual({ dns: ["linkmesh.example.com"], ip: [] });
        expect(parseSubjectName("dns:*.example.com")).toEqual({ dns: ["*.example.com"], ip: [] });
        expect(parseSubjectName("ip:2001:db8::1")).toEqual({ dns: [], ip: ["2001:db8::1"] });
    });

    it.each(["linkmesh.example.com", "dns:", "dns:a..b", "dns:-a.example", "ip:linkmesh", "email:a@b.example"])(
        "refuses %s",
        (san) => expect(() => parseSubjectName(san)).toThrow(`--san ${san}: must be dns:HOSTNAME or ip:ADDRESS`),
    );

    it("keeps each name once, however an address is written", () => {
        const merged = mergeSubjectNames(
            { dns: ["a"], ip: ["0:0:0:0:0:0:0:1"] },
            { dns: ["a", "b"], ip: ["::1", "192.0.2.1"] },
        );
        expect(merged).toEqual({ dns: ["a", "b"], ip: ["::1", "192.0.2.1"] });
    });
});

describe("the environment file", () => {
    it.each([
        ["LINKMESH_SECRET=abc\n", "abc"],
        ["# LINKMESH_SECRET=no\nA=1\nLINKMESH_SECRET='a b'\n", "a b"],
        ['LINKMESH_SECRET="a=b"', "a=b"],
        ["LINKMESH_SECRET=one\nLINKMESH_SECRET=two", "two"],
        ["MY_LINKMESH_SECRET=abc", undefined],
        ["", undefined],
    ])("%j", (text, secret) => {
        expect(readVariable(text, "LINKMESH_SECRET")).toBe(secret);
    });
});

describe("the version of the package", () => {
    it.each(["", "v1", "1 0", "1/0", "1.0-"])("refuses %j", async (version) => {
        await expect(buildPackage({ outDir: "/nonexistent", version })).rejects.toThrow(
            "is not a version of a Debian package",
        );
    });
});
