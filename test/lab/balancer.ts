import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { healthyTargets } from "../../lab/balancers/balancers.ts";
import { nodesOf } from "../../lab/balancers/haproxy-config.ts";
import { nodeService } from "../../lab/balancers/haproxy-socket.ts";
import { balancerHealth } from "../../lab/balancers/health.ts";
import { Reconciler } from "../../lab/cloud/reconciler.ts";
import type { Lab } from "../../lab/lab.ts";
import { enterMachine } from "../../lab/machines/machine.ts";
import { processesOfLab, runningProcess } from "../../lab/process/process.ts";
import { rootFile } from "../../lab/services/certificate-manager.ts";
import { servicePidFile } from "../../lab/services/service.ts";
import { CHECKOUT, allocateLab, releaseLab } from "../../lab/slots.ts";
import { TestCa } from "../host/test-ca.ts";
import { type Made, TestCloud } from "../unit/lab-aws-cloud.ts";
import { HOST, Session } from "./balancer-session.ts";
import { balancerInputs, balancerZones, groupInputs, listenerInputs } from "../unit/lab-aws-balancer-cloud.ts";

const TARGET = readFileSync(join(import.meta.dirname, "balancer-target.py"), "utf8");

/** A load balancer of the lab with two real machines behind it, without the engine. */
export function balancer(): void {
    let lab: Lab;
    let cloud: TestCloud;
    let ca: TestCa;
    let addresses: { ipv4: string; ipv6: string };
    const machines: Record<string, Made> = {};
    const made: Made[] = [];
    let certificate: Made;
    let listener: Made;
    let https: Made;
    /** Of machine one behind TLS. */
    let attachment: Made;

    const make = async (type: string, inputs: Made["inputs"]) => {
        const one = await cloud.make(type, inputs);
        made.push(one);
        return one;
    };
    const imported = async (issuer: TestCa) => {
        const { cert, key } = await issuer.issue([HOST]);
        return { certificateBody: cert, privateKey: key, certificateChain: issuer.pem };
    };
    const ask = async (host = addresses.ipv4, roots = ca.pem) => {
        const session = await Session.open(host, roots);
        const answer = await session.ask();
        session.close();
        return answer;
    };
    /** Who answers 16 sessions in a row. */
    const answering = async () => {
        const found = new Set<string | undefined>();
        for (let n = 0; n < 16; n++)
            found.add(
                await ask().then(
                    (answer) => answer?.machine,
                    () => "none",
                ),
            );
        return [...found].sort();
    };
    const openSessions = async (count: number) => {
        const sessions = await Promise.all(Array.from({ length: count }, () => Session.open(addresses.ipv4, ca.pem)));
        const asked = await Promise.all(sessions.map((session) => session.ask()));
        return sessions.map((session, n) => ({ session, machine: asked[n]?.machine }));
    };
    /** Who answers the sessions; undefined for those that have ended. */
    const answers = async (sessions: readonly Session[]) => {
        const all = await Promise.all(sessions.map((session) => session.ask()));
        return [...new Set(all.map((answer) => answer?.machine))].sort();
    };
    /** Two nodes, two listeners, two machines. */
    const healthy = async () => healthyTargets(lab, await cloud.state());
    const on = (machine: string, script: string) => enterMachine(lab, machines[machine]!.id, ["sh", "-s"], script);

    beforeAll(async () => {
        lab = await allocateLab(CHECKOUT, NAME);
        // What a killed run has left would be in the way.
        await new Reconciler(lab).teardown();
        releaseLab(lab);
        lab = await allocateLab(CHECKOUT, NAME);
        cloud = TestCloud.of(lab, new Reconciler(lab));
        ca = await TestCa.create("CN=first");
        const network = await balancerZones(cloud);
        const { vpc, gateway, subnets, group } = network;
        const table = await make("RouteTable", { vpcId: vpc.id });
        for (const destination of <Made["inputs"][]>[
            { destinationCidrBlock: "0.0.0.0/0" },
            { destinationIpv6CidrBlock: "::/0" },
        ]) {
            await make("Route", { routeTableId: table.id, gatewayId: gateway.id, ...destination });
        }
        for (const subnet of subnets) {
            await make("RouteTableAssociation", { routeTableId: table.id, subnetId: subnet.id });
        }
        const nodes = await make("SecurityGroup", { vpcId: vpc.id, name: "nodes" });
        const all = { ipProtocol: "-1" };
        for (const peer of <Made["inputs"][]>[{ cidrIpv4: "0.0.0.0/0" }, { cidrIpv6: "::/0" }]) {
            await make("Ingress", {
                securityGroupId: group.id,
                ipProtocol: "tcp",
                fromPort: 443,
                toPort: 50051,
                ...peer,
            });
            await make("Egress", { securityGroupId: group.id, ...all, ...peer });
        }
        await make("Ingress", { securityGroupId: nodes.id, ...all, cidrIpv4: "10.77.0.0/24" });
        const own = await ca.issue(["machine"]);
        const files = { "cert.pem": own.cert, "key.pem": own.key, "server.py": TARGET };
        for (const [n, name] of ["one", "two"].entries()) {
            const card = await make("NetworkInterface", { subnetId: subnets[n]!.id, securityGroups: [nodes.id] });
            const userData = `#cloud-config\n${JSON.stringify({
                write_files: Object.entries(files).map(([file, content]) => ({ path: `/srv/${file}`, content })),
                runcmd: [["systemd-run", "--unit=target", "python3", "/srv/server.py", name]],
            })}`;
            machines[name] = await cloud.instance(card, { userData });
        }
        const balancer = await make("LoadBalancer", balancerInputs(network));
        https = await make("TargetGroup", {
            ...{ ...groupInputs(network), name: "https", deregistrationDelay: DELAY_SECONDS },
            healthCheck: { ...HEALTH, port: "traffic-port" },
        });
        const tcp = await make("TargetGroup", {
            ...{ ...groupInputs(network), name: "tcp", protocol: "TCP", port: 50051 },
            healthCheck: { ...HEALTH, port: "443" },
        });
        certificate = await make("Certificate", await imported(ca));
        listener = await make("Listener", {
            ...{ ...listenerInputs(balancer, https), protocol: "TLS", port: 443, certificateArn: certificate.id },
            sslPolicy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        });
        await make("Listener", { ...listenerInputs(balancer, tcp), protocol: "TCP", port: 50051 });
        for (const { id } of Object.values(machines)) {
            await make("TargetGroupAttachment", { targetGroupArn: tcp.id, targetId: id });
        }
        await make("TargetGroupAttachment", { targetGroupArn: https.id, targetId: machines.two!.id });
        attachment = await make("TargetGroupAttachment", { targetGroupArn: https.id, targetId: machines.one!.id });
        addresses = { ipv4: network.addresses[0].outputs.publicIp as string, ipv6: network.mappings[1]!.ipv6Address };
    });

    afterAll(async () => {
        await new Reconciler(lab).teardown();
        releaseLab(lab);
    });

    it("spreads TLS sessions over both machines in both families, with the client's address in the PROXY header", async () => {
        await expect.poll(healthy, WAIT).toHaveLength(8);
        expect(await answering()).toEqual(["one", "two"]);
        const { outer, outer6 } = lab.net;
        expect((await ask(addresses.ipv4))?.client).toBe(outer);
        expect((await ask(addresses.ipv6))?.client).toBe(outer6.replace(/(:0)+::/, "::"));
        const session = await Session.open(addresses.ipv4, ca.pem);
        expect(session.protocol).toBe(false);
        session.close();
    });

    it("checks health as AWS does: a LOCAL header, and the machine's address as host", async () => {
        expect((await ask())?.health).toEqual({
            client: "LOCAL",
            host: expect.stringMatching(/^10\.77\.0\.\d+:443$/) as string,
        });
    });

    it("passes TCP through with the client's address", async () => {
        const socket = connectTcp(50051, addresses.ipv4);
        expect(await text(socket)).toMatch(new RegExp(`^(one|two) ${lab.net.outer}\n$`));
    });

    it("drops no session when its certificate is imported again or exchanged, and serves the new one", async () => {
        const session = await Session.open(addresses.ipv4, ca.pem);
        const { machine } = (await session.ask())!;
        const other = await TestCa.create("CN=second");
        await cloud.update(certificate, await imported(other));
        expect((await ask(addresses.ipv4, other.pem))?.machine).toBeDefined();
        const issued = await make("Certificate", { domainName: HOST, validationMethod: "DNS" });
        const [option] = issued.outputs.domainValidationOptions as [Record<string, string>];
        await make("Record", {
            ...{ zoneId: "Z0LABEXAMPLETEST", name: option.resourceRecordName!, type: "CNAME", ttl: 60 },
            records: [option.resourceRecordValue!],
        });
        await make("CertificateValidation", { certificateArn: issued.id });
        await cloud.update(listener, { ...listener.inputs, certificateArn: issued.id });
        const next = await Session.open(addresses.ipv6, readFileSync(rootFile(lab), "utf8"));
        expect(next.issuer).toBe("lab Certificate Manager authority");
        next.close();
        ca = { pem: readFileSync(rootFile(lab), "utf8") } as TestCa;
        expect((await session.ask())?.machine).toBe(machine);
        session.close();
    });

    it("sends no session to a machine whose health check fails, ends those it has, and takes it in again", async () => {
        const early = await openSessions(12);
        // Reloads HAProxy, whose process from before keeps the sessions.
        const healthCheck = { ...HEALTH, port: "traffic-port", interval: 6 };
        https = await cloud.update(https, { ...https.inputs, healthCheck });
        const sessions = [...early, ...(await openSessions(12))].map(({ session }) => session);
        await on("one", "touch /run/sick");
        await expect.poll(answering, WAIT).toEqual(["two"]);
        await expect.poll(() => answers(sessions), WAIT).toEqual(["two", undefined]);
        for (const session of sessions) session.close();
        await on("one", "rm /run/sick");
        await expect.poll(answering, WAIT).toEqual(["one", "two"]);
    });

    it("keeps the sessions of a machine that is taken out, and ends them after the delay if the group says so", async () => {
        const ofOne = async () => {
            const all = await openSessions(24);
            for (const { session } of all.filter(({ machine }) => machine !== "one")) session.close();
            return all.filter(({ machine }) => machine === "one").map(({ session }) => session);
        };
        const kept = await ofOne();
        await cloud.delete(attachment);
        expect(await answering()).toEqual(["two"]);
        await sleep((DELAY_SECONDS + 3) * 1000);
        expect(await answers(kept)).toEqual(["one"]);
        for (const session of kept) session.close();

        const { inputs } = attachment;
        attachment = await make("TargetGroupAttachment", inputs);
        await expect.poll(answering, WAIT).toEqual(["one", "two"]);
        https = await cloud.update(https, { ...https.inputs, connectionTermination: true });
        const ended = await ofOne();
        const since = Date.now();
        await cloud.delete(attachment);
        await expect.poll(() => answers(ended), WAIT).toEqual([undefined]);
        expect(Date.now() - since).toBeGreaterThanOrEqual(DELAY_SECONDS * 1000);
        attachment = await make("TargetGroupAttachment", inputs);
        await expect.poll(healthy, WAIT).toHaveLength(8);
    });

    it("sends to all machines if none is healthy", async () => {
        for (const machine of Object.keys(machines)) await on(machine, "touch /run/sick");
        await expect.poll(healthy, WAIT).toHaveLength(0);
        expect(await answering()).toEqual(["one", "two"]);
        for (const machine of Object.keys(machines)) await on(machine, "rm /run/sick");
        await expect.poll(healthy, WAIT).toHaveLength(8);
    });

    it("has a node whose HAProxy was killed, which counts as down, and which the next change starts again", async () => {
        const state = await cloud.state();
        const [node] = nodesOf(state);
        const file = servicePidFile(lab, nodeService(node!.networkInterfaceId));
        process.kill(-runningProcess(file)!.pid, "SIGKILL");
        const runs = async () => (await balancerHealth(lab, state)).map((one) => one.runs).sort();
        await expect.poll(runs, WAIT).toEqual([false, true]);
        await new Reconciler(lab).apply(state);
        expect(await runs()).toEqual([true, true]);
        await expect.poll(healthy, WAIT).toHaveLength(8);
    });

    it("sends no session to a dead machine", async () => {
        await cloud.store.change((state) => (state.instances[machines.two!.id]!.desired = "stopped"));
        await expect.poll(healthy, WAIT).toHaveLength(4);
        expect(await answering()).toEqual(["one"]);
    });

    it("leaves nothing when it is deleted", async () => {
        for (const type of BALANCING)
            for (const one of made.filter((other) => other.type === type)) await cloud.delete(one);
        for (const machine of Object.values(machines)) await cloud.delete(machine);
        expect(processesOfLab(lab)).toEqual([]);
    });
}

const NAME = "test-balancer";
/** Of the group behind TLS. */
const DELAY_SECONDS = 5;
const HEALTH = {
    protocol: "HTTPS",
    path: "/health",
    matcher: "200",
    interval: 5,
    timeout: 5,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
};
/** For a busy machine, and no claim. */
const WAIT = { timeout: 180_000, interval: 200 };
/** In an order in which AWS lets them go. */
const BALANCING = ["LoadBalancer", "Listener", "TargetGroupAttachment", "TargetGroup", "Certificate"];
