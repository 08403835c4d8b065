import net from "node:net";
import { describe, expect, test } from "vitest";
import type { CheckName, CheckResult, Target } from "../../checks/index.ts";
import { GRPC_HOST, HOST, status, UI_HOST, type Authorities, type Faults } from "./checks-site.ts";
import { SILENT, sites } from "./checks-table.ts";
import { TestCa } from "./test-ca.ts";

// What a site may have otherwise by intention: names of their own, endpoints that are off. Each green, and red when wrong.

const { trust, cleanups, check, table } = sites();

const names = (results: CheckResult[]) => results.map(({ name }) => name);
const ALL: CheckName[] = ["redirect", "https", "ui", "certificate", "opamp", "agent", "grpc", "closed"];
const without = (...left: CheckName[]) => ALL.filter((name) => !left.includes(name));

test.each<[string, Faults, Partial<Target>, CheckName[]]>([
    ["a UI name", { names: ["ui"] }, {}, ALL],
    ["gRPC on the HTTPS port", { names: ["grpc"] }, {}, without("ui")],
    ["both names", { names: ["ui", "grpc"] }, {}, ALL],
    ["gRPC on the HTTPS port over TLS 1.2", { names: ["grpc"], grpc: { maxVersion: "TLSv1.2" } }, {}, without("ui")],
    ["no gRPC", {}, { grpc: false }, without("ui", "grpc")],
    ["no port 80", {}, { httpPort: false }, without("ui", "redirect")],
    ["no IPv6", {}, { ipv6: false }, without("ui")],
    [
        "your own certificate",
        {},
        { ownCertificate: true, ssh: ["sh", "-c", "echo served A; echo file A /own.pem"] },
        ["setup", ...without("ui"), "served", "restart", "limits"],
    ],
])("green with %s", async (_what, faults, change, expected) => {
    const results = await check(faults, change);
    expect(results.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(names(results)).toEqual(expected);
});

table("https", [
    {
        what: "HTTP/2 at the OpAMP name",
        faults: { names: ["ui"], http2: "too" },
        status: "fail",
        detail: /also offers HTTP\/2/,
    },
]);

const ui = (fault: Faults["ui"]): Faults => ({ names: ["ui"], ui: fault });
const uiPair = async (...args: Parameters<Authorities["publicCa"]["issue"]>) =>
    ui({ pair: await trust.publicCa.issue(...args) });

table("ui", [
    {
        what: "no HTTP/2",
        faults: ui({ http1: true }),
        status: "fail",
        detail: /^ui.example.test answers over HTTP\/1.1 instead of HTTP\/2/,
    },
    {
        what: "no HTTP/2 behind a load balancer, which speaks HTTP/1.1 alone",
        faults: ui({ http1: true }),
        change: { balancer: { ipv4: ["127.0.0.1"], ipv6: [] } },
        status: "ok",
        detail: /^200 over HTTP\/1.1, certificate verified, HSTS on/,
    },
    {
        what: "the site of the public host",
        faults: {},
        change: { uiHost: UI_HOST },
        status: "fail",
        detail: /is for linkmesh.example.test, not for ui.example.test/,
    },
    { what: "expired", faults: () => uiPair([UI_HOST], { from: -80, to: -1 }), status: "fail", detail: /expired/ },
    {
        what: "no HSTS",
        faults: ui({ answer: (_, response) => response.end() }),
        status: "warn",
        detail: /^200 over HTTP\/2, but without HSTS/,
    },
    {
        what: "LinkMesh down",
        faults: ui({ answer: (_, response) => response.writeHead(502).end() }),
        status: "fail",
        detail: /^502: .*LinkMesh behind it does not/,
    },
    {
        what: "unknown site",
        faults: ui({ answer: (_, response) => response.writeHead(421).end() }),
        status: "fail",
        detail: /^421: .*no site for the name ui.example.test/,
    },
    {
        what: "silence after TLS",
        faults: ui({ raw: () => {} }),
        change: SILENT,
        status: "fail",
        detail: /does not answer it within 2 s/,
    },
    {
        what: "hang-up after TLS",
        faults: ui({ raw: (socket) => socket.destroy() }),
        status: "fail",
        detail: /closes the connection without an answer/,
    },
    {
        what: "not HTTP/2",
        faults: ui({ raw: (socket) => socket.end(status("400 Bad Request")) }),
        status: "fail",
        detail: /does not answer in HTTP\/2/,
    },
]);

table("grpc", [
    {
        what: "the public certificate at the gRPC name",
        faults: async () => ({
            names: ["grpc"],
            grpcPair: await trust.publicCa.issue([GRPC_HOST]),
            grpc: { requestCert: false },
        }),
        status: "fail",
        detail: /^TLS ends at the proxy: grpc.example.test port \d+ presents/,
        hint: /ssl_preread/,
    },
    {
        what: "the name leads to the site of the public host",
        faults: { names: ["ui"] },
        change: { grpc: { host: GRPC_HOST } },
        status: "fail",
        detail: /does not speak HTTP\/2 at grpc.example.test: the name leads to a web site/,
        hint: /ssl_preread/,
    },
    {
        what: "a certificate without the gRPC name",
        faults: async () => ({ names: ["grpc"], grpcPair: await trust.linkmeshCa.issue([HOST]) }),
        status: "fail",
        detail: /names linkmesh.example.test, not grpc.example.test/,
        hint: /--san dns:grpc.example.test/,
    },
    {
        what: "no client certificate asked for",
        faults: { names: ["grpc"], grpc: { requestCert: false } },
        status: "fail",
        detail: /accepts clients without a certificate/,
    },
    {
        what: "LinkMesh down behind the name",
        faults: { names: ["grpc"], rawGrpc: (socket) => socket.destroy() },
        status: "fail",
        detail: /accepts connections and closes them/,
    },
]);

test.each<[number, Partial<Target>]>([
    [50051, { grpc: false }],
    [50051, { grpc: { host: GRPC_HOST } }],
    [80, { httpPort: false }],
])("closed: port %i is open, although it is off", async (port, change) => {
    // An address that nobody else uses. Where the port is taken on all addresses, it answers just as well.
    const address = "127.50.0.51";
    const open = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => open.listen(port, address, resolve).once("error", () => resolve()));
    cleanups.push(() => new Promise((resolve) => open.close(resolve)));
    const [result] = await check({ address }, { closedPorts: undefined, ...change }, ["closed"]);
    expect(result!.status).toBe("fail");
    expect(result!.detail).toMatch(new RegExp(`^port (.* )?${port}\\b.* answers? from outside`));
});

describe("your own certificate", () => {
    const own = { ownCertificate: true };
    const publicPair = async (from: number, to: number) => ({
        publicPair: await trust.publicCa.issue([HOST], { from, to }),
    });
    table("certificate", [
        {
            what: "20 days left",
            faults: () => publicPair(-70, 20),
            change: own,
            status: "warn",
            detail: /expires in 19 days, .*, and nothing renews it$/,
            hint: /set a new tlsCertificate/,
        },
        {
            what: "expired",
            faults: () => publicPair(-70, -1),
            change: own,
            status: "fail",
            detail: /expired/,
            hint: /set a new tlsCertificate/,
        },
    ]);

    test.each([
        { chain: "with its intermediate", ca: "intermediate", status: "ok" },
        { chain: "with its intermediate", ca: "root", status: "ok" },
        { chain: "alone", ca: "root", status: "fail" },
    ] as const)("$chain, the $ca as the CA: $status", async ({ chain, ca, status }) => {
        const root = await TestCa.create("CN=root");
        const intermediate = await TestCa.create("CN=intermediate", root);
        const leaf = await intermediate.issue([HOST]);
        const cert = chain === "alone" ? leaf.cert : `${leaf.cert}\n${intermediate.pem}`;
        const trusted = { root, intermediate }[ca].pem;
        const [result] = await check({ publicPair: { ...leaf, cert } }, { ...own, ca: trusted }, ["certificate"]);
        expect(result!.status).toBe(status);
        if (status === "fail")
            expect(result!.hint).toMatch(
                /the chain is not whole: tlsCertificate has to hold the host's certificate and after it/,
            );
    });

    test("needs no ACME challenges on port 80", async () => {
        const http: Faults["http"] = ({ url }, response) =>
            response.writeHead(301, { location: `https://${HOST}${url}` }).end();
        expect(await check({ http }, own, ["redirect"])).toMatchObject([{ status: "ok" }]);
    });
});
