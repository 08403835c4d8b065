import fc from "../any.ts";
import ipaddr from "ipaddr.js";
import { expect, test } from "vitest";
import { ipv6SubnetBlock, subnetBlocks } from "../../components/cloud/subnet-sizes.ts";

test.each([
    ["10.77.0.0/24", 1, ["10.77.0.0/24"]],
    ["10.77.0.0/24", 2, ["10.77.0.0/25", "10.77.0.128/25"]],
    ["10.77.0.0/24", 3, ["10.77.0.0/26", "10.77.0.64/26", "10.77.0.128/26"]],
    ["192.168.0.0/16", 3, ["192.168.0.0/18", "192.168.64.0/18", "192.168.128.0/18"]],
])("%s has room for %i subnets", (block, count, parts) => expect(subnetBlocks(block, count)).toEqual(parts));

test("the parts of any block are network addresses inside it that do not overlap", () => {
    const block = fc.record({
        length: fc.integer({ min: 16, max: 26 }),
        bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    });
    fc.assert(
        fc.property(block, fc.integer({ min: 1, max: 4 }), ({ length, bytes }, count) => {
            const any = `${bytes.join(".")}/${length}`;
            const whole = `${ipaddr.IPv4.networkAddressFromCIDR(any).toString()}/${length}`;
            const parts = subnetBlocks(whole, count).map((part) => ipaddr.IPv4.parseCIDR(part));
            const ends = parts.map(([first, partLength]) => {
                const text = `${first.toString()}/${partLength}`;
                expect(ipaddr.IPv4.networkAddressFromCIDR(text).toString()).toBe(first.toString());
                expect(first.match(ipaddr.IPv4.parseCIDR(whole))).toBe(true);
                return ipaddr.IPv4.broadcastAddressFromCIDR(text);
            });
            for (const [index, end] of ends.entries()) {
                expect(parts.findIndex((part) => end.match(part))).toBe(index);
            }
        }),
    );
});

test.each([
    [0, "2001:db8:0:100::/64"],
    [1, "2001:db8:0:101::/64"],
    [255, "2001:db8:0:1ff::/64"],
])("the /64 number %i of a VPC's /56", (index, subnet) =>
    expect(ipv6SubnetBlock("2001:db8:0:100::/56", index)).toBe(subnet),
);
