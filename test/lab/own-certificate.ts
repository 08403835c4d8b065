import { beforeAll, expect, test } from "vitest";
import { TestCa, type Pair } from "../host/test-ca.ts";
import { Clients } from "./clients.ts";
import { alpn } from "./one-port.ts";
import {
    allowed,
    lab,
    labOk,
    listens,
    mainPid,
    onMachine,
    servedCertificate,
    servedSerial,
    sets,
    status,
    tryOnMachine,
} from "./lab.ts";
import { Load } from "./client-load.ts";
import { curl } from "./endpoints.ts";

const HOST = "linkmesh.example.test";
const UI = "ui.example.test";
const GRPC = "grpc.linkmesh.example.test";

/** A certificate of the user's own in place of an authority's, for the UI's name too; gRPC on the same port; port 80 closed. */
export function ownCertificate(): void {
    let root: TestCa;
    let ca: TestCa;
    let first: Pair;
    const set = ({ cert, key }: Pair) => sets({ tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key });
    // The chain ends below the root, as authorities give it.
    const trusting = async () => ({ ...(await status()), ca: root.pem });
    beforeAll(async () => {
        root = await TestCa.create("CN=root of one's own");
        ca = await TestCa.create("CN=intermediate of one's own", root);
        first = await ca.issue([HOST, UI]);
    });

    test("is served in both address families; nothing renews it; only root can read its key, which is in no log", async () => {
        const others = sets({ httpRedirect: "false", uiDomain: UI, grpcDomain: GRPC });
        const run = await labOk("up", ...set(first), ...others);
        expect(run.stdout + run.stderr).not.toContain("PRIVATE KEY");
        expect(run.stdout + run.stderr).toContain(
            `tlsCertificate ends at "CN=root of one's own", which is not a public root`,
        );
        const found = await trusting();
        for (const address of [found.outputs.ipv4, found.outputs.ipv6!]) {
            expect((await new Clients(found, address).http("/")).status).toBe(200);
            expect(await alpn(address, UI, root.pem)).toBe("h2");
        }
        expect(await curl(await status())).toBe("200");
        expect(await onMachine("systemctl is-enabled certbot.timer || true")).toBe("disabled");
        expect(
            await onMachine("stat -L -c '%a %U' /etc/linkmesh-proxy/tls/current /etc/linkmesh-proxy/tls/current/*"),
        ).toBe("700 root\n600 root\n600 root");
        const line = first.key.split("\n")[1]!;
        expect(await onMachine(`grep -rlsF '${line}' /var/log /tmp /run /root /home /etc || true`)).toMatch(
            /^\/etc\/linkmesh-proxy\/tls\/[0-9a-f]{12}\/privkey\.pem$/,
        );
    });

    test("port 80 has no listener", async () => {
        expect((await status()).outputs.httpUrl).toBeUndefined();
        expect(await listens(80)).toBe(false);
        expect(allowed(80)).toEqual([]);
        expect((await labOk("check")).stdout).toMatch(/closed +ipv6 .*\b80\b/);
    });

    test("check compares the served certificate with the one on the disk, and the machine watches it", async () => {
        expect((await labOk("check")).stdout).toMatch(/✓ served +nginx serves the certificate on the disk/);
        const unit = "linkmesh-proxy-certificate";
        expect(await onMachine(`systemctl show --property=Environment ${unit}.service`)).toContain("/tls/current");
        expect(await onMachine(`systemctl is-active ${unit}.timer`)).toBe("active");
    });

    test("a new one replaces it under load: no request fails and no session ends", async () => {
        const clients = new Clients(await trusting());
        const load = new Load(clients, await onMachine("linkmesh-server token"));
        await load.start({ sessions: 20, streams: 5 });
        const pid = await mainPid("nginx");
        const next = await ca.issue([HOST, UI]);
        await labOk("up", ...set(next));
        await load.requestsMade(50);
        await load.stop();
        expect(load.failed).toEqual([]);
        expect([...load.dropped]).toEqual([]);
        expect(await mainPid("nginx")).toBe(pid);
        expect(await onMachine("ls --hide=current /etc/linkmesh-proxy/tls")).toMatch(/^[0-9a-f]{12}$/);
        const served = await servedCertificate("");
        expect(served.replace(/\s/g, "")).toBe(next.cert.replace(/\s/g, ""));
    });

    test("a key of another certificate is refused, and the one in use stays", async () => {
        const other = await ca.issue([HOST]);
        const before = await servedSerial();
        const run = await lab("preview", ...set({ cert: first.cert, key: other.key }));
        expect(run.exitCode).toBe(1);
        expect(run.stdout + run.stderr).toContain("tlsPrivateKey does not belong to tlsCertificate");
        expect(run.stdout + run.stderr).not.toContain("BEGIN PRIVATE KEY");
        expect(await servedSerial()).toBe(before);
    });

    test("back to the authority, the timer renews again, and the key is gone from the machine's disk", async () => {
        const back = { tlsCertificate: "", tlsPrivateKey: "", httpRedirect: "", uiDomain: "", grpcDomain: "" };
        await labOk("up", ...sets(back));
        expect((await new Clients(await status()).http("/")).status).toBe(200);
        expect(await onMachine("systemctl is-enabled certbot.timer")).toBe("enabled");
        expect((await tryOnMachine("ls /etc/linkmesh-proxy/tls")).exitCode).not.toBe(0);
    });
}
