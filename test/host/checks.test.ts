import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import net from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { runChecks, type CheckName, type CheckResult, type Target } from "../../checks/index.ts";
import {
    authorities,
    freePort,
    goodRedirect,
    HOST,
    startSite,
    status,
    type Authorities,
    type Faults,
} from "./checks-site.ts";
import { TestCa } from "./test-ca.ts";

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function site(faults: Faults = {}): Promise<Target> {
    const { target, stop } = await startSite(trust, faults);
    cleanups.push(stop);
    return target;
}

/** The one result of a check against a site with faults. */
async function outcome(only: CheckName, faults: Faults, change: Partial<Target> = {}): Promise<CheckResult> {
    const results = await runChecks({ ...(await site(faults)), ...change }, { only: [only] });
    expect(results).toHaveLength(1);
    return results[0]!;
}

test.each(["127.0.0.1", "::1"])("a good set-up is green at %s", async (address) => {
    const results = await runChecks(await site({ address }));
    expect(results.map(({ name, status }) => `${name} ${status}`)).toEqual([
        "redirect ok",
        "https ok",
        "certificate ok",
        "opamp ok",
        "grpc ok",
        "closed ok",
    ]);
    expect(new Set(results.map(({ family }) => family))).toEqual(new Set([address === "::1" ? "ipv6" : "ipv4"]));
});

test("both families are checked, each on its own", async () => {
    const { ipv4, httpPort } = await site();
    const results = await runChecks(
        { host: HOST, ipv4, ipv6: "::1", httpPort, timeoutMs: 500 },
        { only: ["redirect"] },
    );
    expect(results.map(({ family, status }) => `${family} ${status}`)).toEqual(["ipv4 ok", "ipv6 fail"]);
});

test("nothing needs the DNS when an address is given: the name does not exist", async () => {
    expect(HOST.endsWith(".test")).toBe(true);
    expect((await outcome("https", {})).status).toBe("ok");
});

interface Case {
    what: string;
    faults: Faults | (() => Promise<Faults>);
    status: "ok" | "warn" | "fail";
    detail: RegExp;
    /** Check without the CA, as against the public roots. */
    publicRoots?: true;
}

function table(name: CheckName, cases: Case[]) {
    describe(name, () => {
        test.each(cases)("$what: $status", async ({ faults, status, detail, publicRoots }) => {
            const given = typeof faults === "function" ? await faults() : faults;
            const result = await outcome(name, given, publicRoots ? { ca: undefined } : {});
            expect(result.detail).toMatch(detail);
            expect(result.status).toBe(status);
            expect(result.detail).not.toMatch(/\n|undefined/);
            if (status === "fail") expect(result.hint).toBeTruthy();
        });
    });
}

const reply = (code: number, headers: Record<string, string> = {}) =>
    ((_request, response) => response.writeHead(code, headers).end()) satisfies Faults["https"];
const expired = async () => ({ publicPair: await trust.publicCa.issue([HOST], { from: -80, to: -1 }) });
const wrongName = async () => ({ publicPair: await trust.publicCa.issue(["other.example.test"]) });
const staging = async () => {
    const ca = await TestCa.create("CN=(STAGING) Wannabe Watercress R11, O=Let's Encrypt");
    return { publicPair: await ca.issue([HOST]) };
};

table("https", [
    {
        what: "302 to the login",
        faults: { https: reply(302, { "strict-transport-security": "max-age=1" }) },
        status: "ok",
        detail: /^302/,
    },
    { what: "no HSTS", faults: { https: reply(200) }, status: "warn", detail: /without HSTS/ },
    {
        what: "LinkMesh down",
        faults: { https: reply(502) },
        status: "fail",
        detail: /^502: .*LinkMesh behind it does not/,
    },
    { what: "busy page", faults: { https: reply(503, { "retry-after": "30" }) }, status: "fail", detail: /^503/ },
    {
        what: "loop to itself",
        faults: { https: reply(301, { location: `https://${HOST}/` }) },
        status: "fail",
        detail: /^301 to https/,
    },
    { what: "unknown site", faults: { https: reply(421) }, status: "fail", detail: /^421: .*no site/ },
    { what: "not found", faults: { https: reply(404) }, status: "fail", detail: /^404 where 200 or 302/ },
    { what: "HTTP/2 only", faults: { http2: "only" }, status: "fail", detail: /does not offer the protocol/ },
    { what: "HTTP/2 too", faults: { http2: "too" }, status: "warn", detail: /also offers HTTP\/2/ },
    { what: "expired certificate", faults: expired, status: "fail", detail: /expired/ },
    {
        what: "certificate of another name",
        faults: wrongName,
        status: "fail",
        detail: /is for other.example.test, not for linkmesh/,
    },
    { what: "unknown CA", faults: {}, publicRoots: true, status: "fail", detail: /does not lead to a trusted root/ },
    {
        what: "staging CA",
        faults: staging,
        publicRoots: true,
        status: "warn",
        detail: /test CA \(\(STAGING\) Wannabe Watercress R11\)/,
    },
    { what: "staging CA, another one given", faults: staging, status: "fail", detail: /does not lead to the given CA/ },
    {
        what: "plain HTTP",
        faults: { rawHttps: (socket) => socket.end(status("400 Bad Request")) },
        status: "fail",
        detail: /does not speak TLS/,
    },
    {
        what: "silence before TLS",
        faults: { rawHttps: () => {} },
        status: "fail",
        detail: /does not start TLS within 1 s/,
    },
    {
        what: "hang-up before TLS",
        faults: { rawHttps: (socket) => socket.destroy() },
        status: "fail",
        detail: /closes the connection before TLS/,
    },
    { what: "silence after TLS", faults: { https: () => {} }, status: "fail", detail: /does not answer it within 1 s/ },
    {
        what: "hang-up after TLS",
        faults: { https: ({ socket }) => socket.destroy() },
        status: "fail",
        detail: /without an answer/,
    },
    {
        what: "not HTTP",
        faults: { https: ({ socket }) => socket.end("220 mail ready\r\n") },
        status: "fail",
        detail: /does not answer in HTTP\/1.1/,
    },
]);

table("opamp", [
    {
        what: "Upgrade stripped, 426",
        faults: { upgrade: false },
        status: "fail",
        detail: /^426: .*no WebSocket upgrade/,
    },
    { what: "Upgrade stripped, 400", faults: { upgrade: status("400 Bad Request") }, status: "fail", detail: /^400/ },
    {
        what: "the redirect of port 80",
        faults: { upgrade: false, https: goodRedirect },
        status: "fail",
        detail: /^301 to https:.*port 80/,
    },
    {
        what: "no authentication, 101",
        faults: { upgrade: status("101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket") },
        status: "fail",
        detail: /^101: .*without credentials/,
    },
    { what: "no authentication, 200", faults: { upgrade: status("200 OK") }, status: "fail", detail: /^200/ },
    { what: "forbidden", faults: { upgrade: status("403 Forbidden") }, status: "fail", detail: /^403/ },
    { what: "no route", faults: { upgrade: status("404 Not Found") }, status: "fail", detail: /^404/ },
    { what: "unknown site", faults: { upgrade: status("421 Misdirected Request") }, status: "fail", detail: /^421/ },
    {
        what: "LinkMesh down, 502",
        faults: { upgrade: status("502 Bad Gateway") },
        status: "fail",
        detail: /^502: .*LinkMesh/,
    },
    {
        what: "LinkMesh down, 503",
        faults: { upgrade: status("503 Service Unavailable") },
        status: "fail",
        detail: /^503: .*LinkMesh/,
    },
    { what: "a strange status", faults: { upgrade: status("418 Teapot") }, status: "fail", detail: /^418 where 401/ },
    { what: "HTTP/2 only", faults: { http2: "only" }, status: "fail", detail: /does not offer the protocol/ },
    { what: "expired certificate", faults: expired, status: "fail", detail: /expired/ },
    { what: "staging CA", faults: staging, publicRoots: true, status: "warn", detail: /^401.*test CA/ },
    {
        what: "no answer",
        faults: { https: () => {}, upgrade: false },
        status: "fail",
        detail: /does not answer it within 1 s/,
    },
]);

table("certificate", [
    {
        what: "good",
        faults: {},
        status: "ok",
        detail: /^linkmesh.example.test by Public Test CA, 79 days left \(.*\), serial 01[0-9a-f]{24}$/,
    },
    {
        what: "20 days left",
        faults: async () => ({ publicPair: await trust.publicCa.issue([HOST], { from: -70, to: 20 }) }),
        status: "warn",
        detail: /expires in 19 days/,
    },
    {
        what: "6 days left",
        faults: async () => ({ publicPair: await trust.publicCa.issue([HOST], { from: -84, to: 6 }) }),
        status: "fail",
        detail: /expires in 5 days/,
    },
    { what: "expired", faults: expired, status: "fail", detail: /expired/ },
    {
        what: "not yet valid",
        faults: async () => ({ publicPair: await trust.publicCa.issue([HOST], { from: 1, to: 90 }) }),
        status: "fail",
        detail: /valid only from/,
    },
    { what: "another name", faults: wrongName, status: "fail", detail: /not for linkmesh/ },
    { what: "staging CA", faults: staging, publicRoots: true, status: "warn", detail: /test CA/ },
    { what: "unknown CA", faults: {}, publicRoots: true, status: "fail", detail: /trusted root/ },
]);

table("redirect", [
    { what: "302", faults: { http: redirectBy(302) }, status: "warn", detail: /^302/ },
    { what: "Debian's default page", faults: { http: reply(200) }, status: "fail", detail: /^200 where a redirect/ },
    {
        what: "by the Host header",
        faults: { http: redirectTo((host) => `https://${host}`) },
        status: "fail",
        detail: /Host header forged.invalid is redirected to https:\/\/forged.invalid/,
    },
    {
        what: "to another name",
        faults: { http: redirectTo(() => "https://other.example.test") },
        status: "fail",
        detail: /redirects to https:\/\/other/,
    },
    {
        what: "loses the path",
        faults: { http: (_, response) => response.writeHead(301, { location: `https://${HOST}/` }).end() },
        status: "fail",
        detail: /not to https:\/\/linkmesh.example.test\/check/,
    },
    {
        what: "covers the challenges",
        faults: { http: ({ url }, response) => response.writeHead(301, { location: `https://${HOST}${url}` }).end() },
        status: "fail",
        detail: /challenge.* 301 and not 404/,
    },
    {
        what: "challenges forbidden",
        faults: {
            http: ({ url }, response) =>
                url!.includes("acme") ? response.writeHead(403).end() : goodRedirect({ url } as never, response),
        },
        status: "fail",
        detail: /challenge.* 403 and not 404/,
    },
    {
        what: "hangs up on other names",
        faults: {
            http: (request, response) =>
                request.headers.host === HOST ? goodRedirect(request, response) : request.socket.destroy(),
        },
        status: "ok",
        detail: /^301/,
    },
    {
        what: "refuses other names",
        faults: {
            http: (request, response) =>
                request.headers.host === HOST ? goodRedirect(request, response) : response.writeHead(421).end(),
        },
        status: "ok",
        detail: /^301/,
    },
]);

function redirectBy(code: number): Faults["http"] {
    return ({ url }, response) =>
        url!.includes("acme")
            ? response.writeHead(404).end()
            : response.writeHead(code, { location: `https://${HOST}${url}` }).end();
}

function redirectTo(origin: (host: string) => string): Faults["http"] {
    return ({ url, headers }, response) =>
        url!.includes("acme")
            ? response.writeHead(404).end()
            : response.writeHead(301, { location: `${origin(headers.host!)}${url}` }).end();
}

table("grpc", [
    {
        what: "good over TLS 1.2",
        faults: { grpc: { maxVersion: "TLSv1.2" } },
        status: "ok",
        detail: /by LinkMesh CA, client certificate required/,
    },
    {
        what: "TLS ended by the proxy",
        faults: () => Promise.resolve({ grpcPair: trust.publicPair, grpc: { requestCert: false } }),
        status: "fail",
        detail: /TLS ends at the proxy/,
    },
    {
        what: "another certificate of the public CA",
        faults: async () => ({ grpcPair: await trust.publicCa.issue(["x.example.test"]) }),
        status: "fail",
        detail: /TLS ends at the proxy/,
    },
    {
        what: "the public CA, over TLS 1.2",
        faults: async () => ({ grpcPair: await trust.publicCa.issue([HOST]), grpc: { maxVersion: "TLSv1.2" } }),
        status: "fail",
        detail: /TLS ends at the proxy/,
    },
    {
        what: "without the public name",
        faults: async () => ({ grpcPair: await trust.linkmeshCa.issue(["localhost"]) }),
        status: "fail",
        detail: /names localhost, not linkmesh/,
    },
    {
        what: "no client certificate asked for",
        faults: { grpc: { requestCert: false } },
        status: "fail",
        detail: /lets clients in without a certificate/,
    },
    {
        what: "client certificate optional",
        faults: { grpc: { rejectUnauthorized: false } },
        status: "fail",
        detail: /lets clients in without a certificate/,
    },
    {
        what: "TLS without a word",
        faults: { grpcSilent: true },
        status: "fail",
        detail: /does not ask for a client certificate/,
    },
    {
        what: "expired",
        faults: async () => ({ grpcPair: await trust.linkmeshCa.issue([HOST], { from: -90, to: -1 }) }),
        status: "fail",
        detail: /gRPC certificate expired on/,
    },
    {
        what: "expires soon",
        faults: async () => ({ grpcPair: await trust.linkmeshCa.issue([HOST], { from: -360, to: 5 }) }),
        status: "warn",
        detail: /expires in 4 days/,
    },
    {
        what: "LinkMesh down behind the stream",
        faults: { rawGrpc: (socket) => socket.destroy() },
        status: "fail",
        detail: /accepts connections and closes them/,
    },
    {
        what: "not TLS",
        faults: { rawGrpc: (socket) => socket.write("hello") },
        status: "fail",
        detail: /does not speak TLS/,
    },
    {
        what: "the public HTTPS port down",
        faults: { rawHttps: (socket) => socket.destroy() },
        status: "ok",
        detail: /client certificate required/,
    },
]);

test("closed: a port that answers is named", async () => {
    const target = await site();
    const { httpPort, closedPorts } = target;
    const [result] = await runChecks({ ...target, closedPorts: [...closedPorts!, httpPort!] }, { only: ["closed"] });
    expect(result).toMatchObject({ status: "fail", detail: `port ${httpPort} answers from outside, past the proxy` });
});

test("nothing listens: each surface says so, and nothing is thrown", async () => {
    const port = await freePort("127.0.0.1");
    const results = await runChecks(
        { host: HOST, ipv4: "127.0.0.1", httpPort: port, httpsPort: port, grpc: { port } },
        { only: ["redirect", "https", "certificate", "opamp", "grpc"] },
    );
    for (const { status, detail } of results) {
        expect([status, detail]).toEqual(["fail", `nothing listens on 127.0.0.1 port ${port}`]);
    }
});

test("patience waits for what comes up later, and results keep their order", async () => {
    const target = await site();
    const late = net.createServer((socket) => {
        socket.on("error", () => {});
        socket.pipe(net.connect(target.httpPort!, "127.0.0.1").on("error", () => {})).pipe(socket);
    });
    cleanups.push(() => new Promise((resolve) => late.close(resolve)));
    const port = await freePort("127.0.0.1");
    setTimeout(() => late.listen(port, "127.0.0.1"), 1_500);

    const order: string[] = [];
    const results = await runChecks(
        { ...target, httpPort: port },
        { patience: 10_000, onResult: ({ name }) => order.push(name) },
    );
    expect(results.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(order).toEqual(results.map(({ name }) => name));
});

describe("addresses", () => {
    test.each<[string, Partial<Target>, string, RegExp]>([
        ["as expected", { ipv4: "127.0.0.1", ipv6: "0:0::1" }, "ok", /127.0.0.1 and ::1|127.0.0.1 and 0:0::1/],
        ["one more in the DNS", { ipv4: "127.0.0.1" }, "fail", /gives 127.0.0.1, ::1 .* expected was 127.0.0.1 only/],
        ["an old one in the DNS", { ipv4: "127.0.0.2", ipv6: "::1" }, "fail", /expected was 127.0.0.2 and ::1/],
    ])("%s", async (_what, addresses, status, detail) => {
        const dns = [await nameServer({ A: ["127.0.0.1"], AAAA: ["::1"] })];
        const [result] = await runChecks({ host: HOST, dns, ...addresses }, { only: ["addresses"] });
        expect(result).toMatchObject({ name: "addresses", status });
        expect(result!.detail).toMatch(detail);
    });

    test("without addresses the DNS is dialled", async () => {
        const target = await site();
        const results = await runChecks({
            ...target,
            ipv4: undefined,
            dns: [await nameServer({ A: ["127.0.0.1"], AAAA: [] })],
        });
        expect(results.map(({ name, status }) => `${name} ${status}`).slice(0, 3)).toEqual([
            "addresses ok",
            "redirect ok",
            "https ok",
        ]);
    });

    test("no record, no name server: one failure and nothing else", async () => {
        const empty = [await nameServer({ A: [], AAAA: [] })];
        expect(await runChecks({ host: HOST, dns: empty })).toMatchObject([
            { status: "fail", detail: `the DNS has no A or AAAA record for ${HOST}` },
        ]);
        const nobody = [`127.0.0.1:${await freePort("127.0.0.1")}`];
        expect(await runChecks({ host: HOST, dns: nobody, timeoutMs: 300 })).toMatchObject([
            { status: "fail", detail: expect.stringContaining("the name servers do not answer") as string },
        ]);
    });

    test("two machines in the DNS are worth a warning", async () => {
        const dns = [await nameServer({ A: ["127.0.0.1", "127.0.0.2"], AAAA: [] })];
        const [result] = await runChecks({ host: HOST, dns, timeoutMs: 100 }, { only: ["addresses"] });
        expect(result).toMatchObject({
            status: "warn",
            detail: expect.stringContaining("127.0.0.1, 127.0.0.2") as string,
        });
    });
});

/** Answers every question with these records; returns "address:port". */
async function nameServer(records: Record<"A" | "AAAA", string[]>): Promise<string> {
    const socket: DatagramSocket = createSocket("udp4");
    socket.on("message", (query, from) => {
        const end = query.indexOf(0, 12) + 5;
        const question = query.subarray(12, end);
        const type = query.readUInt16BE(end - 4);
        const data = (type === 1 ? records.A : records.AAAA).map((address) => bytes(address));
        const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, data.length, 0, 0, 0, 0]);
        const answers = data.map((rdata) =>
            Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, rdata.length]), rdata]),
        );
        socket.send(Buffer.concat([header, question, ...answers]), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    cleanups.push(() => socket.close());
    return `127.0.0.1:${socket.address().port}`;
}

function bytes(address: string): Buffer {
    if (net.isIPv4(address)) return Buffer.from(address.split(".").map(Number));
    return Buffer.concat([Buffer.alloc(15), Buffer.from([1])]); // ::1
}
