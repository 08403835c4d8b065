import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderNginx } from "../../components/host/render/nginx/config.ts";
import { authorities, HOST, type Authorities } from "./checks-site.ts";
import { startEchoBackend, type EchoBackend, type Seen } from "./echo-backend.ts";
import { CLIENT, NginxClient } from "./nginx-client.ts";
import { nginxArgs, NginxServer, type Files } from "./nginx-server.ts";
import { listenersWith } from "../unit/listeners.ts";

// Other files in nginx's folders: before the program's file, and after it.

let trust: Authorities;
let backend: EchoBackend;
let grpcBackend: tls.Server;
beforeAll(async () => {
    trust = await authorities();
    backend = await startEchoBackend();
    grpcBackend = tls.createServer(trust.grpcPair);
    await once(grpcBackend.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
    await backend?.stop();
    grpcBackend?.close();
});

async function start(foreign: Files, domain = HOST, mode: Partial<ReturnType<typeof nginxArgs>> = {}) {
    const server = await NginxServer.start({
        config: renderNginx({ ...nginxArgs(domain, 1_000), ...mode }),
        domain,
        certificate: domain === HOST ? trust.publicPair : await trust.publicCa.issue([domain]),
        upstream: { http: backend.port, grpc: (grpcBackend.address() as AddressInfo).port },
        foreign,
    });
    return { server, client: new NginxClient(server, trust.publicCa.pem) };
}

/** Whether the program's names answer as if there were no other file. */
async function expectOurs({ server, client }: Awaited<ReturnType<typeof start>>): Promise<void> {
    const forged = { "x-forwarded-for": "10.1.2.3", "cf-connecting-ip": "10.1.2.3" };
    for (const status of ["200", "200", "401", "429"]) {
        const wanted = { "x-status": status, "x-once": Math.random().toString() };
        const reply = await client.https("/", { headers: { ...forged, ...wanted } });
        expect(reply.status).toBe(Number(status));
        expect(reply.headers["strict-transport-security"]).toBeDefined();
        const { headers } = JSON.parse(reply.body) as Seen;
        expect(headers).toMatchObject({ host: HOST, "x-forwarded-for": CLIENT, ...wanted });
    }
    expect((await client.https("/", { method: "POST" }, Buffer.alloc(1_000))).status).toBe(200);
    const socket = client.opamp();
    await once(socket, "open");
    socket.terminate();
    server.challenge("token", "token.thumbprint");
    expect((await client.http("/.well-known/acme-challenge/token")).body).toBe("token.thumbprint");
    expect((await client.http("/a?b")).headers.location).toBe(`https://${HOST}/a?b`);
    const machine = { localAddress: "127.0.0.1", headers: { host: "127.0.0.1" } };
    expect((await client.http("/.well-known/linkmesh-proxy", machine)).body).toMatch(/^[0-9a-f]{12}$/);
}

const WEBSOCKET_MAP = `map $http_upgrade $connection_upgrade {
    default upgrade;
    '' close;
}`;
const SIZES = `map_hash_bucket_size 128;
map_hash_max_size 4096;
server_names_hash_bucket_size 128;
variables_hash_bucket_size 128;`;
const FOR_ALL_SITES = `limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;
limit_req zone=all;
limit_conn_zone $binary_remote_addr zone=all_connections:1m;
limit_conn all_connections 1;
deny all;
auth_basic "for all";
auth_basic_user_file /etc/passwd;
auth_request /login;
set_real_ip_from 0.0.0.0/0;
real_ip_header CF-Connecting-IP;
proxy_intercept_errors on;
error_page 401 429 =200 /login;
limit_rate 1;
proxy_cache_path /var/log/nginx/cache keys_zone=all_answers:1m;
proxy_cache all_answers;
proxy_cache_valid any 1m;
proxy_buffering on;
proxy_buffers 2 4k;
proxy_busy_buffers_size 4k;
proxy_read_timeout 1s;
proxy_set_header Host foreign.invalid;
client_max_body_size 1;
ssl_verify_client on;
ssl_client_certificate /etc/letsencrypt/live/${HOST}/fullchain.pem;
gzip_types *;`;
const OTHER_SITE = `server {
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name *.example.test;
    ssl_certificate /etc/letsencrypt/live/${HOST}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/${HOST}/privkey.pem;
    return 418;
}
server {
    listen 80;
    listen [::]:80 ipv6only=on;
    server_name *.example.test;
    return 418;
}`;
const DEFAULT_SITES = OTHER_SITE.replace(/(listen .*(443|80).*);/g, "$1 default_server;").replaceAll(
    "*.example.test",
    "_",
);

describe.each([
    ["before", "conf.d/0.conf"],
    ["after", "conf.d/zz.conf"],
    ["in sites-enabled", "sites-enabled/site"],
])("%s", (_, name) => {
    test.each([
        ["a map for WebSockets", WEBSOCKET_MAP],
        ["sizes of nginx's hashes", SIZES],
        ["sizes and a map", `${SIZES}\n${WEBSOCKET_MAP}`],
        ["rules for all sites", FOR_ALL_SITES],
        ["another site on the same ports, by a wildcard", OTHER_SITE],
        ["the default sites of the ports", DEFAULT_SITES],
    ])("%s", async (_what, text) => {
        const started = await start({ [name]: text });
        try {
            await expectOurs(started);
        } finally {
            await started.server.stop();
        }
    });
});

test("limits of nginx as a whole", async () => {
    const foreign = { "modules-enabled/10.conf": "worker_rlimit_nofile 8192;\nworker_shutdown_timeout 1h;\n" };
    const started = await start(foreign);
    try {
        await expectOurs(started);
    } finally {
        await started.server.stop();
    }
});

test("another file's session limit, if the program sets none", async () => {
    const foreign = { "conf.d/0.conf": "limit_conn_zone $binary_remote_addr zone=all:1m;\nlimit_conn all 1;\n" };
    const { server, client } = await start(foreign, HOST, { collectorsExpected: 65_000 });
    try {
        const sockets = [client.opamp(), client.opamp(), client.opamp()];
        await Promise.all(sockets.map((socket) => once(socket, "open")));
        for (const socket of sockets) socket.terminate();
    } finally {
        await server.stop();
    }
});

/** The longest possible name. */
const LONG = [61, 61, 61, 54].map((length) => "n".repeat(length)).join(".") + ".example.test";
const LONG_GRPC = LONG.replace("n", "g");

test.each([
    ["gRPC has a port of its own", ""],
    ["gRPC shares the port", LONG_GRPC],
])("names of 253 characters, beside another file's map: %s", async (_, grpcDomain) => {
    expect(LONG).toHaveLength(253);
    const { server, client } = await start({ "conf.d/0.conf": WEBSOCKET_MAP }, LONG, {
        listeners: listenersWith({ grpcDomain }),
    });
    try {
        const names = { servername: LONG, headers: { host: LONG } };
        expect((await client.https("/", names)).status).toBe(200);
        expect((await client.https("/", { ...names, headers: { host: LONG_GRPC } })).status).toBe(421);
        expect((await client.http("/", { headers: { host: LONG } })).headers.location).toBe(`https://${LONG}/`);

        const port = grpcDomain === "" ? server.ports.grpc : server.ports.https;
        const servername = grpcDomain || LONG;
        const socket = tls.connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
        await once(socket, "secureConnect");
        expect(socket.getPeerX509Certificate()!.fingerprint256).toBe(
            new X509Certificate(trust.grpcPair.cert).fingerprint256,
        );
        socket.destroy();
    } finally {
        await server.stop();
    }
});
