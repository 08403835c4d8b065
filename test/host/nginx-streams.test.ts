import { once } from "node:events";
import type http from "node:http";
import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorities, type Authorities } from "./checks-site.ts";
import { ask, MODES, NAMES, renderMode, startBackend, type Backend } from "./nginx-modes.ts";
import { NginxServer, workers } from "./nginx-server.ts";
import { freePort } from "./free-port.ts";

// What nginx does with bodies and headers on their way: it passes them on, and keeps none.

const MIB = 1 << 20;
const DOWNLOAD = 128 * MIB;

let trust: Authorities;
beforeAll(async () => {
    trust = await authorities();
});

describe.each(Object.keys(MODES))("%s", (mode) => {
    /** What the backend does with the next request. */
    let handle: http.RequestListener;
    let backend: Backend;
    let server: NginxServer;
    beforeAll(async () => {
        backend = await startBackend((request, response) => handle(request, response));
        const upstream = { http: backend.port, grpc: await freePort() };
        const config = renderMode(mode);
        server = await NginxServer.start({ config, domain: NAMES[0]!, certificate: trust.uiPair, upstream });
    });
    afterAll(async () => {
        await server?.stop();
        await backend?.stop();
    });
    const at = (name: string) => ({ port: server.ports.https, ca: trust.publicCa.pem, name });

    describe.each(NAMES)("%s", (name) => {
        test("each live event arrives before the next one is sent", async () => {
            const event = (n: number) => `data: ${n}\n\n`;
            let send!: (text: string) => void;
            handle = (_, response) => {
                response.writeHead(200, { "content-type": "text/event-stream" });
                send = (text) => response.write(text);
                send(event(0));
            };
            const { response, close } = ask(at(name), "/api/v1/live");
            const { body } = await response;
            for (let n = 0; n < 20; n++) {
                const [chunk] = (await once(body, "data")) as [Buffer];
                expect(String(chunk)).toBe(event(n));
                send(event(n + 1));
            }
            close();
        });

        test("an upload reaches LinkMesh while it is sent", async () => {
            let arrived!: (text: string) => void;
            handle = (request, response) => {
                request.on("data", (chunk) => arrived(String(chunk)));
                request.on("end", () => response.end());
            };
            const { request, response, close } = ask(at(name), "/v1/metrics", { method: "POST" });
            for (const part of ["one", "two", "three"]) {
                const next = new Promise((resolve) => (arrived = resolve));
                request.write(part);
                expect(await next).toBe(part);
            }
            request.end();
            expect((await response).status).toBe(200);
            close();
        });

        test("a download of 128 MB pauses for a client that does not read, fills no file, and is complete once it reads", async () => {
            let sent = 0;
            handle = (_, response) => {
                response.writeHead(200, { "content-length": DOWNLOAD, "x-accel-buffering": "yes" });
                const piece = Buffer.alloc(MIB, 7);
                const send = () => {
                    while (sent < DOWNLOAD) {
                        sent += piece.length;
                        if (!response.write(piece)) return void response.once("drain", send);
                    }
                    response.end();
                };
                send();
            };
            const { response, close } = ask(at(name), "/api/v1/downloads/collector");
            const { body } = await response;
            // It has stopped when a second brings nothing more.
            for (let before = -1; before !== sent; await sleep(1_000)) before = sent;
            expect(sent).toBeLessThan(32 * MIB);
            expect(deletedFiles(server)).toEqual([]);
            let received = 0;
            for await (const chunk of body as AsyncIterable<Buffer>) received += chunk.length;
            expect(received).toBe(DOWNLOAD);
            close();
        });

        test("an upload pauses while LinkMesh does not read, and fills no file", async () => {
            let goOn!: () => void;
            const begun = new Promise<void>((resolve) => {
                handle = (request, response) => {
                    goOn = () => {
                        request.resume();
                        request.on("end", () => response.end());
                    };
                    resolve();
                };
            });
            const size = 48 * MIB;
            const headers = { "content-length": String(size) };
            const { request, response, close } = ask(at(name), "/v1/metrics", { method: "POST", headers });
            let sent = 0;
            const write = () => {
                while (sent < size) {
                    sent += MIB;
                    if (!request.write(Buffer.alloc(MIB))) return void request.once("drain", write);
                }
                request.end();
            };
            write();
            await begun;
            for (let before = -1; before !== sent; await sleep(1_000)) before = sent;
            expect(sent).toBeLessThan(size);
            expect(deletedFiles(server)).toEqual([]);
            goOn();
            expect((await response).status).toBe(200);
            close();
        });

        test.each([
            ["a cookie of 8,500 bytes", "/", { cookie: `session=${"c".repeat(8_500)}` }],
            ["a cookie of 32 kB", "/", { cookie: `session=${"c".repeat(32 * 1024)}` }],
            ["a bearer token of 9,000 bytes", "/api/v1/info", { authorization: `Bearer ${"b".repeat(9_000)}` }],
            ["a URL of 9,000 bytes", `/?state=${"u".repeat(9_000)}`, {}],
            [
                "all of them at once",
                `/?state=${"u".repeat(9_000)}`,
                { cookie: `session=${"c".repeat(32 * 1024)}`, authorization: `Bearer ${"b".repeat(9_000)}` },
            ],
        ])("%s reaches LinkMesh", async (_, path, headers) => {
            let seen: http.IncomingMessage | undefined;
            handle = (request, response) => {
                seen = request;
                response.end();
            };
            const { response, close } = ask(at(name), path, { headers });
            expect((await response).status).toBe(200);
            expect(seen!.url).toBe(path);
            expect(seen!.headers).toMatchObject(headers);
            close();
        });

        test.each([5_000, 32 * 1024])("an answer with %i bytes of Set-Cookie reaches the client", async (size) => {
            const cookies = ["a", "b"].map((key) => `${key}=${key.repeat(size / 2)}`);
            handle = (_, response) => void response.writeHead(302, { "set-cookie": cookies, location: "/" }).end();
            const { response, close } = ask(at(name), "/login");
            const { status, headers } = await response;
            expect(status).toBe(302);
            expect(headers["set-cookie"]).toEqual(cookies);
            close();
        });

        test.each<[string, (socket: http.ServerResponse["socket"]) => void, RegExp]>([
            [
                "headers without end",
                (socket) => socket!.write(`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(100_000)}\r\n\r\n`),
                /upstream sent too big header/,
            ],
            [
                "an invalid header",
                (socket) => socket!.end("HTTP/1.1 200 OK\r\n\0: a\r\n\r\n"),
                /upstream sent invalid header/,
            ],
            [
                "half of its headers",
                (socket) => socket!.end("HTTP/1.1 200 OK\r\nContent-"),
                /upstream prematurely closed connection/,
            ],
        ])("LinkMesh sends %s: 502, and the log says why", async (_, answer, reason) => {
            handle = ({ socket }) => answer(socket);
            const before = server.log().length;
            const { response, close } = ask(at(name), "/");
            const { status, headers } = await response;
            expect([status, headers["retry-after"]]).toEqual([502, undefined]);
            expect(headers["strict-transport-security"]).toBeDefined();
            expect(server.log().slice(before)).toMatch(reason);
            close();
        });

        test("if LinkMesh closes without an answer, the client gets 503 with Retry-After", async () => {
            handle = ({ socket }) => socket.destroy();
            const { response, close } = ask(at(name), "/");
            const { status, headers } = await response;
            expect([status, headers["retry-after"]]).toEqual([503, expect.stringMatching(/^\d$/)]);
            close();
        });

        test("LinkMesh's own answer is passed on, whatever its status", async () => {
            for (const status of [429, 502, 503]) {
                handle = (_, response) => void response.writeHead(status, { "retry-after": "7" }).end("own");
                const { response, close } = ask(at(name), "/");
                const { status: seen, headers } = await response;
                expect([seen, headers["retry-after"]]).toEqual([status, "7"]);
                close();
            }
        });
    });
});

/** Files that nginx holds without a name, as it does with what it could not pass on at once. */
function deletedFiles(server: NginxServer): string[] {
    return workers(server)
        .flatMap((pid) => readdirSync(`/proc/${pid}/fd`).map((fd) => target(`/proc/${pid}/fd/${fd}`)))
        .filter((path) => path.endsWith("(deleted)") && path.startsWith("/var/lib/nginx"));
}

/** Empty for a file that was closed meanwhile. */
function target(link: string): string {
    try {
        return readlinkSync(link);
    } catch {
        return "";
    }
}
