import { describe, expect, it } from "vitest";
import { publicRecords } from "../../lab/cloud/records.ts";
import { ZONE_ID, emptyCloud } from "../../lab/cloud/state.ts";
import { parseRecord, putRecord, removeRecord } from "../../lab/commands/record.ts";
import { labAt } from "../../lab/lab.ts";
import { renderZone } from "../../lab/services/zone.ts";

const A = parseRecord("Proxy.example.test.", "a", ["10.77.129.1", "10.77.129.1"]);
const CAA = parseRecord("example.test", "CAA", ['0 issue "letsencrypt.org"']);

describe("a record made by hand", () => {
    it("is stored in canonical form, and published", () => {
        expect(A).toEqual({ name: "proxy.example.test", type: "A", ttl: 60, values: ["10.77.129.1"] });
        const state = emptyCloud();
        for (const made of [A, CAA]) putRecord(state, made);
        const zone = renderZone(labAt(7), publicRecords(state));
        expect(zone).toContain("\nproxy.example.test. 60 A 10.77.129.1\n");
        expect(zone).toContain('\nexample.test. 60 CAA 0 issue "letsencrypt.org"\n');
    });

    it.each<[words: string[], message: string, ttl?: string]>([
        [["x.example.test", "A", "fd77::1"], 'not a valid IPv4 address: "fd77::1"'],
        [["x.example.test", "AAAA", "1.2.3.4"], 'not a valid IPv6 address: "1.2.3.4"'],
        [["x.example.test", "CAA", "letsencrypt.org"], "not of the form"],
        [["x.example.test", "TXT", "x".repeat(256)], "too long"],
        [["x.example.test", "CAA", '999 issue "a.example"'], "from 0 to 255"],
        [[`${"x".repeat(64)}.example.test`, "A", "1.2.3.4"], "is no host name"],
        [["x.example.test", "TXT", "a\nb"], "unsupported characters"],
        [["x.example.test", "CNAME", "1.2.3.4"], '"1.2.3.4" is no host name'],
        [["x.example.test", "CNAME", "a.example", "b.example"], "one value"],
        [["x.example.test", "MX", "1 a."], '"MX" is none of the record types A, AAAA, TXT, CAA, CNAME'],
        [["x.example.test", "A"], "needs a value"],
        [["x.example.com", "A", "1.2.3.4"], "not in the lab's zone"],
        [["x y.example.test", "A", "1.2.3.4"], "is no host name"],
        [["x.example.test", "A", "1.2.3.4"], "--ttl soon", "soon"],
    ])("is refused: %j", ([name, type, ...values], message, ttl) => {
        expect(() => parseRecord(name!, type!, values, ttl)).toThrow(message);
    });

    it("can be changed and removed", () => {
        const state = emptyCloud();
        putRecord(state, A);
        putRecord(state, { ...A, values: ["10.77.129.2"] });
        expect(publicRecords(state)).toMatchObject([{ values: ["10.77.129.2"] }]);
        removeRecord(state, "proxy.EXAMPLE.test.", "a");
        expect(publicRecords(state)).toEqual([]);
        expect(() => removeRecord(state, "proxy.example.test", "A")).toThrow("no A record of proxy.example.test");
    });

    it("must be the name's only one if it is a CNAME", () => {
        const state = emptyCloud();
        putRecord(state, A);
        const alias = parseRecord(A.name, "CNAME", ["other.example."]);
        expect(() => putRecord(state, alias)).toThrow("record --remove proxy.example.test A`");
        removeRecord(state, A.name, "A");
        putRecord(state, alias);
        putRecord(state, alias);
        expect(() => putRecord(state, A)).toThrow("record --remove proxy.example.test CNAME`");
    });

    it("does not share a name with Route 53, which takes precedence if it gets the name later", () => {
        const state = emptyCloud();
        putRecord(state, A);
        const theirs = { ...A, type: "AAAA" as const, values: ["fd77::1"] };
        state.records[`${ZONE_ID}_${A.name}_AAAA`] = theirs;
        expect(publicRecords(state)).toEqual([theirs]);
        expect(() => putRecord(state, A)).toThrow("Route 53 has records of proxy.example.test");
    });
});
