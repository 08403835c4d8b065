import { connect as connectHttp2 } from "node:http2";
import { type TLSSocket, connect } from "node:tls";
import { beforeAll, expect, test } from "vitest";
import { Clients, exchange } from "./clients.ts";
import { allowed, lab6, labOk, listens, onMachine, servedSerial, status, theLab } from "./lab.ts";
import { expectMutualTls } from "./endpoints.ts";
import { expectOpenPorts } from "./open-ports.ts";

/** Longer than nginx takes by itself, as names of many levels are. */
export const GRPC = "grpc-of-the-agents-of-the-whole-fleet.linkmesh.example.test";
export const UI = "ui-for-people-who-look-after-the-fleet.example.test";

/** Port 443 for https and gRPC, told apart by name; a name with HTTP/2 for people; CAA records. */
export function onePort(): void {
    let found: Awaited<ReturnType<typeof status>>;
    let clients: Record<"ipv4" | "ipv6", Clients>;
    let token: string;
    beforeAll(async () => {
        found = await status();
        clients = { ipv4: new Clients(found), ipv6: new Clients(found, found.outputs.ipv6) };
        token = await onMachine("linkmesh-server token");
    });
    const families = ["ipv4", "ipv6"] as const;

    test("the outputs name the names and the one port", () => {
        expect(found.outputs).toMatchObject({ grpcEndpoint: `${GRPC}:443`, uiUrl: `https://${UI}` });
        const names = new Set(found.outputs.dnsRecords.map(({ name }) => name));
        expect([...names]).toEqual(["linkmesh.example.test", UI, GRPC]);
    });

    test("check passes, with gRPC at its own name, the UI name, and port 50051 closed", async () => {
        const run = await labOk("check");
        expect(run.stdout).toMatch(/grpc +ipv4 .*LinkMesh's own certificate for grpc-of-\S+\.linkmesh\.example\.test/);
        expect(run.stdout).toMatch(/ui +ipv6/);
        expect(run.stdout).toMatch(/closed +ipv6 .*\b50051\b/);
    });

    test.each(families)(
        "%s: gRPC over mTLS reaches LinkMesh unchanged, and no client without a certificate does",
        async (f) => {
            await expectMutualTls(clients[f], token, `${GRPC}:443`);
        },
    );

    test("https: LinkMesh sees the client's true address, whatever headers it forges", async () => {
        const forged = { "X-Forwarded-For": "198.51.100.66", Forwarded: "for=198.51.100.66" };
        const { ipv4, ipv6 } = clients;
        expect(await ipv4.whoami(token, forged)).toMatchObject({ address: theLab().net.outer, scheme: "https" });
        expect(await ipv6.whoami(token, forged)).toMatchObject({ address: lab6() });
    });

    test("gRPC: the log names the client's true address", async () => {
        const log = () => onMachine("cat /var/log/nginx/linkmesh-grpc.log");
        // nginx logs a session after it has ended.
        for (const client of [theLab().net.outer.replaceAll(".", "\\."), lab6()])
            await expect.poll(log, { timeout: 60_000 }).toMatch(new RegExp(`^${client} `, "m"));
        expect(await log()).not.toMatch(/^unix:/m);
    });

    test.each(families)(
        "%s: OpAMP answers at its own name, which offers no HTTP/2 to a client that asks",
        async (f) => {
            const socket = await clients[f].opamp(token);
            expect((await exchange(socket, Buffer.from("x".repeat(100_000)))).length).toBe(100_000);
            socket.terminate();
            expect(await alpn(found.outputs[f]!, "linkmesh.example.test", found.ca)).toBe("http/1.1");
        },
    );

    test.each(families)("%s: the UI name speaks HTTP/2 with the same certificate, and has no OpAMP", async (f) => {
        const address = found.outputs[f]!.replace(/^.*:.*$/, "[$&]");
        const session = connectHttp2(`https://${address}`, { ca: found.ca, servername: UI });
        const ask = (path: string) =>
            new Promise<number>((resolve, reject) => {
                const stream = session.request({ ":path": path, ":authority": UI });
                stream.on("response", (headers) => resolve(headers[":status"]!)).on("error", reject);
                stream.resume();
            });
        session.on("error", () => undefined);
        const serial = await servedSerial();
        const shown = (session.socket as TLSSocket).getPeerX509Certificate()!;
        expect(`serial=${shown.serialNumber}`).toBe(serial);
        expect(await ask("/")).toBe(200);
        expect(await ask("/v1/opamp")).toBe(404);
        session.close();
        expect(await alpn(found.outputs[f]!, UI, found.ca)).toBe("h2");
    });

    test("port 50051 has no listener and no rule", async () => {
        expect(await listens(50051)).toBe(false);
        expect(allowed(50051)).toEqual([]);
    });

    expectOpenPorts({ grpcDomain: GRPC });

    test("CAA records allow the one authority at each https name, and no wildcards", async () => {
        const caa = found.outputs.dnsRecords.filter(({ type }) => type === "CAA");
        expect(caa.map(({ name }) => name)).toEqual([...["linkmesh.example.test", "linkmesh.example.test"], UI, UI]);
        for (const name of ["linkmesh.example.test", UI]) {
            const answer = await onMachine(`dig +short CAA ${name} @ns1.example.test | sort`);
            expect(answer, name).toBe('0 issue "pki.example.test"\n0 issuewild ";"');
        }
    });
}

/** What ALPN chooses of both versions of HTTP. */
export function alpn(host: string, servername: string, ca: string): Promise<string | false | null> {
    return new Promise((resolve, reject) => {
        const socket = connect({ host, port: 443, servername, ca, ALPNProtocols: ["h2", "http/1.1"] }, () => {
            resolve(socket.alpnProtocol);
            socket.destroy();
        });
        socket.on("error", reject);
    });
}
