import { HEALTH_PATH } from "../../components/health.ts";
import { goodRedirect, HOST, status, type Faults } from "./checks-site.ts";
import { PUBLIC_ROOTS, SILENT, sites } from "./checks-table.ts";
import { TestCa } from "./test-ca.ts";

// Port 443 wrong in one way: each check of it has to be seen red for each fault.

const { trust, table } = sites();

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
    { what: "not found", faults: { https: reply(404) }, status: "fail", detail: /^404 instead of 200 or 302/ },
    { what: "HTTP/2 only", faults: { http2: "only" }, status: "fail", detail: /does not offer the protocol/ },
    { what: "HTTP/2 too", faults: { http2: "too" }, status: "warn", detail: /also offers HTTP\/2/ },
    { what: "expired certificate", faults: expired, status: "fail", detail: /expired/ },
    {
        what: "certificate of another name",
        faults: wrongName,
        status: "fail",
        detail: /is for other.example.test, not for linkmesh/,
    },
    {
        what: "unknown CA",
        faults: {},
        change: PUBLIC_ROOTS,
        status: "fail",
        detail: /does not chain to a trusted root/,
    },
    {
        what: "staging CA",
        faults: staging,
        change: PUBLIC_ROOTS,
        status: "warn",
        detail: /test CA \(\(STAGING\) Wannabe Watercress R11\)/,
    },
    {
        what: "staging CA, another one given",
        faults: staging,
        status: "fail",
        detail: /does not chain to the given CA/,
    },
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
        detail: /does not start TLS within 2 s/,
        change: SILENT,
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
        detail: /does not answer it within 2 s/,
        change: SILENT,
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
    {
        what: "a strange status",
        faults: { upgrade: status("418 Teapot") },
        status: "fail",
        detail: /^418 instead of 401/,
    },
    { what: "HTTP/2 only", faults: { http2: "only" }, status: "fail", detail: /does not offer the protocol/ },
    { what: "expired certificate", faults: expired, status: "fail", detail: /expired/ },
    { what: "staging CA", faults: staging, change: PUBLIC_ROOTS, status: "warn", detail: /^401.*test CA/ },
    {
        what: "no answer",
        faults: { https: () => {}, upgrade: false },
        status: "fail",
        detail: /does not answer it within 2 s/,
        change: SILENT,
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
    { what: "staging CA", faults: staging, change: PUBLIC_ROOTS, status: "warn", detail: /test CA/ },
    { what: "unknown CA", faults: {}, change: PUBLIC_ROOTS, status: "fail", detail: /trusted root/ },
]);

const healthAnswer = (code: number, headers: Record<string, string> = {}) =>
    (({ url }, response) =>
        response.writeHead(url === HEALTH_PATH ? code : 500, headers).end()) satisfies Faults["https"];

table("health", [
    {
        what: "well",
        faults: { https: healthAnswer(200, { "cache-control": "no-store" }) },
        status: "ok",
        detail: /^200: LinkMesh, the certificate/,
    },
    {
        what: "not well",
        faults: { https: healthAnswer(503) },
        status: "fail",
        detail: /^503: .* is not well/,
        hint: /linkmesh-proxy.health/,
    },
    {
        what: "mended since nginx kept the answer",
        faults: () => {
            let asked = 0;
            const https: Faults["https"] = (_, response) =>
                response.writeHead(asked++ === 0 ? 503 : 200, { "cache-control": "no-store" }).end();
            return Promise.resolve({ https });
        },
        status: "ok",
        detail: /^200: LinkMesh, the certificate/,
    },
    {
        what: "a page of LinkMesh's own",
        faults: { https: healthAnswer(200) },
        status: "fail",
        detail: /^200, which does not come from this program's health URL/,
    },
    { what: "no such page", faults: { https: healthAnswer(404) }, status: "fail", detail: /^404, which does not/ },
    {
        what: "silent",
        faults: { rawHttps: () => {} },
        change: SILENT,
        status: "fail",
        detail: /does not answer|no answer|within/,
    },
]);
