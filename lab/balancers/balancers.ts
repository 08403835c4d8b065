import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { AppliedObjects } from "../cloud/applied-objects.ts";
import type { CloudState } from "../cloud/state.ts";
import { type Lab, LabError } from "../lab.ts";
import { interfaceNamespace } from "../network/interfaces.ts";
import { namespaceInode } from "../network/router.ts";
import { runningProcess, startDetached, stopProcess } from "../process/process.ts";
import { certificateBundle } from "../services/certificate-manager.ts";
import {
    START_MS,
    chrooted,
    dataDir,
    makeServiceDir,
    serviceDir,
    serviceLog,
    servicePidFile,
} from "../services/service.ts";
import {
    type BalancerNode,
    INSIDE,
    SERVERS_FILE,
    SESSIONS_SCRIPT,
    certificateFile,
    listenersOf,
    nodesOf,
    renderHaproxy,
} from "./haproxy-config.ts";
import { NODE_PREFIX, type Server, command, nodeService, serverTable, serversIn, socketOf } from "./haproxy-socket.ts";
import { endSessions, forgetSessions } from "./sessions.ts";

const SCRIPT = fileURLToPath(new URL(`./${SESSIONS_SCRIPT}`, import.meta.url));

/** Stops the HAProxies of nodes that are gone, before their interfaces go. */
export async function stopBalancers(lab: Lab, state: CloudState): Promise<void> {
    const wanted = new Set(nodesOf(state).map(({ networkInterfaceId }) => nodeService(networkInterfaceId)));
    const services = join(lab.dir, "services");
    const present = existsSync(services) ? readdirSync(services) : [];
    for (const name of present.filter((one) => one.startsWith(NODE_PREFIX) && !wanted.has(one))) {
        await stopProcess(servicePidFile(lab, name));
        rmSync(serviceDir(lab, name), { recursive: true, force: true });
    }
}

/** Starts the HAProxy of each node, or reloads it without dropping a session if its configuration differs. */
export async function applyBalancers(
    lab: Lab,
    state: CloudState,
    applied: AppliedObjects,
    image: () => Promise<string>,
): Promise<void> {
    for (const node of nodesOf(state)) await applyNode(lab, state, node, applied, image);
}

async function applyNode(
    lab: Lab,
    state: CloudState,
    node: BalancerNode,
    applied: AppliedObjects,
    image: () => Promise<string>,
): Promise<void> {
    const name = nodeService(node.networkInterfaceId);
    const namespace = interfaceNamespace(lab, node.networkInterfaceId);
    const files = await filesOf(lab, state, node);
    // A hash, because certificates' files contain keys.
    const print = createHash("sha256")
        .update(JSON.stringify([namespaceInode(namespace), files]))
        .digest("hex");
    const isRunning = runningProcess(servicePidFile(lab, name)) !== undefined;
    if (isRunning && applied.get(name) === print) return;
    makeServiceDir(serviceDir(lab, name));
    const isSameNamespace = applied.get(`${name} namespace`) === String(namespaceInode(namespace));
    if (isRunning && isSameNamespace) {
        const before = await keepServers(lab, name);
        writeFiles(lab, name, files);
        await reload(lab, name);
        await beginUnhealthy(lab, name, before);
        endSessions(lab, name, state, node, before);
    } else {
        await stopProcess(servicePidFile(lab, name));
        rmSync(join(dataDir(lab, name), SERVERS_FILE), { force: true });
        forgetSessions(lab, name);
        writeFiles(lab, name, files);
        await start(lab, name, namespace, await image());
        await beginUnhealthy(lab, name, []);
    }
    applied.set(`${name} namespace`, String(namespaceInode(namespace)));
    applied.set(name, print);
}

async function filesOf(lab: Lab, state: CloudState, node: BalancerNode): Promise<Record<string, string>> {
    const files: Record<string, string> = {
        "haproxy.cfg": renderHaproxy(state, node),
        [SESSIONS_SCRIPT]: readFileSync(SCRIPT, "utf8"),
    };
    for (const { certificateArn } of listenersOf(state, node.balancer)) {
        if (certificateArn === undefined) continue;
        files[certificateFile(certificateArn)] = await certificateBundle(lab, state.certificates[certificateArn]!);
    }
    return files;
}

/** A file that is gone from the configuration stays until the node goes. */
function writeFiles(lab: Lab, name: string, files: Record<string, string>): void {
    for (const [file, text] of Object.entries(files)) {
        const path = join(dataDir(lab, name), file);
        writeFileSync(`${path}.new`, text, { mode: 0o600 });
        renameSync(`${path}.new`, path);
    }
}

async function start(lab: Lab, name: string, namespace: string, image: string): Promise<void> {
    const haproxy = ["haproxy", "-W", "-db", "-S", `${INSIDE}/master.sock`, "-f", `${INSIDE}/haproxy.cfg`];
    startDetached(lab, {
        argv: [
            "nsenter",
            `--net=/run/netns/${namespace}`,
            "--",
            ...chrooted(image, serviceDir(lab, name), { argv: haproxy }),
        ],
        log: serviceLog(lab, name),
        pidFile: servicePidFile(lab, name),
    });
    const deadline = Date.now() + START_MS;
    while (!(await answers(lab, name))) {
        if (Date.now() > deadline || !runningProcess(servicePidFile(lab, name))) throw new LabError(failure(lab, name));
        await sleep(30);
    }
}

async function answers(lab: Lab, name: string): Promise<boolean> {
    return command(socketOf(lab, name, "admin"), "show info").then(
        (text) => text.includes("Uptime"),
        () => false,
    );
}

/** The old process keeps its sessions until they end. If the new configuration is wrong, it goes on alone. */
async function reload(lab: Lab, name: string): Promise<void> {
    const answer = await command(socketOf(lab, name, "master"), "reload");
    if (!answer.startsWith("Success=1")) throw new LabError(failure(lab, name));
}

/** Writes down which targets are healthy, so that a reload does not forget it. Returns all. */
async function keepServers(lab: Lab, name: string): Promise<Server[]> {
    const table = await serverTable(lab, name);
    writeFileSync(join(dataDir(lab, name), SERVERS_FILE), table);
    return serversIn(table);
}

/** As on AWS, a new target gets no new session before its first health checks have passed. */
async function beginUnhealthy(lab: Lab, name: string, before: readonly Server[]): Promise<void> {
    const known = new Set(before.map(pathOf));
    for (const server of serversIn(await serverTable(lab, name))
        .map(pathOf)
        .filter((one) => !known.has(one))) {
        await command(socketOf(lab, name, "admin"), `set server ${server} health down`);
    }
}

/** As HAProxy's commands name a server. */
const pathOf = ({ backend, name }: Server) => `${backend}/${name}`;

/** The targets that each node of the load balancers holds for healthy, as "eni-0123 port_443/10.77.0.4:443". */
export async function healthyTargets(lab: Lab, state: CloudState): Promise<string[]> {
    const tables = nodesOf(state).map(async ({ networkInterfaceId: id }) => {
        const healthy = serversIn(await serverTable(lab, nodeService(id))).filter(({ isHealthy }) => isHealthy);
        return healthy.map((server) => `${id} ${pathOf(server)}`);
    });
    return (await Promise.all(tables)).flat();
}

function failure(lab: Lab, name: string): string {
    const log = serviceLog(lab, name);
    const alerts = readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => /^\[ALERT\].* : config : /.test(line));
    return `the load balancer's HAProxy does not take its configuration: ${alerts.slice(-3).join(" / ")} (see ${log})`;
}
