import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applySets, configuration } from "../../lab/engine/config.ts";
import type { ConfigKey } from "../../lab/engine/workspace.ts";
import { LabError } from "../../lab/lab.ts";

const schema: Record<string, ConfigKey> = {
    domain: { type: "string" },
    collectorsExpected: { type: "integer" },
    dnsAllowOverwrite: { type: "boolean" },
    sshAllowedCidrs: { type: "array" },
    tags: { type: "object" },
};
const set = (...sets: string[]) => applySets({}, sets, "proxy", schema);
const values = (...sets: string[]) => configuration({}, set(...sets), "proxy", schema);

describe("--set", () => {
    it.each([
        ["domain=a.example.test", { "proxy:domain": "a.example.test" }],
        ["proxy:domain=a.example.test", { "proxy:domain": "a.example.test" }],
        ["domain=a=b", { "proxy:domain": "a=b" }],
        ["aws:region=us-east-1", { "aws:region": "us-east-1" }],
        ["collectorsExpected=20000", { "proxy:collectorsExpected": 20000 }],
        ["dnsAllowOverwrite=true", { "proxy:dnsAllowOverwrite": true }],
        ["dnsAllowOverwrite=false", { "proxy:dnsAllowOverwrite": false }],
        ["sshAllowedCidrs=10.0.0.0/8, fd00::/8", { "proxy:sshAllowedCidrs": ["10.0.0.0/8", "fd00::/8"] }],
        ['sshAllowedCidrs=["10.0.0.0/8"]', { "proxy:sshAllowedCidrs": ["10.0.0.0/8"] }],
        ['tags={"team":"a"}', { "proxy:tags": { team: "a" } }],
    ])("%s", (argument, expected) => {
        expect(values(argument)).toEqual(expected);
    });

    it.each([
        ["domain", /--set domain has no value/],
        ["=x", /has no value/],
        ["domian=x", /--set domian=… is not a setting of the program: did you mean domain\?/],
        ["constructor=x", /is not a setting/],
        ["quite-something-else=x", /is not a setting of the program: docs\/settings\.md lists them all$/],
        [
            "tags.team=a",
            /^--set tags\.team=… is a part of tags: write the whole as JSON, --set 'tags=\{"key":"value"\}'$/,
        ],
        ["collectorsExpected=many", /^--set collectorsExpected must be a number$/],
        ["collectorsExpected=1.5", /must be a whole number/],
        ["dnsAllowOverwrite=yes", /must be true or false/],
        ["sshAllowedCidrs=[1", /must be a list/],
        ["tags=a", /must be a JSON object/],
        ["tags=[]", /must be a JSON object/],
    ])("refuses %s", (argument, message) => {
        expect(() => set(argument)).toThrow(message);
        expect(() => set(argument)).toThrow(LabError);
    });

    it("does not repeat a value, which may be a secret", () => {
        expect(() => set("tags=hunter2")).toThrow(LabError);
        expect(() => set("tags=hunter2")).not.toThrow(/hunter2/);
    });

    describe("@FILE", () => {
        let folder: string;
        beforeAll(() => {
            folder = mkdtempSync(join(tmpdir(), "linkmesh-set-"));
            writeFileSync(join(folder, "tags"), '{"team":"hunter2"}\n');
            writeFileSync(join(folder, "none"), "\n");
        });
        afterAll(() => rmSync(folder, { recursive: true }));

        it("stands for the text of the file, so that a secret is in no argument", () => {
            expect(values(`tags=@${folder}/tags`)).toEqual({ "proxy:tags": { team: "hunter2" } });
            expect(values("domain=a@b")).toEqual({ "proxy:domain": "a@b" });
        });

        it.each([
            ["missing", "does not exist: give the path of a file with the value"],
            ["", "cannot be read (EISDIR): give the path of a file with the value"],
            ["none", "is empty: write --set tags= to take a setting back"],
        ])("refuses the file '%s'", (file, reason) => {
            const argument = `tags=@${folder}/${file}`;
            expect(() => set(argument)).toThrow(new LabError(`--set ${argument}: the file ${reason}`));
        });

        it("does not repeat a value of the wrong type", () => {
            expect(() => set(`collectorsExpected=@${folder}/tags`)).toThrow(
                new LabError("--set collectorsExpected must be a number"),
            );
        });
    });

    it("adds to earlier settings, and removes one with an empty value", () => {
        const before = { "proxy:domain": "a.example.test", "proxy:collectorsExpected": "5" };
        expect(applySets(before, ["domain=", "dnsAllowOverwrite=true"], "proxy", schema)).toEqual({
            "proxy:collectorsExpected": "5",
            "proxy:dnsAllowOverwrite": "true",
        });
        expect(before).toHaveProperty(["proxy:domain"]);
    });

    it("takes precedence over the lab's values", () => {
        const own = { "proxy:domain": "own", "aws:region": "eu-central-1" };
        expect(configuration(own, set("domain=mine"), "proxy", schema)).toEqual({
            "proxy:domain": "mine",
            "aws:region": "eu-central-1",
        });
    });
});
