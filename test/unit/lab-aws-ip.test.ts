import fc from "fast-check";
import { isIPv4, isIPv6 } from "node:net";
import { expect, it } from "vitest";
import { contains, formatAddress, formatCidr, overlaps, parseCidr, size } from "../../lab/providers/aws/ip.ts";

const cidr = fc.oneof(
    fc.tuple(fc.constant(4 as const), fc.bigInt(0n, 2n ** 32n - 1n), fc.integer({ min: 0, max: 32 })),
    fc.tuple(fc.constant(6 as const), fc.bigInt(0n, 2n ** 128n - 1n), fc.integer({ min: 0, max: 128 })),
);

it("reads what it writes", () => {
    fc.assert(
        fc.property(cidr, ([family, value, prefix]) => {
            const address = formatAddress(family, value);
            expect(family === 4 ? isIPv4(address) : isIPv6(address)).toBe(true);
            const parsed = parseCidr(`${address}/${prefix}`)!;
            expect(parsed.prefix).toBe(prefix);
            expect(parseCidr(formatCidr(parsed))).toEqual({ ...parsed, isNetwork: true });
            expect(value - parsed.base).toBeLessThan(size(parsed));
        }),
    );
});

it("finds a block inside every wider block around it, and nowhere else", () => {
    fc.assert(
        fc.property(cidr, fc.nat(128), ([family, value, prefix], cut) => {
            const inner = parseCidr(`${formatAddress(family, value)}/${prefix}`)!;
            const outer = parseCidr(`${formatAddress(family, value)}/${Math.min(cut, prefix)}`)!;
            expect(contains(outer, inner)).toBe(true);
            expect(overlaps(inner, outer)).toBe(true);
            const next = { ...inner, base: inner.base + size(inner) };
            expect(overlaps(inner, next)).toBe(false);
        }),
    );
});

it.each(["", "10.0.0.0", "10.0.0.0/33", "10.0.0/24", "::/129", "fd77::1%eth0/64", "10.0.0.0/8/8", "a/b"])(
    "refuses %j",
    (text) => {
        expect(parseCidr(text)).toBeUndefined();
    },
);

it("knows network addresses from host addresses", () => {
    expect(parseCidr("10.77.0.0/24")?.isNetwork).toBe(true);
    expect(parseCidr("10.77.0.1/24")?.isNetwork).toBe(false);
    expect(formatCidr(parseCidr("FD77:0:0:C100:0::/56")!)).toBe("fd77:0:0:c100::/56");
});
