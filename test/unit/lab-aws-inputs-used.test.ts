import { afterEach, expect, it } from "vitest";
import { type Property, type Schema, isBlock, isBlockList } from "../../lab/providers/aws/schema.ts";
import { RESOURCE_TYPES } from "../../lab/providers/aws/types.ts";
import { type Value, type Values, isMap } from "../../lab/providers/property-values.ts";
import { type Made, TestCloud } from "./lab-aws-cloud.ts";
import { TestCa } from "../host/test-ca.ts";

const restore: (() => void)[] = [];
afterEach(() => {
    for (const undo of restore.splice(0)) undo();
});

/** Every input by its path, as "aws:ec2/instance:Instance rootBlockDevice.iops". */
function inputs(schema: Schema, path: string): [path: string, property: Property][] {
    return Object.entries(schema).flatMap(([name, property]) => {
        const { kind } = property;
        const inner = isBlock(kind) ? kind : isBlockList(kind) ? kind[0] : undefined;
        return inner ? inputs(inner, `${path}${name}.`) : [[path + name, property] as [string, Property]];
    });
}

/** Reports every property that code reads. */
function watched(values: Values, path: string, seen: Set<string>): Values {
    const watch = (value: Value | undefined, name: string): Value | undefined =>
        isMap(value)
            ? watched(value, `${name}.`, seen)
            : Array.isArray(value)
              ? value.map((one) => watch(one, name)!)
              : value;
    return new Proxy(values, {
        get(target, name) {
            if (typeof name !== "string") return undefined;
            seen.add(path + name);
            return watch(target[name], path + name);
        },
    });
}

/** Records which inputs the types' code reads when a resource is made, changed or removed. */
function watchTypes(): Set<string> {
    const seen = new Set<string>();
    for (const [token, type] of Object.entries(RESOURCE_TYPES)) {
        const see = (values: Values) => watched(values, `${token} `, seen);
        const own = { ...type };
        type.create = (cloud, given) => own.create(cloud, see(given));
        type.remove = (change, id, state) => own.remove(change, id, see(state));
        if (own.update) type.update = (change, id, news, olds) => own.update!(change, id, see(news), see(olds));
        if (own.replaces) type.replaces = (olds, news) => own.replaces!(see(olds), see(news));
        if (own.refuses) type.refuses = (olds, news) => own.refuses!(see(olds), see(news));
        restore.push(() => Object.assign(type, own));
    }
    return seen;
}

/** One resource of each type, changed and removed. */
async function everything(cloud: TestCloud): Promise<Set<string>> {
    const all: Made[] = [];
    const make = async (type: string, given: Values) => {
        const made = await cloud.make(type, given);
        all.push(made);
        return made;
    };
    const document = (statement: Values) => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    const trust = { Effect: "Allow", Principal: { Service: "dlm.amazonaws.com" }, Action: "sts:AssumeRole" };
    const list = { Effect: "Allow", Action: "route53:ListHostedZones", Resource: "*" };
    const peer = { ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" };
    const vpc = await make("Vpc", { cidrBlock: "10.77.0.0/24", assignGeneratedIpv6CidrBlock: true });
    const gateway = await make("InternetGateway", { vpcId: vpc.id });
    const subnet = await make("Subnet", { vpcId: vpc.id, cidrBlock: "10.77.0.0/25" });
    const table = await make("RouteTable", { vpcId: vpc.id });
    await make("Route", { routeTableId: table.id, gatewayId: gateway.id, destinationCidrBlock: "0.0.0.0/0" });
    await make("Route", { routeTableId: table.id, gatewayId: gateway.id, destinationIpv6CidrBlock: "::/0" });
    await make("RouteTableAssociation", { routeTableId: table.id, subnetId: subnet.id });
    const group = await make("SecurityGroup", { vpcId: vpc.id });
    await make("Ingress", { securityGroupId: group.id, ...peer });
    await make("Egress", { securityGroupId: group.id, ...peer });
    const card = await make("NetworkInterface", { subnetId: subnet.id, securityGroups: [group.id] });
    const address = await make("Eip", {});
    await make("EipAssociation", { allocationId: address.id, networkInterfaceId: card.id });
    await make("Role", { name: "r", assumeRolePolicy: document(trust) });
    await make("RolePolicy", { role: "r", policy: document(list) });
    const policyArn = "arn:aws:iam::aws:policy/service-role/AWSDataLifecycleManagerServiceRole";
    await make("RolePolicyAttachment", { role: "r", policyArn });
    const profile = await make("InstanceProfile", { name: "p", role: "r" });
    const volume = await make("Volume", { availabilityZone: "eu-central-1a", size: 1 });
    const machine = await make("Instance", {
        ...cloud.instanceInputs(card),
        iamInstanceProfile: profile.id,
        metadataOptions: {},
        rootBlockDevice: {},
    });
    await make("Instance", {
        ...{ ami: machine.inputs.ami!, instanceType: "t3.small" },
        ...{ subnetId: subnet.id, vpcSecurityGroupIds: [group.id] },
    });
    const attached = { deviceName: "/dev/sdf", instanceId: machine.id, volumeId: volume.id };
    await make("VolumeAttachment", { ...attached, forceDetach: true });
    const record = { zoneId: "Z0LABEXAMPLETEST", name: "a", type: "A", ttl: 60, records: ["192.0.2.1"] };
    await make("Record", record);
    const schedule = { name: "s", createRule: { interval: 24 }, retainRule: { count: 1 } };
    await make("LifecyclePolicy", {
        description: "d",
        executionRoleArn: "arn:aws:iam::000000000000:role/r",
        policyDetails: { resourceTypes: ["VOLUME"], targetTags: { a: "b" }, schedules: [schedule] },
    });
    const topic = await make("Topic", { region: "us-east-1" });
    await make("TopicSubscription", { topic: topic.id, protocol: "email", endpoint: "a@b.c", region: "us-east-1" });
    await make("HealthCheck", { type: "TCP", ipAddress: address.outputs.publicIp!, port: 50051 });
    await make("MetricAlarm", {
        ...{ region: "us-east-1", namespace: "n", metricName: "m", dimensions: { a: "b" }, statistic: "Maximum" },
        ...{ period: 60, evaluationPeriods: 1, threshold: 1, comparisonOperator: "LessThanThreshold" },
        ...{ alarmActions: [topic.id], okActions: [topic.id] },
    });
    await balanced(make, { vpc, machine, group });
    // Properties that decide about an existing object.
    const association = { allocationId: address.id, networkInterfaceId: card.id, allowReassociation: false };
    await expect(cloud.make("EipAssociation", association)).rejects.toThrow("AlreadyAssociated");
    await expect(cloud.make("Record", record)).rejects.toThrow("already exists");
    for (const made of all) {
        await cloud.diff(made, made.inputs);
        await cloud.update(made, made.inputs);
    }
    for (const made of all.toReversed()) await cloud.delete(made);
    return new Set(all.map(({ type }) => type));
}

type Make = (type: string, given: Values) => Promise<Made>;

/** A load balancer in a subnet of its own, and what belongs to it. */
async function balanced(make: Make, { vpc, machine, group }: Record<"vpc" | "machine" | "group", Made>): Promise<void> {
    const ipv6CidrBlock = (vpc.outputs.ipv6CidrBlock as string).replace("/56", "/64");
    const subnet = await make("Subnet", { vpcId: vpc.id, cidrBlock: "10.77.0.128/25", ipv6CidrBlock });
    const address = await make("Eip", {});
    const mapping = { subnetId: subnet.id, allocationId: address.id, ipv6Address: ipv6CidrBlock.replace("/64", "a") };
    const balancer = await make("LoadBalancer", {
        ...{ name: "b", loadBalancerType: "network", ipAddressType: "dualstack", internal: false },
        ...{ subnetMappings: [mapping], securityGroups: [group.id] },
    });
    const port = { port: 443, protocol: "TLS" };
    const targets = await make("TargetGroup", {
        ...{ ...port, name: "t", vpcId: vpc.id, preserveClientIp: "false" },
        ...{
            healthCheck: { protocol: "HTTPS", path: "/" },
            targetHealthStates: [{ enableUnhealthyConnectionTermination: true }],
        },
    });
    await make("TargetGroupAttachment", { targetGroupArn: targets.id, targetId: machine.id });
    const ca = await TestCa.create("CN=ca");
    const { cert, key } = await ca.issue(["a.example.test"]);
    const certificate = await make("Certificate", { certificateBody: cert, privateKey: key, certificateChain: ca.pem });
    const listener = {
        loadBalancerArn: balancer.id,
        defaultActions: [{ type: "forward", targetGroupArn: targets.id }],
    };
    await make("Listener", { ...listener, ...port, certificateArn: certificate.id, alpnPolicy: "None" });
    const requested = await make("Certificate", { domainName: "b.example.test", validationMethod: "DNS" });
    const [{ resourceRecordName: name, resourceRecordValue: value }] = requested.outputs.domainValidationOptions as [
        Values,
    ];
    await make("Record", { zoneId: "Z0LABEXAMPLETEST", name: name!, type: "CNAME", ttl: 60, records: [value!] });
    await make("CertificateValidation", { certificateArn: requested.id, validationRecordFqdns: [name!] });
}

it("every input has an effect, or the table says why it has none", async () => {
    const seen = watchTypes();
    expect((await everything(TestCloud.create())).size).toBe(Object.keys(RESOURCE_TYPES).length);
    const all = Object.entries(RESOURCE_TYPES).flatMap(([token, { inputs: schema }]) => inputs(schema, `${token} `));
    // The provider itself handles tags.
    const own = all.filter(([path]) => !path.endsWith(" tags"));
    expect(own.filter(([path, { inert }]) => !seen.has(path) && inert === undefined).map(([path]) => path)).toEqual([]);
    expect(own.filter(([path, { inert }]) => seen.has(path) && inert !== undefined).map(([path]) => path)).toEqual([]);
});
