import { connect } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { Clients } from "./clients.ts";
import { labOk, listens, onMachine, status, theLab } from "./lab.ts";
import { lab6 } from "./one-port.ts";

/** gRPC off, port 443 for two networks alone, one of which is a hop whose word about the client is taken. */
export function access(): void {
    let found: Awaited<ReturnType<typeof status>>;
    let headers: Record<string, string>;
    beforeAll(async () => {
        found = await status();
        headers = { Authorization: `Bearer ${await onMachine("linkmesh-server token")}` };
    });
    const seen = async (client: Clients, forwarded: string) => {
        const answer = await client.http("/api/v1/whoami", { headers: { ...headers, "X-Forwarded-For": forwarded } });
        return (JSON.parse(answer.body) as { address: string }).address;
    };

    test("gRPC off: no output, no listener of nginx, no port; check says that it is closed", async () => {
        expect(found.outputs.grpcEndpoint).toBeUndefined();
        expect(await listens(50051)).toBe(false);
        expect(await onMachine("grep -c 'stream {' /etc/nginx/linkmesh/current/main-stream.conf || true")).toBe("0");
        expect(await onMachine("grep -v '^ *#' /etc/linkmesh/config.yaml")).not.toContain("50051");
        const check = await labOk("check");
        expect(check.stdout).not.toMatch(/grpc/);
        expect(check.stdout).toMatch(/closed +ipv4/);
    });

    test("port 443 lets the networks in that are named, and no other", async () => {
        const clients = new Clients(found);
        expect((await clients.http("/")).status).toBe(200);
        expect(await connects(found.outputs.ipv4, 443, theLab().net.packages)).toBe(false);
        // http-01 needs port 80 from everywhere.
        expect(await connects(found.outputs.ipv4, 80, theLab().net.packages)).toBe(true);
    });

    test("a trusted hop names the client; the last address that is no hop counts", async () => {
        const hop = new Clients(found);
        expect(await seen(hop, "198.51.100.66")).toBe("198.51.100.66");
        expect(await seen(hop, `203.0.113.9, 198.51.100.66, ${theLab().net.outer}`)).toBe("198.51.100.66");
    });

    test("from elsewhere the header is dropped", async () => {
        expect(await seen(new Clients(found, found.outputs.ipv6), "198.51.100.66")).toBe(lab6());
    });
}

/** Whether a TCP connection from that address of this machine is taken within 3 seconds. */
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
