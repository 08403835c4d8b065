import { execa } from "execa";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { enterMachine } from "../../lab/machines/machine.ts";
import { newCloud } from "../../lab/cloud/existing-network.ts";
import { Reconciler } from "../../lab/cloud/reconciler.ts";
import { CloudStore } from "../../lab/cloud/store.ts";
import { findLab } from "../../lab/slots.ts";
import { type CloudState, programInstance } from "../../lab/cloud/state.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Run } from "./run.ts";
import { ServedCommands } from "./served-commands.ts";

/** The tests have their own labs, beside one in use. A file can ask for its own. */
export function useLab(name: string): void {
    process.env.LINKMESH_LAB_NAME = name;
}
useLab("test");

const ROOT = join(import.meta.dirname, "../..");

/** These give their own output to a process that they start. */
const PASS_OUTPUT_ON = ["logs", "ssh"];
const served = new ServedCommands();
/** The commands that a file has run in a process of their own; undefined if it need not. */
let proven: Set<string> | undefined;

/** Has the first run of each command in a file be a process of its own, as a user's is. */
export function proveProcesses(): void {
    proven = new Set();
}

/**
 * `npm run lab -- …` on a host with the strictest umask. One process runs the commands of a file, because loading the Pulumi
 * SDK takes more processor time than most commands.
 */
export async function lab(...args: string[]): Promise<Run> {
    const [command = ""] = args;
    const own = served.isBusy || PASS_OUTPUT_ON.includes(command) || proven?.has(command) === false;
    proven?.add(command);
    const { exitCode, stdout, stderr } = await (own ? runProcess(args) : served.run(args));
    return { exitCode, stdout: stdout.replace(/\n$/, ""), stderr: stderr.replace(/\n$/, "") };
}

/** Ends the served command that runs. */
export function interruptLab(): void {
    served.interrupt();
}

/** `npm run lab -- …` as a user types it, without npm's own lines. */
async function runProcess(args: string[]): Promise<Run> {
    const command = [process.execPath, "lab/start.js", ...args];
    const result = await execa("sh", ["-c", 'umask 077 && exec "$@"', "sh", ...command], {
        cwd: ROOT,
        reject: false,
        stdin: "ignore",
        stripFinalNewline: false,
    });
    return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** As {@link lab}, but an exit code other than 0 fails the test with all that was printed. */
export async function labOk(...args: string[]): Promise<Run> {
    const run = await lab(...args);
    expect(run.exitCode, `lab ${args.join(" ")}\n${run.stdout}\n${run.stderr}\n${engineLog(run)}`).toBe(0);
    return run;
}

/** What the engine printed, because its file may be gone when somebody reads of the red test. */
function engineLog({ stderr }: Run): string {
    const file = /its whole output: (.+)\)$/m.exec(stderr)?.[1];
    return file === undefined ? "" : readFileSync(file, "utf8");
}

/** Arguments of `up` and `preview` for these settings. The empty string removes one. */
export function sets(values: Record<string, string>): string[] {
    return Object.entries(values).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

/** The output of `status --json`. */
export interface Status {
    outputs: {
        publicUrl: string;
        uiUrl?: string;
        httpUrl?: string;
        opampUrl: string;
        /** Absent when gRPC is off. */
        grpcEndpoint?: string;
        ipv4: string;
        /** Absent in a subnet without IPv6. */
        ipv6?: string;
        /** Of the load balancer of several machines. */
        ipv4Addresses?: string[];
        ipv6Addresses?: string[];
        dnsRecords: { name: string; type: string; value: string }[];
        /** Absent without sessionManager. */
        sessionCommand?: string;
    };
    host: string;
    caFile: string;
    stages: { name: string; seconds: number }[];
    alarms: { name: string; state: string; reason: string }[];
    /** Ids of the stack's resources in the cloud that are not in its state. */
    leftOver: string[];
}

export async function status(): Promise<Status & { ca: string }> {
    const found = JSON.parse((await labOk("status", "--json")).stdout) as Status;
    return { ...found, ca: readFileSync(found.caFile, "utf8") };
}

export function theLab(): Lab {
    const found = findLab();
    expect(found, "the tests' lab").toBeDefined();
    return found!;
}

/** The outer machine's IPv6 address as programs write it. */
export function lab6(): string {
    return theLab().net.outer6.replace(/(:0)+::/, "::");
}

export function cloud(): CloudState {
    return JSON.parse(readFileSync(join(theLab().dir, "cloud.json"), "utf8")) as CloudState;
}

/** Of the stack, that is: snapshots are there to be kept, with their tags, and AWS keeps metrics that were reported. */
export function expectNothingLeft(): void {
    const { snapshots, tags = {}, terminated, metrics } = cloud();
    expect(Object.keys(tags).filter((id) => !(id in snapshots))).toEqual([]);
    expect(cloud()).toEqual({ ...newCloud(theLab()), snapshots, tags, terminated, metrics });
}

/** Changes the cloud without the program. */
export function changeCloud(mutate: (state: CloudState) => void): Promise<void> {
    return new CloudStore(theLab(), new Reconciler(theLab())).change(mutate);
}

/** Runs a script as root inside the machine, past its network and SSH; an exit code other than 0 fails the test. */
export async function onMachine(script: string): Promise<string> {
    const result = await tryOnMachine(script);
    expect(result.exitCode, `${script}\n${result.stderr}`).toBe(0);
    return result.stdout.trim();
}

export function tryOnMachine(script: string) {
    return enterMachine(theLab(), programInstance(cloud())!.id, ["bash", "-s"], script);
}

/** certbot in the environment of the timer's own service, which knows the CA of the ACME server. */
export const CERTBOT = "env $(systemctl show --property=Environment --value certbot.service) certbot";

/** All that a unit has written to the journal. */
export function journal(unit: string): Promise<string> {
    // It takes lines in a while after they were written.
    return onMachine(`journalctl --sync && journalctl --quiet --unit ${unit} --output cat`);
}

export function mainPid(unit: "nginx" | "linkmesh-server"): Promise<string> {
    return onMachine(`systemctl show --property=MainPID --value ${unit}`);
}

/** The networks that the rules of the stack's security group let in at this TCP port. */
export function allowed(port: number): string[] {
    const { bastion, securityGroupRules } = cloud();
    return Object.values(securityGroupRules)
        .filter(({ groupId }) => groupId !== bastion?.securityGroupId)
        .filter(({ direction, ipProtocol }) => direction === "ingress" && ipProtocol === "tcp")
        .filter(({ fromPort, toPort }) => fromPort! <= port && port <= toPort!)
        .map(({ cidrIpv4, cidrIpv6 }) => (cidrIpv4 ?? cidrIpv6)!)
        .sort();
}

/** Whether anything on the machine takes connections at this TCP port, in either family or in one. */
export async function listens(port: number, family: "" | "4" | "6" = ""): Promise<boolean> {
    return (await onMachine(`ss -H${family}ltn 'sport = :${port}'`)) !== "";
}

/** LinkMesh's answer to /api/v1/info. */
export async function linkmeshInfo(): Promise<{ caFingerprint: string; version: string }> {
    const call = 'curl -s -H "Authorization: Bearer $(linkmesh-server token)" http://127.0.0.1:8080/api/v1/info';
    return JSON.parse(await onMachine(call)) as { caFingerprint: string; version: string };
}

/** The host's identity to the fleet, the certificate authority and ssh. It must outlive the machine. */
export async function identity(): Promise<Record<string, unknown>> {
    const { outputs } = await status();
    return {
        addresses: [outputs.ipv4, outputs.ipv6],
        internalCa: (await linkmeshInfo()).caFingerprint,
        secret: await onMachine("sha256sum /etc/default/linkmesh-server"),
        hostKey: await onMachine("cat /etc/ssh/ssh_host_*_key.pub"),
        acmeAccounts: await onMachine("cd /etc/letsencrypt/accounts && find . -name private_key.json | sort"),
        certificate: await onMachine(
            "cd /etc/letsencrypt/live && for c in */cert.pem; do echo $c $(openssl x509 -noout -serial -in $c); done",
        ),
    };
}

/** The output of `openssl x509` for the certificate that nginx serves on the machine. */
export function servedCertificate(options: string): Promise<string> {
    return onMachine(
        `openssl s_client -connect 127.0.0.1:443 -servername linkmesh.example.test </dev/null 2>/dev/null | openssl x509 ${options}`,
    );
}

export const servedSerial = () => servedCertificate("-noout -serial");

/** Process ids of the two services, and how often each logged in by SSH: what must not change without need. */
export async function vitals(): Promise<{ nginx: string; linkmesh: string; logins: string }> {
    return {
        nginx: await mainPid("nginx"),
        linkmesh: await mainPid("linkmesh-server"),
        logins: String([...(await journal("ssh")).matchAll(/Accepted publickey/g)].length),
    };
}
