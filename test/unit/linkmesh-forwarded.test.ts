import fc from "../any.ts";
import { describe, expect, it } from "vitest";
import { describeClient, trustedProxies } from "../../lab/linkmesh/server/forwarded.ts";

const loopback = trustedProxies(["127.0.0.1/32", "::1/128"]);

function addressSeen(peer: string, forwardedFor: string | undefined, trusted = loopback): string {
    return describeClient(peer, { "x-forwarded-for": forwardedFor }, trusted).address;
}

describe("X-Forwarded-For", () => {
    it.each([
        ["a stranger is not believed", "203.0.113.9", "10.0.0.1", "203.0.113.9"],
        ["the proxy is believed", "127.0.0.1", "203.0.113.9", "203.0.113.9"],
        ["what the client sent itself stands left and is ignored", "127.0.0.1", "10.1.2.3, 203.0.113.9", "203.0.113.9"],
        ["trusted hops are passed over", "127.0.0.1", "203.0.113.9, 127.0.0.1", "203.0.113.9"],
        ["all hops trusted: the leftmost", "::1", "127.0.0.1", "127.0.0.1"],
        ["an entry that is no address ends the walk", "127.0.0.1", "203.0.113.9, unknown", "127.0.0.1"],
        ["without the header the peer is the client", "127.0.0.1", undefined, "127.0.0.1"],
        ["IPv4 on a dual-stack socket", "::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"],
        ["IPv6", "::1", "2001:db8::9", "2001:db8::9"],
    ])("%s", (_, peer, forwardedFor, expected) => {
        expect(addressSeen(peer, forwardedFor)).toBe(expected);
    });

    it("shows why the guide's 10.0.0.0/8 is too wide: a client of the VPC forges its address", () => {
        const wide = trustedProxies(["127.0.0.1/32", "10.0.0.0/8"]);
        expect(addressSeen("127.0.0.1", "198.51.100.1, 10.0.0.7", wide)).toBe("198.51.100.1");
        expect(addressSeen("127.0.0.1", "198.51.100.1, 10.0.0.7")).toBe("10.0.0.7");
    });

    it("never lets a client choose what the proxy appended", () => {
        fc.assert(
            fc.property(fc.array(fc.ipV4()), fc.ipV4(), (sent, client) => {
                fc.pre(!loopback(client));
                expect(addressSeen("127.0.0.1", [...sent, client].join(", "))).toBe(client);
            }),
        );
    });
});

describe("the other headers", () => {
    const headers = {
        host: "127.0.0.1:8080",
        "x-real-ip": "203.0.113.9",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "forged.example, linkmesh.example.com",
    };

    it("count when a trusted proxy sent them, the last entry each", () => {
        expect(describeClient("127.0.0.1", headers, loopback)).toEqual({
            peer: "127.0.0.1",
            viaTrustedProxy: true,
            address: "203.0.113.9",
            scheme: "https",
            host: "linkmesh.example.com",
        });
    });

    it("do not count otherwise", () => {
        expect(describeClient("203.0.113.1", headers, loopback)).toEqual({
            peer: "203.0.113.1",
            viaTrustedProxy: false,
            address: "203.0.113.1",
            scheme: "http",
            host: "127.0.0.1:8080",
        });
    });
});
