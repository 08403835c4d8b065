import fc from "../any.ts";
import ipaddr from "ipaddr.js";
import { isIPv4, isIPv6 } from "node:net";
import { expect, it } from "vitest";
import { addressAt, cidr, contains, formatCidr, overlaps, parseCidr } from "../../lab/network/cidr.ts";

const ipv4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }));
const ipv6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }));
const blocks = fc.oneof(ipv4, ipv6);

it("reads what it writes", () => {
    fc.assert(
        fc.property(blocks, ([address, prefix]) => {
            const parsed = parseCidr(`${address}/${prefix}`)!;
            expect(parsed.prefix).toBe(prefix);
            expect(contains(parsed, parseCidr(`${address}/${isIPv4(address) ? 32 : 128}`)!)).toBe(true);
            expect(parseCidr(formatCidr(parsed))).toEqual({ ...parsed, isNetwork: true });
        }),
    );
});

it("finds a block only in the wider blocks around it", () => {
    fc.assert(
        fc.property(blocks, fc.nat(128), ([address, prefix], cut) => {
            const inner = parseCidr(`${address}/${prefix}`)!;
            const outer = parseCidr(`${address}/${Math.min(cut, prefix)}`)!;
            expect(contains(outer, inner)).toBe(true);
            expect(contains(inner, outer)).toBe(inner.prefix === outer.prefix);
            expect(overlaps(inner, outer) && overlaps(outer, inner)).toBe(true);
            if (prefix === 0) return;
            const neighbour = inner.base.toByteArray();
            neighbour[(prefix - 1) >> 3]! ^= 0x80 >> ((prefix - 1) & 7);
            const beside = parseCidr(`${ipaddr.fromByteArray(neighbour).toString()}/${prefix}`)!;
            expect(overlaps(inner, beside) || contains(inner, beside)).toBe(false);
        }),
    );
});

it("finds no block of one family in one of the other, and the addresses of a block in it", () => {
    fc.assert(
        fc.property(ipv4, ipv6, ([address, prefix], [address6, prefix6]) => {
            const inner = parseCidr(`${address}/${prefix}`)!;
            expect(overlaps(inner, parseCidr(`${address6}/${prefix6}`)!)).toBe(false);
            const size = 2 ** (32 - prefix);
            const first = Buffer.from(inner.base.toByteArray()).readUInt32BE();
            if (first + size < 2 ** 32) {
                expect(overlaps(inner, parseCidr(`${addressAt(inner, size)}/${prefix}`)!)).toBe(false);
            }
            expect(contains(inner, parseCidr(`${addressAt(inner, size - 1)}/32`)!)).toBe(true);
        }),
    );
});

it("agrees with Node about which addresses are in a block", () => {
    fc.assert(
        fc.property(fc.stringMatching(/^[0-9a-f:.]{1,20}$/), (address) => {
            if (parseCidr(`${address}/8`)) expect(isIPv4(address) || isIPv6(address)).toBe(true);
        }),
    );
});

it.each([
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0/24",
    "10.0.0.010/32",
    "::/129",
    "fd77::1%eth0/64",
    "10.0.0.0/8/8",
    "a/b",
])("refuses %j", (text) => {
    expect(parseCidr(text)).toBeUndefined();
});

it("distinguishes network addresses from host addresses", () => {
    expect(parseCidr("10.77.0.0/24")?.isNetwork).toBe(true);
    expect(parseCidr("10.77.0.1/24")?.isNetwork).toBe(false);
    expect(formatCidr(parseCidr("FD77:0:0:C100:0::/56")!)).toBe("fd77:0:0:c100::/56");
});

it("reports what is wrong with a block", () => {
    expect(cidr(4)("10.77.0.0/24")).toBeUndefined();
    expect(cidr(6)("10.77.0.0/24")).toBe('"10.77.0.0/24" is not a valid IPv6 CIDR block');
    expect(cidr(4)("10.77.0.1/24")).toBe('"10.77.0.1/24" is not a network address: use 10.77.0.0/24');
});
