import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CloudState, type Instance, emptyCloud } from "../../lab/cloud/state.ts";
import { doctor } from "../../lab/commands/doctor.ts";
import { logs } from "../../lab/commands/logs.ts";
import { askedMachines } from "../../lab/commands/machine.ts";
import { programMachines } from "../../lab/commands/machines.ts";
import { renew } from "../../lab/commands/renew.ts";
import { ssh } from "../../lab/commands/ssh.ts";
import { status } from "../../lab/commands/status.ts";
import { type Lab, LabError } from "../../lab/lab.ts";
import { allocateLab } from "../../lab/slots.ts";

const LOGIN = { host: "10.77.129.1", user: "admin", hostKey: "ssh-ed25519 AAAA", generatedKey: true };
const ONE = {
    host: "linkmesh.example.test",
    ipv4: "10.77.129.1",
    http: true,
    ownCertificate: false,
    ssh: LOGIN,
    paused: false,
};
const NODES = ["10.77.129.251", "10.77.129.252"].map((host) => ({ ...LOGIN, host }));
const SEVERAL = { ...ONE, tier: { ipv4: [ONE.ipv4], ipv6: [], nodes: NODES } };

let root: string;
let lab: Lab;
let printed: string[];

beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "machines-"));
    vi.stubEnv("LINKMESH_LAB_ROOT", root);
    vi.stubEnv("PATH", `${root}/bin:${process.env.PATH}`);
    lab = await allocateLab();
    printed = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
    mkdirSync(join(root, "bin"));
    // ssh keeps its words, and reaches nobody.
    command("ssh", `echo "$*" >>${root}/calls; echo "ssh: no route" >&2; exit 255`);
    command("pulumi", `case "$*" in version) echo v3.999.0 ;; *) echo '{"sshPrivateKey":"key"}' ;; esac`);
    mkdirSync(join(lab.dir, "pulumi/work"), { recursive: true });
});
afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    process.exitCode = undefined;
    rmSync(root, { recursive: true });
});

function command(name: string, script: string): void {
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(root, "bin", name), 0o755);
}

/** The hosts that ssh was called for. */
const called = () => readFileSync(join(root, "calls"), "utf8").match(/10\.77\.129\.\d+/g);

/** Instances by their names in the program, "" for one that the engine's state does not have. */
function stack(checks: object, instances: Record<string, string>): CloudState {
    const dir = join(lab.dir, "pulumi/state/.pulumi/stacks/linkmesh-proxy");
    mkdirSync(dir, { recursive: true });
    const outputs = { publicUrl: "https://linkmesh.example.test", ipv4: "10.77.129.1", checks };
    const type = "aws:ec2/instance:Instance";
    const known = Object.entries(instances).filter(([, name]) => name !== "");
    const resources = known.map(([id, name]) => ({
        ...{ urn: `urn:pulumi:lab::linkmesh-proxy::x:y:Z$${type}::${name}`, type, custom: true },
        id,
    }));
    const whole = { urn: "urn:pulumi:lab::p::pulumi:pulumi:Stack::p-lab", type: "pulumi:pulumi:Stack", outputs };
    const latest = { resources: [whole, ...resources] };
    writeFileSync(join(dir, "lab.json"), JSON.stringify({ checkpoint: { latest } }));
    const machine = (id: string) => [id, { id, desired: "stopped" } as Instance];
    const state = { ...emptyCloud(), instances: Object.fromEntries(Object.keys(instances).map(machine)) as never };
    writeFileSync(join(lab.dir, "cloud.json"), JSON.stringify(state));
    return state;
}

const several = () => stack(SEVERAL, { "i-2": "linkmesh-node-2-instance", "i-1": "linkmesh-node-1-instance" });
const one = () => stack(ONE, { "i-1": "linkmesh-machine-instance" });
const json = () => JSON.parse(printed.join("\n")) as Record<string, unknown>;

describe("the program's machines", () => {
    const names = (state: CloudState) => programMachines(lab, state).map(({ name, instance }) => [name, instance.id]);

    it("have their names if there are several, in order, without the bastion and what a killed `up` has left", () => {
        const state = stack(SEVERAL, {
            ...{ "i-10": "linkmesh-node-10-instance", "i-2": "linkmesh-node-2-instance" },
            ...{ "i-left": "", "i-bastion": "" },
        });
        state.bastion = { instanceId: "i-bastion" } as never;
        expect(names(state)).toEqual([
            ["node-2", "i-2"],
            ["node-10", "i-10"],
        ]);
    });

    it("are one without a name, also if the engine's state does not have it yet", () => {
        expect(names(one())).toEqual([[undefined, "i-1"]]);
        const state = stack(ONE, { "i-1": "", "i-bastion": "" });
        state.bastion = { instanceId: "i-bastion" } as never;
        expect(names(state)).toEqual([[undefined, "i-1"]]);
    });
});

describe("with several machines", () => {
    beforeEach(() => void several());

    it("status lists all, or the one that is named", async () => {
        await status({ json: true });
        const state = "stopped";
        const machine = { id: "i-1", state };
        expect(json()).toMatchObject({ machine, machines: { "node-1": machine, "node-2": { id: "i-2", state } } });
        printed = [];
        await status({ json: true, machine: "node-2" });
        expect(json().machines).toEqual({ "node-2": { id: "i-2", state } });
        printed = [];
        await status({});
        expect(printed.join("\n")).toMatch(/\nnode-1 +i-1, stopped\nnode-2 +i-2, stopped\n/);
        await expect(status({ machine: "node-3" })).rejects.toThrow(
            new LabError("the stack has no machine node-3: it has node-1, node-2"),
        );
    });

    it.each<[string, (machine?: string) => Promise<void>]>([
        ["ssh", (machine) => ssh(["true"], { machine })],
        ["logs nginx", (machine) => logs("nginx", { lines: "1", machine })],
    ])("%s wants a name, and logs in to that machine", async (_, run) => {
        await expect(run()).rejects.toThrow(
            new LabError("the stack has several machines: name one of node-1, node-2 with --machine"),
        );
        await run("node-2");
        expect(called()).toEqual(["10.77.129.252"]);
    });

    it("logs console wants a name", async () => {
        await expect(logs("console", { lines: "1" })).rejects.toThrow("name one of node-1, node-2 with --machine");
        await expect(logs("console", { lines: "1", machine: "node-2" })).rejects.toThrow(
            /the log .*i-2.* does not exist/,
        );
    });

    it("doctor looks at all, also after one that cannot be looked at, or at the one that is named", async () => {
        await expect(doctor({ json: true })).rejects.toThrow("2 of 2 machines are not as `up` left it");
        const hosts = () => (json().hosts as { host: string }[]).map(({ host }) => host);
        expect(hosts()).toEqual(["linkmesh.example.test node-1", "linkmesh.example.test node-2"]);
        expect(called()).toEqual(["10.77.129.251", "10.77.129.252"]);
        printed = [];
        await expect(doctor({ json: true, machine: "node-2" })).rejects.toThrow("the machine is not as `up` left it");
        expect(hosts()).toEqual(["linkmesh.example.test node-2"]);
    });

    it("nothing renews the load balancer's certificate", async () => {
        await expect(renew({})).rejects.toThrow("the load balancer has the certificate: AWS renews it");
    });
});

describe("with one machine", () => {
    beforeEach(() => void one());

    it("no command needs a name, and none takes one", async () => {
        await ssh(["true"], {});
        expect(called()).toEqual(["10.77.129.1"]);
        expect(readFileSync(join(root, "calls"), "utf8")).toContain(`-F ${lab.dir}/ssh/config 10.77.129.1 -- true`);
        await expect(ssh([], { machine: "node-1" })).rejects.toThrow("has one machine: leave --machine node-1 out");
        await status({ json: true });
        expect(json().machine).toEqual({ id: "i-1", state: "stopped" });
        expect(json()).not.toHaveProperty("machines");
        printed = [];
        await status({});
        expect(printed.join("\n")).toMatch(/\nmachine +i-1, stopped\n/);
    });
});

it("a check asks each of several machines, or the one that is named", () => {
    const login = (name?: string) => ({ name, args: [`admin@${name}`] });
    expect(askedMachines([login()])).toEqual({ ssh: ["ssh", "admin@undefined"] });
    const both = [login("node-1"), login("node-2")];
    expect(askedMachines(both).nodes?.map(({ name }) => name)).toEqual(["node-1", "node-2"]);
    expect(askedMachines(both, "node-2")).toEqual({ nodes: [{ name: "node-2", ssh: ["ssh", "admin@node-2"] }] });
});
