import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { STACK_TAG } from "../../components/cloud/stack-tag.ts";
import { nodeService, socketOf } from "../../lab/balancers/haproxy-socket.ts";
import { logs } from "../../lab/commands/logs.ts";
import { status } from "../../lab/commands/status.ts";
import { type Lab, LabError } from "../../lab/lab.ts";
import { bootId, procStat } from "../../lab/process/process.ts";
import { servicePidFile } from "../../lab/services/service.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { services } from "../../lab/services/services.ts";
import { allocateLab } from "../../lab/slots.ts";
import { balancerInputs, balancerNetwork, groupInputs, listenerInputs } from "./lab-aws-balancer-cloud.ts";
import { TestCloud } from "./lab-aws-cloud.ts";

let root: string;
let lab: Lab;
let cloud: TestCloud;
let printed: string[];
const servers: Server[] = [];

beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "status-"));
    vi.stubEnv("LINKMESH_LAB_ROOT", root);
    lab = await allocateLab();
    cloud = TestCloud.of(lab, { apply: () => Promise.resolve() });
    printed = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
});

const shown = async () => {
    printed = [];
    await status({});
    return printed.join("\n");
};

/** Writes the stack's state, as the engine does. */
function remember(resources: object[]): void {
    const state = join(lab.dir, "pulumi/state/.pulumi/stacks/linkmesh-proxy/lab.json");
    mkdirSync(dirname(state), { recursive: true });
    writeFileSync(state, JSON.stringify({ checkpoint: { latest: { resources } } }));
}

it("says first where it answers, how to trust it and how to log in, and last what only tests need", async () => {
    const outputs = {
        ...{ sshHostKey: "ssh-ed25519 AAAA", publicUrl: "https://linkmesh.example.test", checks: {} },
        ...{ opampUrl: "wss://linkmesh.example.test/v1/opamp", ipv4: "10.77.129.1" },
    };
    const type = "pulumi:pulumi:Stack";
    remember([{ urn: `urn:pulumi:lab::p::${type}::p-lab`, type, outputs }]);
    const { publicCaFile } = services(lab);
    writeFileSync(publicCaFile, "CA");
    await cloud.instance((await cloud.network()).card);
    const lines = (await shown()).split("\n");
    expect(lines.map((line) => line.split(/ {2}/)[0])).toEqual([
        ...["publicUrl", "opampUrl", "ipv4", "CA file", "try it", "ssh"],
        ...["machine", "services", "package", "lab", "sshHostKey", "corporate CA"],
    ]);
    expect(lines[4]).toMatch(/ curl --cacert \S+ --resolve linkmesh\.example\.test:443:10\.77\.129\.1 https:\S+$/);
    expect(lines[5]).toMatch(/^ssh +npm run lab -- ssh$/);
});

/** Runs as the HAProxy of a node, for as long as the test. */
async function pretend(networkInterfaceId: string, table: string): Promise<void> {
    const name = nodeService(networkInterfaceId);
    const socket = socketOf(lab, name, "admin");
    mkdirSync(dirname(socket), { recursive: true });
    const { pid } = process;
    const record = { pid, startTime: procStat(pid)!.startTime, bootId: bootId() };
    writeFileSync(servicePidFile(lab, name), JSON.stringify(record));
    const server = createServer((client) => client.end(table)).listen(socket);
    servers.push(server);
    await once(server, "listening");
}

it("shows each node of the load balancer with the health of its machines, and one that does not run", async () => {
    const network = await balancerNetwork(cloud);
    const balancer = await cloud.make("LoadBalancer", balancerInputs(network));
    expect(await shown(), "without a listener it does nothing").not.toContain("balancer ");
    const { id: certificateArn } = await network.certificate();
    for (const [port, protocol] of [
        [443, "TLS"],
        [50051, "TCP"],
    ] as const) {
        const group = await cloud.make("TargetGroup", { ...groupInputs(network), name: `g${port}`, protocol, port });
        const tls: Values = protocol === "TLS" ? { certificateArn } : {};
        await cloud.make("Listener", { ...listenerInputs(balancer, group), protocol, port, ...tls });
        await cloud.make("TargetGroupAttachment", { targetGroupArn: group.id, targetId: network.machine.id });
    }
    const { loadBalancers } = await cloud.state();
    const [first] = Object.values(loadBalancers)[0]!.zones;
    const table = (port: number, state: number) => `3 port_${port} 1 10.77.0.4:${port} 10.77.0.4 ${state} 0 1 1\n`;
    await pretend(first!.networkInterfaceId, `1\n# be_id be_name …\n${table(443, 2)}${table(50051, 0)}`);

    const { id } = network.machine;
    const [one, two] = network.addresses.map(({ outputs }) => outputs.publicIp as string);
    const rows = (await shown()).split("\n").filter((line) => line.startsWith("balancer "));
    expect(rows.map((row) => row.replace(/^balancer +/, ""))).toEqual([
        `eu-central-1a, ${one} runs: ${id} unhealthy (50051)`,
        `eu-central-1b, ${two} is down: \`npm run lab -- up\` starts it, \`logs balancer\` has its last words`,
    ]);
    printed = [];
    await status({ json: true });
    const { balancer: nodes } = JSON.parse(printed.join("\n")) as { balancer: object[] };
    expect(nodes).toMatchObject([
        {
            zone: "eu-central-1a",
            address: one,
            runs: true,
            targets: [{ machine: id, port: 443, health: "healthy" }, {}],
        },
        { runs: false, targets: [{ health: "unknown" }, { health: "unknown" }] },
    ]);
    await expect(logs("balancer", { lines: "1" })).rejects.toThrow(
        /^the log \S+\/balancer-\w+\.log does not exist yet/,
    );
});

it("lists what several machines left over: what the state does not hold of load balancer and certificate", async () => {
    const network = await balancerNetwork(cloud);
    const tags = { [STACK_TAG]: "linkmesh-proxy/lab/linkmesh" };
    const balancer = await cloud.make("LoadBalancer", { ...balancerInputs(network), tags });
    const tcp = { protocol: "TCP", port: 50051, tags };
    const group = await cloud.make("TargetGroup", { ...groupInputs(network), ...tcp });
    const listener = await cloud.make("Listener", { ...listenerInputs(balancer, group), ...tcp });
    const names = { domainName: "linkmesh.example.test", validationMethod: "DNS" };
    const certificate = await cloud.make("Certificate", { ...names, tags });
    remember([{ urn: "urn:pulumi:lab::p::aws:lb/loadBalancer:LoadBalancer::x", id: balancer.id }]);
    const rows = (await shown()).split("\n").filter((line) => line.startsWith("left over "));
    expect(rows.map((row) => row.replace(/^left over +(\S+): .*$/, "$1"))).toEqual(
        [group, listener, certificate].map(({ id }) => id),
    );
});

it("a lab without a load balancer has no log of one", async () => {
    await expect(logs("balancer", { lines: "1" })).rejects.toThrow(
        new LabError("the lab has no load balancer: a stack of several machines (nodes) makes one"),
    );
});
