import { expect, it } from "vitest";
import { FUNCTIONS } from "../../lab/providers/aws/functions.ts";
import { evaluate, type PolicyDocument } from "../../lab/providers/aws/policy-evaluation.ts";
import { malformed } from "../../lab/providers/aws/policy-grammar.ts";
import { isMade, parseCall } from "../../lab/providers/aws/rights/call.ts";
import { Caller } from "../../lab/providers/aws/rights/caller.ts";
import { FUNCTION_CALLS, RESOURCE_CALLS } from "../../lab/providers/aws/rights/calls.ts";
import { DOCUMENTS } from "../../lab/providers/aws/rights/deployer.ts";
import { RESOURCE_TYPES } from "../../lab/providers/aws/types.ts";
import type { Values } from "../../lab/providers/property-values.ts";
import { balancerInputs, balancerNetwork, groupInputs } from "./lab-aws-balancer-cloud.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";
import { TestCa } from "../host/test-ca.ts";
import { CONFIG, runProgram } from "./program.ts";
import { TIER } from "./tier-settings.ts";

async function ownCertificate(): Promise<Record<string, string>> {
    const ca = await TestCa.create("CN=own");
    const { cert, key } = await ca.issue(["linkmesh.example.com"]);
    return { tlsCertificate: `${cert}\n${ca.pem}`, tlsPrivateKey: key };
}

const held = (documents: readonly PolicyDocument[]) =>
    documents.flatMap(({ Statement }) => Statement.flatMap(({ Action }) => Action));

/** Adds "ec2:CreateTags" for objects made with tags. */
const actionsOf = (texts: readonly string[]) =>
    texts
        .map(parseCall)
        .flatMap(({ action, resources }) => [
            action,
            ...(action.startsWith("ec2:") && resources.some(([, by]) => by === "new") ? ["ec2:CreateTags"] : []),
        ]);

/** Everything that the program registers and looks up, in the modes that differ. */
async function programCalls(): Promise<{ lookUps: string[]; all: string[] }> {
    const modes: Record<string, string>[] = [
        { cpuCredits: "standard" },
        { subnetId: "subnet-0aaaa", acmeChallenge: "dns-01", dailySnapshots: "7" },
        { finalSnapshot: "true", restoreFrom: "latest", dataVolumeSize: "20" },
        { alarms: "a@example.com", grpc: "false", tags: '{"team":"x"}' },
        TIER,
        { ...TIER, ...(await ownCertificate()) },
        // More rules than AWS's default quota.
        { httpsAllowedCidrs: Array.from({ length: 61 }, (_, i) => `198.18.${i}.0/24`).join(",") },
    ];
    const runs = [];
    for (const mode of modes) runs.push(await runProgram({ ...CONFIG, ...mode }, { quota: 100 }));
    const lookUps = runs.flatMap(({ calls }) => calls.flatMap(({ token }) => FUNCTION_CALLS[token] ?? []));
    // The reads of a role depend on its policies.
    const isCalled = (text: string, inputs: Values) => text.startsWith("iam:") || isMade(parseCall(text), inputs);
    const resources = runs.flatMap(({ registered }) =>
        registered.flatMap(({ type, inputs }) => {
            const calls = RESOURCE_CALLS[type];
            if (!calls) return [];
            const { update, ...others } = calls;
            const texts = [
                ...Object.values(others).flat(),
                ...Object.keys(inputs).flatMap((name) => update[name] ?? []),
            ];
            return texts.filter((text) => isCalled(text, inputs as Values));
        }),
    );
    return { lookUps: actionsOf(lookUps), all: actionsOf([...lookUps, ...resources]) };
}

it("every resource type and function has a list of the calls behind it", () => {
    expect(Object.keys(RESOURCE_CALLS).sort()).toEqual(Object.keys(RESOURCE_TYPES).sort());
    expect(Object.keys(FUNCTION_CALLS).sort()).toEqual(Object.keys(FUNCTIONS).sort());
    for (const [type, { update }] of Object.entries(RESOURCE_CALLS)) {
        expect(Object.keys(RESOURCE_TYPES[type]!.inputs), type).toEqual(expect.arrayContaining(Object.keys(update)));
    }
});

it("the documents allow exactly the calls of the program", async () => {
    const { lookUps, all } = await programCalls();
    expect([...new Set(held(Object.values(DOCUMENTS)))].sort()).toEqual([...new Set(all)].sort());
    expect([...new Set(held([DOCUMENTS.preview!]))].sort()).toEqual([...new Set(lookUps)].sort());
});

it("IAM accepts each document: short enough, statements with names, and no action twice in a statement", () => {
    for (const [name, document] of Object.entries(DOCUMENTS)) {
        expect(malformed(document as unknown as Values, "rights"), name).toBeUndefined();
        expect(document.Version).toBe("2012-10-17");
        expect(JSON.stringify(document).length, name).toBeLessThanOrEqual(6144);
        const sids = document.Statement.map(({ Sid }) => Sid);
        expect(new Set(sids).size, name).toBe(sids.length);
        for (const { Sid, Action, Effect } of document.Statement) {
            expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
            expect(Effect).toBe("Allow");
            expect([Action].flat()).toEqual([...new Set([Action].flat())].sort());
            for (const action of [Action].flat()) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z0-9]+$/);
        }
    }
});

/** A cloud whose caller has these documents. */
const cloudFor = (...names: string[]) => TestCloud.create(undefined, new Caller(names.map((name) => DOCUMENTS[name]!)));
const name = (Name: string) => ({ tags: { Name } });
const makeVpc = (cloud: TestCloud, more: object = name("linkmesh-vpc")): Promise<Made> =>
    cloud.make("Vpc", { cidrBlock: "10.77.0.0/24", ...more });

it("a tier's deployer makes the records of Certificate Manager, and no other CNAME", async () => {
    const cloud = cloudFor("preview", "route53", "tier");
    const record = (name: string) =>
        cloud.make("Record", { zoneId: "Z0LABEXAMPLETEST", name, type: "CNAME", ttl: 60, records: ["x.example.com"] });
    await record("_x.linkmesh.example.test");
    await expect(record("www.example.test")).rejects.toThrow(
        "not authorized to perform: route53:ChangeResourceRecordSets",
    );
});

it("names the missing right in AWS's words", async () => {
    await expect(makeVpc(cloudFor("preview", "base"))).rejects.toThrow(
        "creating EC2 VPC: api error UnauthorizedOperation: You are not authorized to perform this operation. " +
            "User: arn:aws:iam::000000000000:user/deployer is not authorized to perform: ec2:CreateVpc on resource: " +
            "arn:aws:ec2:eu-central-1:000000000000:vpc/new because no identity-based policy allows the ec2:CreateVpc action",
    );
    const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
    const assumeRolePolicy = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
    await expect(cloudFor("preview").make("Role", { name: "linkmesh-x", assumeRolePolicy })).rejects.toThrow(
        "api error AccessDenied: User: arn:aws:iam::000000000000:user/deployer is not authorized to perform: " +
            "iam:CreateRole on resource: arn:aws:iam::000000000000:role/linkmesh-x because",
    );
    await expect(cloudFor("base").invoke("aws:route53/getZone:getZone", { name: "example.test" })).rejects.toThrow(
        "not authorized to perform: route53:ListHostedZones because",
    );
});

it("a machine may be started with an interface, although IAM does not see the interface's tags", () => {
    const resource = "arn:aws:ec2:eu-central-1:000000000000:network-interface/eni-0a";
    const request = (action: string) => ({ action, resource, context: {} });
    expect(evaluate(Object.values(DOCUMENTS), request("ec2:RunInstances"))).toBe(true);
    expect(evaluate(Object.values(DOCUMENTS), request("ec2:DeleteNetworkInterface"))).toBe(false);
});

it("a machine may be started in the program's own security group alone: IAM sees the group's tags there, not the request's", async () => {
    const cloud = cloudFor("preview", "base", "network");
    const vpc = { vpcId: (await makeVpc(cloud)).id };
    const subnet = await cloud.make("Subnet", { ...vpc, cidrBlock: "10.77.0.0/24", ...name("linkmesh-subnet") });
    const group = await cloud.make("SecurityGroup", { ...vpc, name: "linkmesh", ...name("linkmesh-nodes") });
    const node = name("linkmesh-node-1");
    const image = { ami: "ami-0debian13labamd64", instanceType: "t3.small", rootBlockDevice: node };
    const place = { subnetId: subnet.id, vpcSecurityGroupIds: [group.id] };
    const launch = () => cloud.make("Instance", { ...image, ...place, ...node });
    await launch();
    await cloud.store.change((state) => (state.tags![group.id]!.Name = "theirs"));
    await expect(launch()).rejects.toThrow(
        `ec2:RunInstances on resource: arn:aws:ec2:eu-central-1:000000000000:security-group/${group.id}`,
    );
});

it("a tier in subnets of the user's needs no rights to the network", async () => {
    const theirs = TestCloud.create();
    const network = await balancerNetwork(theirs);
    const documents = ["preview", "base", "tier"].map((name) => DOCUMENTS[name]!);
    const cloud = TestCloud.of(theirs.store.lab, { apply: () => Promise.resolve() }, new Caller(documents));
    await cloud.make("LoadBalancer", { ...balancerInputs(network), name: "linkmesh-lb" });
    const targets = await cloud.make("TargetGroup", { ...groupInputs(network), name: "linkmesh-lb" });
    const target = { targetGroupArn: targets.id, targetId: network.machine.id, port: 443 };
    await cloud.make("TargetGroupAttachment", target);
});

it("a role can be passed only to its service", () => {
    const pass = (role: string, service: string) => ({
        action: "iam:PassRole",
        resource: `arn:aws:iam::000000000000:role/${role}`,
        context: { "iam:PassedToService": [service] },
    });
    const may = (role: string, service: string) => evaluate(Object.values(DOCUMENTS), pass(role, service));
    expect(may("linkmesh-instance-role-1", "ec2.amazonaws.com")).toBe(true);
    expect(may("linkmesh-snapshots-role-1", "dlm.amazonaws.com")).toBe(true);
    expect(may("linkmesh-snapshots-role-1", "ec2.amazonaws.com")).toBe(false);
    expect(may("linkmesh-instance-role-1", "dlm.amazonaws.com")).toBe(false);
});

it("resources of others can neither be changed nor tagged as the program's own", async () => {
    const all = Object.keys(DOCUMENTS);
    const cloud = cloudFor(...all);
    await expect(makeVpc(cloud, name("theirs"))).rejects.toThrow("perform: ec2:CreateVpc");
    await expect(makeVpc(cloud, {})).rejects.toThrow("perform: ec2:CreateVpc");
    const vpc = await makeVpc(cloud);
    await cloud.store.change((state) => (state.tags![vpc.id]!.Name = "theirs"));
    await expect(cloud.delete(vpc)).rejects.toThrow("perform: ec2:DeleteVpc");
    await expect(cloud.update(vpc, { ...vpc.inputs, ...name("linkmesh-mine") })).rejects.toThrow("ec2:CreateTags");
    const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
    const assumeRolePolicy = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
    const role = await cloud.make("Role", { name: "linkmesh-instance-r", assumeRolePolicy, ...name("linkmesh-r") });
    const profile = await cloud.make("InstanceProfile", { name: "linkmesh-p", role: role.id, ...name("linkmesh-p") });
    await cloud.delete(profile);
    await cloud.delete(role);
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
    await cloud.store.change((state) => {
        state.roles.admin = {
            name: "admin",
            arn: "arn:aws:iam::000000000000:role/admin",
            trust: policy,
            policies: [],
            createdAt: "",
        };
    });
    await expect(cloud.make("InstanceProfile", { name: "linkmesh-x", role: "admin" })).rejects.toThrow("iam:PassRole");
    const record = { zoneId: "Z0LABEXAMPLETEST", name: "linkmesh.example.test", type: "TXT", ttl: 60, records: ["x"] };
    await expect(cloud.make("Record", record)).rejects.toThrow("perform: route53:ChangeResourceRecordSets");
    await cloud.make("Record", { ...record, type: "A", records: ["192.0.2.1"] });
});

it("a deleted resource is found to be gone, although it has no tag that allows a read", async () => {
    const cloud = cloudFor(...Object.keys(DOCUMENTS));
    const vpc = await makeVpc(cloud);
    await cloud.store.change((state) => {
        delete state.vpcs[vpc.id];
        delete state.tags![vpc.id];
    });
    expect(await cloud.read(vpc)).toBeUndefined();
});

it("a change without a list of calls is an error in the lab", async () => {
    const { card } = await TestCloud.create().network();
    expect(card.id).toMatch(/^eni-/);
    const cloud = cloudFor(...Object.keys(DOCUMENTS));
    const vpc = await makeVpc(cloud);
    await expect(cloud.update(vpc, { ...vpc.inputs, cidrBlock: "10.77.1.0/24" })).rejects.toThrow(
        "has no list of AWS's calls for a change of cidrBlock of aws:ec2/vpc:Vpc",
    );
});
