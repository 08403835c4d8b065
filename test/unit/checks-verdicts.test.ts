import fc from "../any.ts";
import { describe, expect, test } from "vitest";
import { judgeAgent } from "../../checks/agent.ts";
import { judgeAddresses } from "../../checks/addresses.ts";
import { SILENT, tcpError, tlsError } from "../../checks/connection-error.ts";
import { judgeHandshake } from "../../checks/opamp.ts";
import { resolveTarget } from "../../checks/target.ts";
import { judgeExpiry } from "../../checks/x509.ts";
import { expectCommand } from "./next-command.ts";
import type { Target } from "../../checks/types.ts";
import { InvalidTarget, validate } from "../../checks/validate.ts";

const HOST = "linkmesh.example.com";
const DAY = 86_400_000;
const TARGET = resolveTarget({ host: HOST }, "ipv4", "192.0.2.7");

describe("expiry", () => {
    const now = Date.parse("2026-11-22T00:00:00Z");
    const judge = (lifetime: number, left: number) =>
        judgeExpiry(
            new Date(now + (left - lifetime) * DAY).toUTCString(),
            new Date(now + left * DAY).toUTCString(),
            now,
        );

    test.each([
        [90, 89, "ok"],
        [90, 22, "ok"],
        [90, 21, "warn"],
        [90, 8, "warn"],
        [90, 7, "fail"],
        [90, -1, "fail"],
        [1825, 21, "warn"],
        [1825, 7, "fail"],
        // certbot renews a certificate of 45 days at 15 days left, one of 6 days at 2 days left.
        [45, 16, "ok"],
        [45, 13, "warn"],
        [45, 4, "fail"],
        [6, 3, "ok"],
        [6, 1, "warn"],
    ])("of a %i-day certificate with %i days left: %s", (lifetime, left, status) => {
        expect(judge(lifetime, left)).toEqual({ days: left, status });
    });

    test("never gets better with less time left", () => {
        const rank = { ok: 0, warn: 1, fail: 2 };
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 4000 }), fc.nat(4000), fc.nat(100), (lifetime, left, later) => {
                expect(rank[judge(lifetime, left - later).status]).toBeGreaterThanOrEqual(
                    rank[judge(lifetime, left).status],
                );
            }),
        );
    });
});

test.each([
    [401, "ok", /agents can connect to wss:\/\/linkmesh.example.com\/v1\/agent/],
    [404, "ok", /no \/v1\/agent, so its agents connect by gRPC/],
    [200, "ok", /no \/v1\/agent/],
    [302, "ok", /no \/v1\/agent/],
    [101, "fail", /without credentials/],
    [400, "fail", /no WebSocket upgrade/],
    [426, "fail", /no WebSocket upgrade/],
    [503, "fail", /LinkMesh behind it does not/],
])("agents' WebSocket answers %i: %s", (status, expected, detail) => {
    const verdict = judgeAgent({ status, headers: {} }, TARGET);
    expect(verdict.status).toBe(expected);
    expect(verdict.detail).toMatch(detail);
});

test("only 401 is a good answer to a handshake without credentials, and every other one says what to do", () => {
    for (let status = 100; status < 600; status++) {
        const answer = { status, headers: { location: "https://elsewhere.example/" } };
        const verdict = judgeHandshake("/v1/opamp", answer, TARGET);
        expect(verdict.status).toBe(status === 401 ? "ok" : "fail");
        expect(verdict.detail).toContain(String(status));
        if (status !== 401) expectCommand(verdict.hint);
    }
});

test.each<[number, Record<string, string>, "ok" | "warn" | "fail", RegExp]>([
    [401, { server: "nginx" }, "ok", /^401: the WebSocket upgrade reaches LinkMesh/],
    [401, { server: "nginx", via: "1.1 cdn" }, "ok", /^401: /],
    [401, { server: "squid/6.1" }, "warn", /^401, but "squid\/6.1" answers instead of our nginx$/],
    [403, { server: "cloudflare" }, "fail", /^403: "cloudflare" answers instead of our nginx$/],
    [503, { server: "nginx/1.26", via: "1.1 proxy.corp (x)" }, "fail", /^503: "1.1 proxy.corp \(x\)" answers/],
    [400, { server: "nginx/1.26.3" }, "fail", /^400: LinkMesh receives no WebSocket upgrade$/],
    [407, {}, "fail", /^407: a proxy on the way asks for a login$/],
])("an OpAMP handshake answered by %i %j: %s", (status, headers, expected, detail) => {
    const verdict = judgeHandshake("/v1/opamp", { status, headers }, TARGET);
    expect([verdict.status, verdict.detail]).toEqual([expected, expect.stringMatching(detail)]);
    if (/instead of our nginx|on the way/.test(verdict.detail)) {
        expect(verdict.hint).toMatch(/CDN answers before our nginx.*curl -i --resolve \S+:443:192\.0\.2\.7 https/);
    }
});

describe("addresses", () => {
    const BALANCER = { ipv4: ["192.0.2.8", "192.0.2.7"], ipv6: ["2001:db8::7"] };
    test.each([
        [{}, [], [], "fail"],
        [{}, ["192.0.2.7"], [], "ok"],
        [{}, ["192.0.2.7"], ["2001:db8::7"], "ok"],
        [{}, ["192.0.2.7", "192.0.2.8"], [], "warn"],
        [{ ipv4: "192.0.2.7" }, ["192.0.2.7"], [], "ok"],
        [{ ipv4: "192.0.2.7" }, ["192.0.2.8"], [], "fail"],
        [{ ipv4: "192.0.2.7" }, ["192.0.2.7", "192.0.2.8"], [], "fail"],
        [{ ipv4: "192.0.2.7" }, ["192.0.2.7"], ["2001:db8::7"], "fail"],
        [{ ipv4: "192.0.2.7", ipv6: "2001:db8::7" }, ["192.0.2.7"], [], "fail"],
        [{ ipv6: "2001:DB8:0::0:7" }, [], ["2001:db8::7"], "ok"],
        [{ ipv4: "192.0.2.8", balancer: BALANCER }, ["192.0.2.7", "192.0.2.8"], ["2001:db8::7"], "ok"],
        [{ ipv4: "192.0.2.8", balancer: BALANCER }, ["192.0.2.8"], ["2001:db8::7"], "fail"],
        [{ ipv4: "192.0.2.8", balancer: BALANCER }, ["192.0.2.7", "192.0.2.8"], [], "fail"],
    ])("%j against %j %j: %s", (expected, ipv4, ipv6, status) => {
        expect(judgeAddresses({ host: HOST, ...expected }, new Map([[HOST, { ipv4, ipv6 }]])).status).toBe(status);
    });
});

describe("faults", () => {
    const codes = [SILENT, "ECONNREFUSED", "ENETUNREACH", "ECONNRESET", "ERR_SSL_TLSV1_UNRECOGNIZED_NAME", "EWHATEVER"];
    test.each([...codes, undefined])("%s becomes one sentence that names the place", (code) => {
        for (const fault of [
            tcpError(code, "192.0.2.7 port 443", 10_000),
            tlsError(code, "192.0.2.7 port 443", HOST, 500),
        ]) {
            expect(fault.message).toContain("192.0.2.7 port 443");
            expect(fault.message).not.toMatch(/undefined|\n|\.$/);
        }
    });
});

test.each<[Partial<Target>, number[], number[]]>([
    [{}, [80, 443, 50051], [8080, 50061]],
    [{ grpc: { port: 4317 } }, [80, 443, 4317], [8080, 50061, 50051]],
    [{ grpc: { host: "grpc.example.com" } }, [80, 443], [8080, 50061, 50051]],
    [{ grpc: { host: "grpc.example.com", port: 50051 } }, [80, 443, 50051], [8080, 50061]],
    [{ grpc: false }, [80, 443], [8080, 50061, 50051]],
    [{ httpPort: false }, [443, 50051], [8080, 50061, 80]],
    [{ httpPort: false, grpc: false, closedPorts: [1] }, [443], [1]],
])("ports of %j: open %j, closed %j", (change, openPorts, closedPorts) => {
    expect(resolveTarget({ host: HOST, ...change }, "ipv4", "192.0.2.7")).toMatchObject({ openPorts, closedPorts });
});

describe("targets", () => {
    test.each(["linkmesh.example.com", "a-b.c1.xn--p1ai", "LINKMESH.example.test"])("%s is a host name", (host) => {
        expect(() => validate({ host }, [])).not.toThrow();
    });

    test.each([
        "",
        "linkmesh",
        "192.0.2.7",
        "a..b",
        "-a.example",
        "a_b.example",
        "a.example.",
        "a.example:443",
        "*.x.org",
    ])("%j is not a host name", (host) => {
        expect(() => validate({ host }, [])).toThrow(InvalidTarget);
    });

    test.each([
        { ipv4: "1.2.3" },
        { ipv6: "[::1]" },
        { ca: "-----BEGIN CERTIFICATE-----" },
        { dns: ["ns.example.com"] },
        { httpsPort: 0 },
        { closedPorts: [8080.5] },
        { grpc: { port: 65_536 } },
        { grpc: { port: 443 } },
        { grpc: { port: 8443, host: "ui.example.com" }, httpsPort: 8443, uiHost: "ui.example.com" },
        { grpc: { host: "grpc" } },
        { uiHost: HOST },
    ])("%j is refused", (fault) => {
        expect(() => validate({ host: HOST, ...fault }, [])).toThrow(InvalidTarget);
    });

    test.each([["192.0.2.53"], ["192.0.2.53:5353"], ["2001:db8::53"], ["[2001:db8::53]:5353"]])(
        "%s is a name server",
        (server) => {
            expect(() => validate({ host: HOST, dns: [server] }, [])).not.toThrow();
        },
    );
});
