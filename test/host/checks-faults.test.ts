import { beforeAll, describe, expect, test } from "vitest";
import { runChecks, type CheckName, type CheckResult, type Target } from "../../checks/index.ts";
import {
    authorities,
    cleanupsAfterEach,
    goodRedirect,
    HOST,
    startSite,
    status,
    type Authorities,
    type Faults,
} from "./checks-site.ts";
import { TestCa } from "./test-ca.ts";

// Each check against real servers that are wrong in one way: it has to be seen red for each fault.

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});

const cleanups = cleanupsAfterEach();

/** The one result of a check against a site with faults. */
async function outcome(only: CheckName, faults: Faults, change: Partial<Target> = {}): Promise<CheckResult> {
    const { target, stop } = await startSite(trust, faults);
    cleanups.push(stop);
    const results = await runChecks({ ...target, ...change }, { only: [only] });
    expect(results).toHaveLength(1);
    return results[0]!;
}

interface Case {
    what: string;
    faults: Faults | (() => Promise<Faults>);
    status: "ok" | "warn" | "fail";
    detail: RegExp;
    /** Nobody answers: not to be waited for. */
    silent?: true;
    /** Check without the CA, as against the public roots. */
    publicRoots?: true;
}

function table(name: CheckName, cases: Case[]) {
    describe(name, () => {
        test.each(cases)("$what: $status", async ({ faults, status, detail, silent, publicRoots }) => {
            const given = typeof faults === "function" ? await faults() : faults;
            const result = await outcome(name, given, {
                ...(publicRoots && { ca: undefined }),
                ...(silent && { timeoutMs: 500 }),
            });
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
        detail: /does not start TLS within 0.5 s/,
        silent: true,
    },
    {
        what: "hang-up before TLS",
        faults: { rawHttps: (socket) => socket.destroy() },
        status: "fail",
        detail: /closes the connection before TLS/,
    },
    {
        what: "silence after TLS",
        faults: { https: () => {} },
        status: "fail",
        detail: /does not answer it within 0.5 s/,
        silent: true,
    },
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
        detail: /does not answer it within 0.5 s/,
        silent: true,
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
