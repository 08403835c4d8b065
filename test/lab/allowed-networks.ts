import { connect } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { Clients } from "./clients.ts";
import { allowed, journal, lab6, labOk, listens, onMachine, status, theLab } from "./lab.ts";
import { expectOpenPorts } from "./open-ports.ts";

/** gRPC off, port 443 only for two networks, one of which is a trusted proxy. */
export function allowedNetworks(): void {
    let found: Awaited<ReturnType<typeof status>>;
    let token: string;
    beforeAll(async () => {
        found = await status();
        token = await onMachine("linkmesh-server token");
    });
    const seen = async (client: Clients, forwarded: string) =>
        (await client.whoami(token, { "X-Forwarded-For": forwarded })).address;

    test("with gRPC off there is no output, no listener and no open port, and check reports the port as closed", async () => {
        expect(found.outputs.grpcEndpoint).toBeUndefined();
        expect(await listens(50051)).toBe(false);
        expect(await onMachine("grep -c 'stream {' /etc/nginx/linkmesh/current/main-stream.conf || true")).toBe("0");
        expect(await onMachine("grep -v '^ *#' /etc/linkmesh/config.yaml")).not.toContain("50051");
        const check = await labOk("check");
        expect(check.stdout).not.toMatch(/grpc/);
        expect(check.stdout).toMatch(/closed +ipv4 .*\b50051\b/);
    });

    test("with gRPC off there is no ingress rule for it, and no gRPC name in LinkMesh's own certificate", async () => {
        expect(allowed(50051)).toEqual([]);
        const show = "openssl s_client -connect 127.0.0.1:50061 </dev/null 2>/dev/null";
        const names = await onMachine(`${show} | openssl x509 -noout -ext subjectAltName`);
        expect(names).toContain("DNS:");
        expect(names).not.toContain("example.test");
    });

    // From an allowed network.
    expectOpenPorts({ grpc: false });

    test("port 443 accepts only the allowed networks", async () => {
        expect(allowed(443)).toEqual([`${theLab().net.outer}/32`, `${lab6()}/128`]);
        const clients = new Clients(found);
        expect((await clients.http("/")).status).toBe(200);
        expect(await connects(found.outputs.ipv4, 443, theLab().net.packages)).toBe(false);
        // http-01 needs port 80 from everywhere.
        expect(await connects(found.outputs.ipv4, 80, theLab().net.packages)).toBe(true);
    });

    test("behind a trusted proxy the client is the last address that is not a trusted proxy's", async () => {
        const hop = new Clients(found);
        expect(await seen(hop, "198.51.100.66")).toBe("198.51.100.66");
        expect(await seen(hop, `203.0.113.9, 198.51.100.66, ${theLab().net.outer}`)).toBe("198.51.100.66");
    });

    test("a forwarded address from anyone else is dropped", async () => {
        expect(await seen(new Clients(found, found.outputs.ipv6), "198.51.100.66")).toBe(lab6());
    });

    test("the 61st session of an address is refused, and some of 300 refusals are logged", async () => {
        const client = new Clients(found, found.outputs.ipv6);
        const sessions = [];
        for (let n = 0; n < 60; n++) sessions.push(await client.opamp(token));
        for (let n = 0; n < 300; n++) await expect(client.opamp(token)).rejects.toThrow("429");
        for (const socket of sessions) socket.terminate();
        const lines = (log: string) => [...log.matchAll(/limiting connections/g)].length;
        // 5 a minute, times up to six by the room that the journal has; and a minute may begin meanwhile.
        const told = lines(await journal("nginx"));
        expect(told).toBeGreaterThan(0);
        expect(told).toBeLessThanOrEqual(60);
        expect(lines(await onMachine("cat /var/log/nginx/error.log"))).toBe(0);
        const check = await labOk("check");
        expect(check.stdout).toMatch(new RegExp(`limits .*${lab6()} reached the session limit`));
    });
}

/** Whether a TCP connection from this address of the machine is accepted within 3 seconds. */
export function connects(host: string, port: number, localAddress: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, localAddress, timeout: 3000 });
        const settle = (open: boolean) => {
            socket.destroy();
            resolve(open);
        };
        socket.once("connect", () => settle(true));
        socket.once("timeout", () => settle(false));
        socket.once("error", () => settle(false));
    });
}
