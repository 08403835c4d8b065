import { goodRedirect, HOST, type Faults } from "./checks-site.ts";
import { sites } from "./checks-table.ts";

// Ports 80 and 50051 wrong in one way: each check of them has to be seen red for each fault.

const { trust, table } = sites();

const reply = (code: number, headers: Record<string, string> = {}) =>
    ((_request, response) => response.writeHead(code, headers).end()) satisfies Faults["https"];

table("redirect", [
    { what: "302", faults: { http: redirectBy(302) }, status: "warn", detail: /^302/ },
    {
        what: "Debian's default page",
        faults: { http: reply(200) },
        status: "fail",
        detail: /^200 instead of a redirect/,
    },
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
        detail: /challenge.* 301 instead of 404/,
    },
    {
        what: "challenges forbidden",
        faults: {
            http: ({ url }, response) =>
                url!.includes("acme") ? response.writeHead(403).end() : goodRedirect({ url } as never, response),
        },
        status: "fail",
        detail: /challenge.* 403 instead of 404/,
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
        detail: /accepts clients without a certificate/,
    },
    {
        what: "client certificate optional",
        faults: { grpc: { rejectUnauthorized: false } },
        status: "fail",
        detail: /accepts clients without a certificate/,
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
