import { beforeEach, describe, expect, it } from "vitest";
import { LAB_ZONE } from "../../lab/lab.ts";
import { renderZone } from "../../lab/services/zone.ts";
import { labAt } from "../../lab/lab.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

let cloud: TestCloud;
beforeEach(() => {
    cloud = TestCloud.create();
});

const set = (name: string, type: string, ...records: string[]) => ({
    zoneId: "Z0LABEXAMPLETEST",
    name,
    type,
    ttl: 60,
    records,
});

describe("a set of records", () => {
    const label = "x".repeat(64);
    it.each<[name: string, type: string, values: string[], reason: string]>([
        [LAB_ZONE, "CNAME", ["a.example"], "RRSet of type CNAME with DNS name example.test. is not permitted at apex"],
        ["a", "CNAME", ["a.example"], "is not permitted as it conflicts with other records with the same DNS name"],
        ["c", "A", ["192.0.2.1"], "because a conflicting RRSet of type CNAME with the same DNS name already exists"],
        ["c", "TXT", ["x"], "because a conflicting RRSet of type CNAME with the same DNS name already exists"],
        ["d", "CNAME", ["a.example", "b.example"], "a CNAME has one"],
        ["d", "CNAME", ["a b.example"], "UnsupportedCharacter (Value contains unsupported characters)"],
        [label, "A", ["192.0.2.1"], `DomainLabelTooLong (Domain label is too long) encountered with '${label}'`],
        [`a..${LAB_ZONE}`, "A", ["192.0.2.1"], "DomainLabelEmpty (Domain label is empty)"],
        [`${"a.".repeat(130)}${LAB_ZONE}`, "A", ["192.0.2.1"], "DomainNameTooLong"],
        ["ä", "A", ["192.0.2.1"], "UnsupportedCharacter (Value contains unsupported characters) encountered with 'ä'"],
        ["b", "A", ["example.test"], "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"],
        ["b", "AAAA", ["192.0.2.1"], "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"],
        ["b", "AAAA", ["fe80::1%eth0"], "AAAARRDATAIllegalIPv6Address"],
        ["b", "CAA", ['999 issue "letsencrypt.org"'], "CAARRDATAIllegalFlags"],
        ["b", "CAA", ['0 is_sue "letsencrypt.org"'], "CAARRDATAIllegalTag"],
        ["b", "CAA", ["0 issue letsencrypt.org"], "CAARRDATAIllegalFormat"],
        ["b", "CAA", ['0 issue "a"b"'], "CAARRDATAIllegalValue"],
        ["b", "TXT", ["x".repeat(256)], "CharacterStringTooLong (Value is too long)"],
        ["b", "TXT", ["a\nb"], "UnsupportedCharacter"],
        ["b", "TXT", ['"a" b'], "InvalidCharacterString (Value should be enclosed in quotation marks)"],
    ])("of %s %s %j is refused by Route 53", async (name, type, values, reason) => {
        await cloud.make("Record", set("a", "A", "192.0.2.1"));
        await cloud.make("Record", set("c", "CNAME", "a.example"));
        const before = await cloud.state();
        const made = cloud.make("Record", set(name, type, ...values));
        await expect(made).rejects.toThrow("creating Route53 Record: api error InvalidChangeBatch: [");
        await expect(made).rejects.toThrow(reason);
        expect((await cloud.state()).records).toEqual(before.records);
    });

    it("is refused when a change makes it wrong", async () => {
        const made = await cloud.make("Record", set("c", "CNAME", "a.example"));
        const changed = cloud.update(made, set("c", "CNAME", "a.example", "b.example"));
        await expect(changed).rejects.toThrow(
            "updating Route53 Record (Z0LABEXAMPLETEST_c.example.test_CNAME): api error",
        );
    });

    it.each<[name: string, type: string, value: string, line: string]>([
        ["*.w", "A", "192.0.2.1", "*.w.example.test. 60 A 192.0.2.1"],
        ["_acme-challenge.w", "TXT", 'a "b" \\', '_acme-challenge.w.example.test. 60 TXT "a \\"b\\" \\\\"'],
        ["w", "TXT", '"a" "b"', 'w.example.test. 60 TXT "a" "b"'],
        [LAB_ZONE, "CAA", '128 issue "letsencrypt.org; a=b"', 'example.test. 60 CAA 128 issue "letsencrypt.org; a=b"'],
        ["x".repeat(63), "CNAME", "a.example.", `${"x".repeat(63)}.example.test. 60 CNAME a.example.`],
    ])("of %s %s %s is served", async (name, type, value, line) => {
        const full = name === LAB_ZONE ? name : `${name}.${LAB_ZONE}`;
        await cloud.make("Record", set(full, type, value));
        const zone = renderZone(labAt(7), Object.values((await cloud.state()).records));
        expect(zone.split("\n")).toContain(line);
    });
});
