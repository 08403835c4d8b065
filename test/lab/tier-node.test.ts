import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judgeServed } from "../../checks/served.ts";
import { HEALTH_PATH } from "../../components/health.ts";
import { factsScript, readFacts } from "../../doctor/facts.ts";
import { hostOf } from "../../doctor/judges/certificates.ts";
import { proxyLocal, proxyV2 } from "../host/proxy-header.ts";
import { journal, lab, onMachine, tryOnMachine, useLab } from "./lab.ts";
import { destroyed, resources } from "./program-state.ts";

// A program of the parts, for a machine behind a load balancer, in whose place the test connects.
useLab("test-node");

const PROJECT = "linkmesh-node";

beforeAll(async () => {
    process.env.LINKMESH_LAB_PROGRAM = "test/lab/node-program";
    await lab("destroy", "--ignore-protect");
});

afterAll(async () => {
    await lab("destroy", "--ignore-protect");
    delete process.env.LINKMESH_LAB_PROGRAM;
});

/** For a busy machine. */
const PATIENCE = { timeout: 60_000 };
const CLIENT = "2001:db8:7::9";
/** Of the program `node-program`. */
const DRAIN_MS = 5_000;

/** A connection as the load balancer makes it. */
async function connect(host: string, port: number, header: Buffer): Promise<net.Socket> {
    const socket = net.connect({ host, port });
    await once(socket, "connect");
    socket.write(header);
    return socket;
}

/** The status of a request over https. Without a client, it is a health check. */
async function ask(address: string, path: string, client?: string): Promise<number> {
    const header = client === undefined ? proxyLocal() : proxyV2({ address: client });
    const socket = await connect(address, 443, header);
    try {
        const createConnection = () => tls.connect({ socket, rejectUnauthorized: false });
        const host = client === undefined ? `${address}:443` : await domain();
        const [response] = (await once(http.get({ createConnection, path, headers: { host } }), "response")) as [
            http.IncomingMessage,
        ];
        return response.statusCode!;
    } finally {
        socket.destroy();
    }
}

let askedDomain: Promise<string> | undefined;
/** Asked once: a request must not wait for a shell on the machine. */
const domain = () => (askedDomain ??= onMachine("sed -n 2p /srv/linkmesh/identity/host"));
function addressOf(): string {
    const [address] = resources(PROJECT).filter(({ type }) => type === "aws:ec2/eip:Eip");
    return address!.outputs!.publicIp as string;
}
const linkmesh = () => onMachine("systemctl show --property MainPID --value linkmesh-server");

test("all steps end, and a second up has nothing to do", async () => {
    // It ends with an error, because the program has no outputs by which the lab could ask from outside.
    expect((await lab("up")).stdout).toMatch(/✓ step in-service /);
    expect((await lab("up")).stdout).toMatch(/✓ program: no change/);
});

test("it has no data volume, and no certbot", async () => {
    expect(await onMachine("mountpoint -q /srv/linkmesh || echo none; command -v certbot || echo none")).toBe(
        "none\nnone",
    );
    expect(await onMachine("ls -A /srv/linkmesh")).toContain("identity");
});

test("the doctor looks for no data volume, and finds the certificate served", async () => {
    const facts = readFacts(await onMachine(`bash <<'END_OF_FACTS'\n${factsScript("== mark")}END_OF_FACTS`), "== mark");
    expect(facts.lines("mounts")).toEqual(["none"]);
    expect(judgeServed(facts.text("served"), hostOf(facts))).toMatchObject({ status: "ok" });
});

test("health checks are answered, and clients under their own address", async () => {
    expect(await ask(addressOf(), HEALTH_PATH)).toBe(200);
    expect(await ask(addressOf(), "/?of=client", CLIENT)).toBe(200);
    // nginx logs a request after it has answered.
    await expect
        .poll(() => onMachine("grep 'of=client' /var/log/nginx/access.log || true"), PATIENCE)
        .toMatch(new RegExp(`^${CLIENT} `));
});

test("the gRPC port passes the handshake through to LinkMesh", async () => {
    const socket = await connect(addressOf(), 50051, proxyV2({ address: CLIENT }));
    const session = tls.connect({ socket, rejectUnauthorized: false, servername: await domain() });
    await once(session, "secureConnect");
    // LinkMesh asks for a client certificate.
    session.on("error", () => undefined);
    const internal = "openssl s_client -connect 127.0.0.1:50061 </dev/null 2>/dev/null | openssl x509 -noout -serial";
    expect(`serial=${session.getPeerX509Certificate()!.serialNumber}`).toBe(await onMachine(internal));
    session.destroy();
});

describe.each([
    ["is restarted", "systemctl restart linkmesh-server"],
    ["is stopped", "systemctl stop linkmesh-server; systemctl start linkmesh-server"],
    ["is installed anew", "apt-get -qq install --reinstall --allow-change-held-packages /srv/linkmesh/package/*.deb"],
])("a LinkMesh that %s", (_, command) => {
    beforeAll(async () => {
        // As a package may have it.
        await onMachine(`mkdir -p /run/systemd/system/linkmesh-server.service.d
            printf '[Service]\\nExecStop=/bin/kill $MAINPID\\nTimeoutStopSec=1\\n' >/run/systemd/system/linkmesh-server.service.d/00.conf
            systemctl daemon-reload`);
    });
    afterAll(() => onMachine("rm -r /run/systemd/system/linkmesh-server.service.d && systemctl daemon-reload"));

    test("stops after its health checks have failed for a while, when clients are still served", async () => {
        const pid = await linkmesh();
        const change = onMachine(command);
        const seen: string[] = [];
        do {
            // In this order, so that LinkMesh has not been restarted when the others were answered.
            const answers = [await ask(addressOf(), HEALTH_PATH), await ask(addressOf(), "/", CLIENT)];
            if ((await linkmesh()) !== pid) break;
            seen.push(answers.join(" "));
        } while (await Promise.race([change.then(() => false), sleep(100, true)]));
        await change;
        expect(seen.at(-1)).toBe("503 200");
        expect(new Set(seen)).not.toContain("503 503");
        expect(await linkmesh()).not.toBe(pid);
        await expect.poll(() => ask(addressOf(), HEALTH_PATH), PATIENCE).toBe(200);
    });
});

test("a reboot waits as long, although systemd stops timers and sockets at once", async () => {
    await tryOnMachine("systemctl reboot");
    const draining: number[] = [];
    const down = () => sleep(5_000, undefined);
    for (;;) {
        const asked = Promise.all([ask(addressOf(), HEALTH_PATH), ask(addressOf(), "/", CLIENT)]);
        const answers = await Promise.race([asked.catch(() => undefined), down()]);
        if (!answers) break;
        if (answers.join(" ") === "503 200") draining.push(Date.now());
        await sleep(100);
    }
    expect(draining.at(-1)! - draining[0]!).toBeGreaterThan(DRAIN_MS - 1_000);
    await expect
        .poll(() => Promise.race([ask(addressOf(), HEALTH_PATH).catch(() => undefined), down()]), PATIENCE)
        .toBe(200);
});

test("a LinkMesh that dies is back without a wait, and no flag stays", async () => {
    const pid = await linkmesh();
    await onMachine("systemctl kill --signal=KILL --kill-whom=main linkmesh-server");
    await expect.poll(linkmesh, PATIENCE).not.toMatch(new RegExp(`^(${pid}|0)$`));
    expect(await journal("linkmesh-server")).not.toContain("drain");
    expect(await onMachine("ls /run/linkmesh-draining 2>&1 || true")).toContain("No such file");
    await expect.poll(() => ask(addressOf(), HEALTH_PATH), PATIENCE).toBe(200);
});

test("after a change of LinkMesh alone, the last step waits for the load balancer", async () => {
    const pid = await linkmesh();
    const { stdout } = await lab("up", "--set", 'linkmeshConfig={"metrics":{"enabled":true}}');
    expect(stdout).toMatch(/✓ step config /);
    expect(stdout).toMatch(/✓ step in-service /);
    expect(await linkmesh()).not.toBe(pid);
});

test("destroy leaves no resource", () => destroyed(PROJECT));
