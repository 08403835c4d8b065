import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCa } from "../../host/test-ca.ts";
import { Clients } from "../clients.ts";
import { labOk, sets, status, theLab } from "../lab.ts";
import type { Fleet } from "./fleet.ts";
import { allIn, nodeNames, processes } from "./nodes.ts";
import { addressesOf, startFleet } from "./stack.ts";

/** The load balancer's certificate is exchanged while clients are at work. */
export function certificates(): void {
    let fleet: Fleet;
    beforeAll(async () => {
        await allIn();
        fleet = await startFleet();
    });
    afterAll(() => fleet.stop());

    test("another certificate is served at every address, and no session is dropped", async () => {
        const ca = await TestCa.create("CN=root of one's own");
        const { cert, key } = await ca.issue(["linkmesh.example.test"]);
        const keep = (name: string, text: string) => {
            const file = join(theLab().dir, name);
            writeFileSync(file, text, { mode: 0o600 });
            return `@${file}`;
        };
        const own = { tlsCertificate: keep("own.pem", `${cert}\n${ca.pem}`), tlsPrivateKey: keep("own.key", key) };
        const before = { cuts: fleet.cuts, processes: await Promise.all(nodeNames().map(processes)) };
        const run = await labOk("up", ...sets(own));
        expect(run.stdout).not.toMatch(/✓ step /);
        const found = { ...(await status()), ca: ca.pem };
        for (const address of addressesOf(found)) {
            expect((await new Clients(found, address).http("/")).status).toBe(200);
            expect(await issuer(address)).toBe("root of one's own");
        }
        await fleet.back(Date.now());
        expect(fleet.cuts).toBe(before.cuts);
        expect(await Promise.all(nodeNames().map(processes))).toEqual(before.processes);
    });
}

/** Of the certificate that is served. */
function issuer(host: string): Promise<string> {
    return new Promise((resolve, reject) => {
        const socket = connect({ host, port: 443, servername: "linkmesh.example.test", rejectUnauthorized: false });
        socket.once("error", reject);
        socket.once("secureConnect", () => {
            resolve(String(socket.getPeerCertificate().issuer.CN));
            socket.destroy();
        });
    });
}
