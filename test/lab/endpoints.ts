import { execa } from "execa";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { beforeAll, expect, test } from "vitest";
import { HSTS_SECONDS } from "../../components/host/render/nginx/tls.ts";
import { IMAGES } from "../../lab/cloud/images.ts";
import { workspaceOf } from "../../lab/engine/workspace.ts";
import { Clients, exchange } from "./clients.ts";
import { CERTBOT, labOk, mainPid, onMachine, status, theLab } from "./lab.ts";
import { expectOpenPorts } from "./open-ports.ts";
import type { Run } from "./run.ts";

/** A page, an OpAMP session and a gRPC call by real clients on IPv4, where their finer points are tested elsewhere. */
export async function expectEndpoints(found: Awaited<ReturnType<typeof status>>): Promise<void> {
    const clients = new Clients(found);
    const token = await onMachine("linkmesh-server token");
    expect(await clients.whoami(token)).toMatchObject({ address: theLab().net.outer });
    const socket = await clients.opamp(token);
    expect((await exchange(socket, Buffer.from("hello"))).toString()).toBe("hello");
    socket.terminate();
    const { agent, bootstrap } = await clients.enrolledAgent(token);
    expect(bootstrap.grpcEndpoint).toBe(found.outputs.grpcEndpoint);
    expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
    agent.close();
}

/** The status that curl gets as the lab's `up` prints its command. */
export async function curl({ host, caFile, outputs }: Awaited<ReturnType<typeof status>>): Promise<string> {
    const quiet = ["-s", "-o", "/dev/null", "-w", "%{http_code}"];
    const resolve = `${host}:443:${outputs.ipv4}`;
    const result = await execa("curl", [...quiet, "--cacert", caFile, "--resolve", resolve, `https://${host}/`]);
    return result.stdout;
}

/** gRPC for an agent that enrols and is told this endpoint: a call and a stream, and nothing for one without a certificate. */
export async function expectMutualTls(clients: Clients, token: string, endpoint: string): Promise<void> {
    const { bootstrap, agent } = await clients.enrolledAgent(token);
    expect(bootstrap.grpcEndpoint).toBe(endpoint);
    expect((await agent.ping(Buffer.from("hello"))).toString()).toBe("hello");
    const channel = agent.channel();
    for (const text of ["one", "two"]) expect((await channel.exchange(Buffer.from(text))).toString()).toBe(text);
    await channel.end();
    agent.close();
    const stranger = clients.agentWith({ caCertificate: bootstrap.caCertificate });
    await expect(stranger.ping(Buffer.from("hello"))).rejects.toMatchObject({ code: 14 });
    stranger.close();
}

/** The public endpoints, as real clients meet them in both address families. */
export function endpoints(up: () => Run): void {
    let found: Awaited<ReturnType<typeof status>>;
    let token: string;
    beforeAll(async () => {
        found = await status();
        token = await onMachine("linkmesh-server token");
    });
    const families = ["ipv4", "ipv6"] as const;
    const clients = (family: (typeof families)[number]) => new Clients(found, found.outputs[family]);

    test("up prints each stage with its seconds, and the URLs", () => {
        for (const stage of ["services", "step package", "step certificate", "step verify", "checks from outside"]) {
            expect(up().stdout).toMatch(new RegExp(`✓ ${stage}.*\\d+\\.\\d s`));
        }
        expect(up().stdout).toContain("https://linkmesh.example.test");
    });

    test("no secret is printed, nor written to the lab's logs of the engine", () => {
        const { logDir } = workspaceOf(theLab());
        const logs = readdirSync(logDir).filter((name) => name.startsWith("up-"));
        expect(logs).toHaveLength(1);
        const log = readFileSync(join(logDir, logs[0]!), "utf8");
        expect(log).toContain("linkmesh-verify");
        expect(up().stdout + up().stderr + log).not.toMatch(/PRIVATE KEY|LINKMESH_SECRET|lmsat_/);
    });

    test("the outputs name the public hostname and the machine's addresses", () => {
        expect(found.outputs).toMatchObject({
            publicUrl: "https://linkmesh.example.test",
            opampUrl: "wss://linkmesh.example.test/v1/opamp",
            grpcEndpoint: "linkmesh.example.test:50051",
        });
        expect(found.outputs.dnsRecords.map((r) => r.value)).toEqual([found.outputs.ipv4, found.outputs.ipv6]);
    });

    test("the curl command that up prints answers 200", async () => {
        expect(await curl(found)).toBe("200");
    });

    test.each(families)("%s: the page, with HSTS", async (family) => {
        const answer = await clients(family).http("/");
        expect(answer.status).toBe(200);
        expect(answer.headers["strict-transport-security"]).toContain(`max-age=${HSTS_SECONDS}`);
    });

    test.each(families)("%s: OpAMP is refused without credentials, and echoes messages with them", async (family) => {
        await expect(clients(family).opamp()).rejects.toThrow("401");
        const socket = await clients(family).opamp(token);
        const message = Buffer.from("x".repeat(100_000));
        expect((await exchange(socket, message)).equals(message)).toBe(true);
        socket.terminate();
    });

    test.each(families)(
        "%s: gRPC over mTLS, one call and a stream, for an agent that enrolled over https",
        async (family) => {
            await expectMutualTls(clients(family), token, "linkmesh.example.test:50051");
        },
    );

    test("LinkMesh sees the client's true address, whatever headers it forges", async () => {
        const seen = await clients("ipv4").whoami(token, {
            "X-Forwarded-For": "198.51.100.66",
            "X-Real-IP": "198.51.100.66",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "http",
            Forwarded: "for=198.51.100.66",
        });
        expect(seen).toMatchObject({
            address: theLab().net.outer,
            scheme: "https",
            host: "linkmesh.example.test",
            viaTrustedProxy: true,
        });
    });

    test("another Host header is answered 421, and another name in the TLS handshake is refused", async () => {
        expect((await clients("ipv4").http("/", { headers: { Host: "evil.example" } })).status).toBe(421);
        const refused = new Promise((resolve, reject) => {
            const socket = connect(
                { host: found.outputs.ipv4, port: 443, servername: "evil.example", rejectUnauthorized: false },
                () => reject(new Error("a handshake")),
            );
            socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
        });
        await expect(refused).resolves.toBe("ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    });

    test("a push larger than nginx's own limit of 1 MiB goes through", async () => {
        const answer = await clients("ipv4").http("/v1/metrics", {
            method: "POST",
            headers: { Authorization: `Bearer ${token}` },
            body: "x".repeat(5_000_000),
        });
        expect(answer.status).toBe(200);
    });

    test("the key exchange is post-quantum on Debian 13", async () => {
        expect(IMAGES[0].release).toBe("trixie");
        const group = await onMachine(
            "openssl s_client -connect 127.0.0.1:443 -servername linkmesh.example.test </dev/null 2>/dev/null | grep -i 'group'",
        );
        expect(group).toContain("X25519MLKEM768");
    });

    expectOpenPorts({});

    test("check passes, in words and as JSON", async () => {
        expect((await labOk("check")).stdout).toContain("LinkMesh's own certificate");
        expect((await labOk("check", "--markdown")).stdout).toMatch(
            /^### ✅ check linkmesh\.example\.test: nothing failed\n\n<details>/,
        );
        const results = JSON.parse((await labOk("check", "--json")).stdout) as
            { status: string }[] | { results: { status: string }[] };
        const all = Array.isArray(results) ? results : results.results;
        expect(all.length).toBeGreaterThan(8);
        expect(all.filter((r) => r.status !== "ok")).toEqual([]);
    });

    test("ssh runs a command on the machine, with its exit code", async () => {
        expect((await labOk("ssh", "--", "id -un")).stdout).toBe("admin");
    });

    test("renew: another certificate is served, and nginx was not restarted", async () => {
        const pid = await mainPid("nginx");
        const run = await labOk("renew");
        const serials = [...run.stdout.matchAll(/\b[0-9a-f]{14,}\b/gi)].map(([serial]) => serial);
        expect(new Set(serials).size).toBe(2);
        expect(await mainPid("nginx")).toBe(pid);
    });

    test("renewal is the distribution's timer, by webroot, with a reload", async () => {
        const renewal = await onMachine("cat /etc/letsencrypt/renewal/*.conf");
        expect(renewal).toContain("authenticator = webroot");
        expect(await onMachine("systemctl is-enabled certbot.timer")).toBe("enabled");
        // A dry run would ask Let's Encrypt's staging directory if it were not told.
        const directory = renewal.match(/^server = (.*)$/m)![1]!;
        await onMachine(`${CERTBOT} renew --dry-run --server ${directory} --no-random-sleep-on-renew`);
    });

    test("nginx's package files are unchanged, apart from one number", async () => {
        const changed = await onMachine("dpkg --verify nginx nginx-common libnginx-mod-stream | awk '{print $NF}'");
        expect(changed).toBe("/etc/nginx/nginx.conf");
        expect(readFileSync(found.caFile, "utf8")).toContain("BEGIN CERTIFICATE");
    });
}
